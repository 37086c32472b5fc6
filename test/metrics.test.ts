// What an operator's Prometheus reads, and what it must never: names of tenants, people or addresses.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openWorld } from './support/world.ts'
import { startApp } from './support/app.ts'

const METRICS_TOKEN = 'metrics-token-0123456789'
const FROM = { ip: '192.0.2.77' }

test('requests and calls are counted by route, status and outcome, and by nothing that a tenant names', async (t) => {
  const world = await openWorld(
    t,
    ({ url }, response) =>
      response
        .writeHead(url.endsWith('/bad') ? 500 : 200, { 'content-type': 'text/plain' })
        .end('x'),
    { METRICS_TOKEN },
  )
  const providerId = await world.importProvider(['get /canarytool', 'get /bad'], {
    name: 'canaryprovider',
  })
  const server = await world.openServer({ name: 'canaryserver', providerIds: [providerId] })
  for (let n = 0; n < 3; n += 1) await server.call('get_canarytool')
  await server.call('get_bad')
  await server.call('get_canarytool', { unknown: 1 })
  const get = (path: string, token?: string) =>
    world.app.app(
      new Request(new URL(path, world.app.graphqlUrl), {
        headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      }),
      FROM,
    )
  await get('/canarypath/hms_canary')
  for (const token of [undefined, 'wrong', `${METRICS_TOKEN}x`, world.app.apiKey]) {
    assert.equal((await get('/metrics', token)).status, 401)
  }
  const response = await get('/metrics', METRICS_TOKEN)
  const text = await response.text()
  assert.equal(response.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8')
  const value = (name: string) =>
    text
      .split('\n')
      .find((line) => line.startsWith(`${name} `))
      ?.slice(name.length + 1)
  assert.deepEqual(
    [
      value('hasmcp_call_duration_seconds_count{outcome="ok"}'),
      value('hasmcp_call_duration_seconds_count{outcome="error"}'),
      value('hasmcp_call_duration_seconds_count{outcome="ARGUMENTS_INVALID"}'),
      value('hasmcp_http_request_duration_seconds_count{route="/mcp",status="200"}'),
      value('hasmcp_http_request_duration_seconds_count{route="other",status="404"}'),
      value('hasmcp_http_request_duration_seconds_count{route="/metrics",status="401"}'),
      value('hasmcp_calls_running'),
      value('hasmcp_calls_waiting'),
      value('hasmcp_streams_open'),
      value('hasmcp_sandbox_runs_total'),
    ],
    ['3', '1', '1', '5', '1', '4', '0', '0', '0', '0'],
  )
  for (const secret of ['canary', FROM.ip, world.app.accountId, server.id, providerId, 'hms_']) {
    assert.equal(text.includes(secret), false, secret)
  }
  // However many paths there are: a label has a value of ours, or one for all others.
  for (let n = 0; n < 50; n += 1) await get(`/path${n}`)
  const again = await (await get('/metrics', METRICS_TOKEN)).text()
  const routes = new Set([...again.matchAll(/route="([^"]*)"/g)].map(([, route]) => route))
  assert.deepEqual(routes, new Set(['/graphql', '/mcp', 'other', '/metrics']))
})

test('without METRICS_TOKEN there is no such page', async (t) => {
  const app = await startApp(t)
  const url = new URL('/metrics', app.graphqlUrl)
  const headers = { authorization: `Bearer ${app.apiKey}` }
  assert.equal((await app.app(new Request(url, { headers }), FROM)).status, 404)
})

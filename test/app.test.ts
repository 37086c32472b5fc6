// The routes around GraphQL and MCP: health, unknown paths, bounds, request ids and the rate limit.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startApp } from './support/app.ts'

// A streamed body needs it; Node's types do not know it.
const HALF_DUPLEX = { duplex: 'half' } as object

const FROM = { ip: '192.0.2.7' }

test('GET /livez and /readyz answer 200 ok', async (t) => {
  const { app } = await startApp(t)
  for (const path of ['/livez', '/readyz']) {
    const response = await app(new Request(`http://hasmcp${path}`), FROM)
    assert.deepEqual(
      { status: response.status, text: await response.text() },
      { status: 200, text: 'ok\n' },
    )
  }
})

test('an unknown path answers 404 with a sentence and the request id of its header', async (t) => {
  const { app } = await startApp(t)
  const response = await app(new Request('http://hasmcp/nothing'), FROM)
  const requestId = response.headers.get('x-request-id')
  assert.match(requestId ?? '', /^[0-9a-f-]{36}$/)
  assert.equal(response.status, 404)
  assert.deepEqual(await response.json(), {
    error: {
      code: 'NOT_FOUND',
      message: 'There is nothing at /nothing; see /sign-in, /graphql and /mcp/{serverId}',
      requestId,
    },
  })
})

test('POST /graphql answers 413 for a body over 256 KiB, whether it is announced or not', async (t) => {
  const { app, apiKey } = await startApp(t)
  const body = JSON.stringify({ query: `{ viewer { account { id } } } #${'x'.repeat(256 * 1024)}` })
  const headers = { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' }
  const streamed = () => new Response(body).body
  for (const request of [
    new Request('http://hasmcp/graphql', {
      method: 'POST',
      headers: { ...headers, 'content-length': String(body.length) },
      body,
    }),
    new Request('http://hasmcp/graphql', {
      method: 'POST',
      headers,
      body: streamed(),
      ...HALF_DUPLEX,
    }),
  ]) {
    const response = await app(request, FROM)
    assert.equal(response.status, 413)
    assert.deepEqual(await response.json(), {
      error: {
        code: 'TOO_LARGE',
        message:
          'The request body is larger than 262144 bytes; upload large documents to POST /documents',
        requestId: response.headers.get('x-request-id'),
      },
    })
  }
})

const ROUTES = [
  ['GET', '/livez'],
  ['POST', '/graphql'],
  ['POST', '/documents'],
  ['POST', '/mcp/srv_x'],
  ['GET', '/nothing'],
] as const

test('every route is counted against its address and refused with 429 past the limit', async (t) => {
  const { app } = await startApp(t, { RATE_LIMIT_PER_MINUTE: '3' })
  for (const [index, [method, path]] of ROUTES.entries()) {
    const from = { ip: `192.0.2.${index + 10}` }
    const ask = () => app(new Request(`http://hasmcp${path}`, { method }), from)
    const statuses = [(await ask()).status, (await ask()).status, (await ask()).status]
    assert.equal(statuses.includes(429), false, `${method} ${path}: ${statuses.join()}`)
    const refused = await ask()
    assert.equal(refused.status, 429, `${method} ${path}`)
    const retryAfter = Number(refused.headers.get('retry-after'))
    assert(retryAfter >= 1 && retryAfter <= 60)
    assert.deepEqual(await refused.json(), {
      error: {
        code: 'RATE_LIMITED',
        message: `Too many requests from this address; try again in ${retryAfter} s`,
        requestId: refused.headers.get('x-request-id'),
      },
    })
  }
  const other = await app(new Request('http://hasmcp/livez'), { ip: '192.0.2.8' })
  assert.equal(other.status, 200, 'another address is not refused')
})

test('an IPv6 customer is one address: the limit counts /64 networks', async (t) => {
  const { app } = await startApp(t, { RATE_LIMIT_PER_MINUTE: '2' })
  const ask = async (ip: string) => (await app(new Request('http://hasmcp/livez'), { ip })).status
  assert.deepEqual(
    [
      await ask('2001:db8:1:2::1'),
      await ask('2001:db8:1:2::2'),
      await ask('2001:db8:1:2:ffff::3'),
      await ask('2001:db8:1:3::1'),
    ],
    [200, 200, 429, 200],
  )
  assert.deepEqual(
    [await ask('::ffff:192.0.2.9'), await ask('192.0.2.9'), await ask('::ffff:192.0.2.9')],
    [200, 200, 429],
  )
})

// The README's GraphQL section, step by step: each curl is sent as it stands there, with the ids of
// the steps before it filled in.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { startSampleApi } from '../examples/sample-api.ts'
import { startApp } from './support/app.ts'

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
const section = readme.split('\n## GraphQL\n')[1]?.split('\n## ')[0] ?? ''
const bodies = [...section.matchAll(/\/graphql -H .* -d '(\{[^']+\})'/g)].map(
  ([, body = '']) => body,
)
const FROM = { ip: '192.0.2.1' }

test('README "GraphQL": every step works as it is printed', async (t) => {
  const sample = await startSampleApi()
  t.after(() => {
    sample.close()
  })
  const { app, apiKey, pool } = await startApp(t)
  pool.allowEgress(sample.origin)
  const authorization = `Bearer ${apiKey}`
  const ids = new Map<string, string>()
  const send = async (path: string, body: string, bearer = authorization) => {
    const headers = {
      authorization: bearer,
      'content-type': 'application/json',
      accept: 'application/json',
    }
    return await app(new Request(`http://hasmcp${path}`, { method: 'POST', headers, body }), FROM)
  }
  const step = async (index: number): Promise<Record<string, unknown>> => {
    const body = (bodies[index] ?? '')
      .replace('"value": "…"', '"value": "anything"')
      .replaceAll(/\b([a-z]{3})_…/g, (_, prefix: string) => ids.get(prefix) ?? 'missing')
    const answer = (await (await send('/graphql', body)).json()) as {
      data: Record<string, { data?: Record<string, unknown> }>
    }
    const data = Object.values(answer.data)[0]?.data
    assert(data !== undefined, JSON.stringify(answer))
    for (const match of JSON.stringify(answer).matchAll(/"((prv|srv|tok)_[0-9a-z]{26})"/g))
      ids.set(match[2] ?? '', match[1] ?? '')
    return data
  }
  assert.equal(bodies.length, 6)
  const document = readFileSync(new URL('../examples/sample-api.yaml', import.meta.url), 'utf8')
  const uploaded = (await (
    await send('/documents', document.replace('http://127.0.0.1:4243', sample.origin))
  ).json()) as { documentId: string }
  ids.set('doc', uploaded.documentId)
  const imported = await step(0)
  assert.deepEqual(
    { ...imported, provider: undefined },
    { provider: undefined, added: 3, changed: 0, removed: 0, warnings: [] },
  )
  const server = await step(1)
  const { token, mcpUrl } = await step(2)
  assert.equal(mcpUrl, server['mcpUrl'])
  const call = async () => {
    const body =
      '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"getTea","arguments":{"teaId":"assam"}}}'
    return await send(new URL(String(mcpUrl)).pathname, body, `Bearer ${String(token)}`)
  }
  const answered = await call()
  const example = /^\{"jsonrpc":"2\.0","id":1,"result":.*$/m.exec(readme)?.[0]
  assert.deepEqual(
    { status: answered.status, text: await answered.text() },
    { status: 200, text: example },
  )
  await step(3)
  assert.equal((await call()).status, 401)
  await step(4)
  await step(5)
})

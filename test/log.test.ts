// What the log may hold: never a payload, an argument, a credential or an address, at no level and
// in no error.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTestStorage } from './support/database.ts'
import { graphql } from './support/graphql.ts'
import { mcpRequest } from './support/mcp.ts'
import { startProduct, type QuickStartLine } from './support/product.ts'

test('the log at its most talkative holds no payload, argument, credential or address', async (t) => {
  const product = await startProduct(t, {
    args: ['--demo', '--json'],
    env: { ...(await createTestStorage(t)), LOG_LEVEL: 'debug' },
  })
  const { mcpUrl, token, graphqlUrl, apiKey } = JSON.parse(product.firstLine) as QuickStartLine
  const call = (name: string, args: object) =>
    mcpRequest(mcpUrl, token, 'tools/call', { name, arguments: args })
  await call('getTea', { teaId: 'canary-argument' })
  await call('createOrder', { body: { teaId: 'canary-body', grams: 100 } })
  await call('listTeas', { kind: 'canary-invalid' })
  await mcpRequest(mcpUrl, `${token.slice(0, -1)}x`, 'ping')
  await fetch(new URL(`/mcp/${token}`, mcpUrl), { method: 'POST' })
  const missed = await fetch(new URL(`/nothing/${token}/${apiKey}?key=canary-query`, mcpUrl))
  const { error } = (await missed.json()) as { error: { message: string; requestId: string } }
  assert.equal(
    error.message,
    'There is nothing at /nothing/hms_…/hmk_…; see /sign-in, /graphql and /mcp/{serverId}',
  )
  await graphql(
    graphqlUrl,
    apiKey,
    '{ providers(first: 1, filter: { nameContains: "canary-filter" }) { totalCount } }',
  )
  await assert.rejects(graphql(graphqlUrl, apiKey, '{ canaryField }'))
  assert.equal(await product.end('SIGTERM'), 0)

  const log = product.stderr()
  assert(
    log.includes(`"requestId":"${error.requestId}"`),
    'the search works: the request is found by its id',
  )
  const secrets = [token, apiKey, 'canary', 'Sencha', '127.0.0.1"', '::1', 'Bearer']
  assert.deepEqual(
    secrets.filter((secret) => log.includes(secret)),
    [],
  )
  for (const line of log.trim().split('\n')) JSON.parse(line)
})

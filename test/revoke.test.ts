// What is revoked is refused: at once where it was revoked, within a second in every other process.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { start } from '../server/start.ts'
import { readConfig } from '../server/config.ts'
import { createTestStorage, testDatabaseKind } from './support/database.ts'
import { graphql } from './support/graphql.ts'
import { startProduct } from './support/product.ts'

const WITHIN_MS = 1_000

const PING = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' })

const statusOf = async (url: string, bearer: string, body: string) => {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${bearer}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    },
    body,
  })
  await response.arrayBuffer()
  return response.status
}

interface Made {
  readonly createServer: { readonly data: { readonly id: string } }
  readonly createServerToken: {
    readonly data: { readonly token: string; readonly serverToken: { readonly id: string } }
  }
  readonly createApiKey: {
    readonly data: { readonly text: string; readonly apiKey: { readonly id: string } }
  }
}

const CREATE_SERVER = `mutation { createServer(input: { name: "S" }) {
  ... on CreateServerSuccess { data { id } } } }`
const CREATE_TOKEN = `mutation($serverId: ID!) {
  createServerToken(input: { serverId: $serverId, name: "T" }) {
    ... on CreateServerTokenSuccess { data { token serverToken { id } } } } }`
const CREATE_KEY = `mutation { createApiKey(input: { name: "K" }) {
  ... on CreateApiKeySuccess { data { text: key apiKey { id } } } } }`
const REVOKE = `mutation($token: ID!, $key: ID!) {
  revokeServerToken(id: $token) { __typename } revokeApiKey(id: $key) { __typename } }`

for (const place of ['the process that revoked it', 'a second process'] as const) {
  const isSecond = place === 'a second process'
  const skip =
    isSecond && testDatabaseKind === 'embedded' && 'takes TEST_DATABASE_URL: one process only'
  test(`a revoked token and key are refused by ${place}`, { skip }, async (t) => {
    const env = { ...(await createTestStorage(t)), PORT: '0', LOG_LEVEL: 'silent' }
    const running = await start(readConfig([], env))
    t.after(() => running.stop())
    const ask = <T>(query: string, variables?: object) =>
      graphql<T>(running.graphqlUrl, running.ownerKey.text, query, variables)
    const server = await ask<Pick<Made, 'createServer'>>(CREATE_SERVER)
    const serverId = server.createServer.data.id
    const { data: token } = (await ask<Pick<Made, 'createServerToken'>>(CREATE_TOKEN, { serverId }))
      .createServerToken
    const { data: key } = (await ask<Pick<Made, 'createApiKey'>>(CREATE_KEY)).createApiKey
    const graphqlUrl = isSecond ? await startSecond(t, env) : running.graphqlUrl
    const doors = () =>
      Promise.all([
        statusOf(graphqlUrl.replace('/graphql', `/mcp/${serverId}`), token.token, PING),
        statusOf(graphqlUrl, key.text, '{"query":"{ viewer { id } }"}'),
      ])
    // Twice: now both are in the caches.
    assert.deepEqual([await doors(), await doors()].flat(), [200, 200, 200, 200])
    await ask(REVOKE, { token: token.serverToken.id, key: key.apiKey.id })
    const revokedAt = performance.now()
    let statuses = await doors()
    while (isSecond && statuses.join() !== '401,401' && performance.now() - revokedAt < WITHIN_MS) {
      statuses = await doors()
    }
    assert.deepEqual(statuses, [401, 401])
  })
}

async function startSecond(
  t: Parameters<typeof startProduct>[0],
  env: Readonly<Record<string, string>>,
): Promise<string> {
  const product = await startProduct(t, { args: ['--json'], env })
  return (JSON.parse(product.firstLine) as { graphqlUrl: string }).graphqlUrl
}

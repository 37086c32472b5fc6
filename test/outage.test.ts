// A warm call needs no database: PostgreSQL is stopped, calls go on; revocations made before and
// after are obeyed.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startSampleApi } from '../examples/sample-api.ts'
import { graphql } from './support/graphql.ts'
import { mcpRequest } from './support/mcp.ts'
import { findPostgres, startPostgres } from './support/postgres.ts'
import { ROOT, startProduct, temporaryDir, type QuickStartLine } from './support/product.ts'

const bin = findPostgres()

const CREATE_TOKEN = `mutation Create($input: CreateServerTokenInput!) {
  createServerToken(input: $input) { ... on CreateServerTokenSuccess { data { token serverToken { id } } } }
}`
const REVOKE_TOKEN = `mutation Revoke($id: ID!) {
  revokeServerToken(id: $id) { __typename }
}`

test(
  'POST /mcp/{id} answers warm calls while PostgreSQL is stopped, but no revoked token',
  { skip: bin === undefined && 'PostgreSQL is not installed' },
  async (t) => {
    assert(bin !== undefined)
    const postgres = await startPostgres(t, bin)
    const sample = await startSampleApi()
    t.after(() => {
      sample.close()
    })
    const product = await startProduct(t, {
      args: ['--openapi', `${ROOT}examples/sample-api.yaml`, '--base-url', sample.origin, '--json'],
      env: { DATA_DIR: await temporaryDir(t), DATABASE_URL: postgres.url },
    })
    const { mcpUrl, token, serverId, graphqlUrl, apiKey } = JSON.parse(
      product.firstLine,
    ) as QuickStartLine
    const call = (credential: string) =>
      mcpRequest(mcpUrl, credential, 'tools/call', { name: 'listTeas', arguments: {} })
    const created = await graphql<{
      createServerToken: { data: { token: string; serverToken: { id: string } } }
    }>(graphqlUrl, apiKey, CREATE_TOKEN, { input: { serverId, name: 'second' } })
    const second = created.createServerToken.data
    assert.equal((await call(token)).status, 200)
    assert.equal((await call(second.token)).status, 200)
    await graphql(graphqlUrl, apiKey, REVOKE_TOKEN, { id: second.serverToken.id })
    assert.equal((await call(second.token)).status, 401, 'a revoked token is refused at once')

    await postgres.stop()
    const statuses: number[] = []
    for (let n = 0; n < 50; n++) statuses.push((await call(token)).status)
    assert.deepEqual(
      statuses,
      Array.from({ length: 50 }, () => 200),
    )
    assert.equal((await call(second.token)).status, 401, 'the revocation is remembered')
    const unready = await fetch(new URL('/readyz', mcpUrl))
    assert.deepEqual(
      { status: unready.status, text: await unready.text() },
      { status: 503, text: 'The database cannot be reached\n' },
    )
    const response = await fetch(graphqlUrl, {
      method: 'POST',
      headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
      body: '{"query":"{ viewer { account { id } } }"}',
    })
    assert.equal(response.status, 503)

    await postgres.start()
    assert.equal((await call(token)).status, 200)
    assert.equal(await product.end('SIGTERM'), 0)
  },
)

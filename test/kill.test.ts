// What was acknowledged is there after kill -9: imports and token creations, counted by the client,
// while the process is killed in the middle of the next ones.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { graphql } from './support/graphql.ts'
import { createTestStorage } from './support/database.ts'
import { startProduct } from './support/product.ts'

const WRITES = 260
// Killed after this many acknowledgements, with eight more requests under way.
const KILL_AFTER = 200
const PARALLEL = 8

const IMPORT = `mutation Import($input: ImportOpenApiInput!) {
  importOpenApi(input: $input) { __typename ... on ImportOpenApiSuccess { data { provider { id } } } }
}`
const CREATE_TOKEN = `mutation Create($input: CreateServerTokenInput!) {
  createServerToken(input: $input) { __typename ... on CreateServerTokenSuccess { data { serverToken { id } } } }
}`
const CREATE_SERVER = `mutation Create($input: CreateServerInput!) {
  createServer(input: $input) { __typename ... on CreateServerSuccess { data { id } } }
}`
const FIND = `query Find($id: ID!) {
  node(id: $id) { __typename id ... on Provider { tools(first: 1) { totalCount } } }
}`

test(`kill -9 after ${KILL_AFTER} acknowledged imports and token creations loses none of them`, async (t) => {
  const env = {
    ...(await createTestStorage(t)),
    HASMCP_ADMIN_KEY: 'k'.repeat(16) + '0123456789abcdef',
  }
  const first = await startProduct(t, { args: ['--json'], env })
  const { graphqlUrl } = JSON.parse(first.firstLine) as { graphqlUrl: string }
  const send = <T>(query: string, variables: object) =>
    graphql<T>(graphqlUrl, env.HASMCP_ADMIN_KEY, query, variables)
  const { createServer } = await send<{ createServer: { data: { id: string } } }>(CREATE_SERVER, {
    input: { name: 'Killed' },
  })

  const acknowledged: string[] = []
  const write = async (n: number) => {
    if (n % 2 === 0) {
      const { createServerToken } = await send<{
        createServerToken: { data: { serverToken: { id: string } } }
      }>(CREATE_TOKEN, {
        input: { serverId: createServer.data.id, name: `token ${n}` },
      })
      acknowledged.push(createServerToken.data.serverToken.id)
    } else {
      const { importOpenApi } = await send<{
        importOpenApi: { data: { provider: { id: string } } }
      }>(IMPORT, {
        input: { name: `Provider ${n}`, text: documentOf(n), baseUrl: 'https://api.example.com' },
      })
      acknowledged.push(importOpenApi.data.provider.id)
    }
    if (acknowledged.length === KILL_AFTER) first.child.kill('SIGKILL')
  }
  let next = 0
  const worker = async () => {
    while (next < WRITES) {
      try {
        await write(next++)
      } catch {
        return // The process is gone: this one was not acknowledged.
      }
    }
  }
  await Promise.all(Array.from({ length: PARALLEL }, worker))
  await first.end('SIGKILL')
  assert(
    acknowledged.length >= KILL_AFTER && acknowledged.length < WRITES,
    `${acknowledged.length} acknowledged`,
  )

  const second = await startProduct(t, { args: ['--json'], env })
  const again = JSON.parse(second.firstLine) as { graphqlUrl: string }
  const missing: string[] = []
  for (const id of acknowledged) {
    const { node } = await graphql<{ node: { id?: string; tools?: { totalCount: number } } }>(
      again.graphqlUrl,
      env.HASMCP_ADMIN_KEY,
      FIND,
      { id },
    )
    if (node?.id !== id || (node.tools !== undefined && node.tools.totalCount !== 2))
      missing.push(id)
  }
  assert.deepEqual(missing, [])
  const { providers } = await graphql<{
    providers: { edges: { node: { tools: { totalCount: number } } }[] }
  }>(
    again.graphqlUrl,
    env.HASMCP_ADMIN_KEY,
    '{ providers(first: 100) { edges { node { tools(first: 1) { totalCount } } } } }',
  )
  const counts = new Set(providers.edges.map(({ node }) => node.tools.totalCount))
  assert.deepEqual([...counts], [2], 'no import is half there, acknowledged or not')
})

function documentOf(n: number): string {
  return JSON.stringify({
    openapi: '3.1.0',
    info: { title: `Document ${n}`, version: '1' },
    paths: {
      [`/things/${n}`]: {
        get: { operationId: 'getThing', responses: {} },
        delete: { operationId: 'deleteThing', responses: {} },
      },
    },
  })
}

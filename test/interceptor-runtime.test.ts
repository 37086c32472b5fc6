// Interceptors on every runtime: made over GraphQL, run in a call over MCP, a hostile one contained.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { createTestStorage } from './support/database.ts'
import { graphql } from './support/graphql.ts'
import { startProduct, type QuickStartLine, type Runtime } from './support/product.ts'

const MAKE = `mutation($input: CreateInterceptorInput!) { createInterceptor(input: $input) {
  __typename ... on CreateInterceptorSuccess { data { id } } ... on Error { code message } } }`
const SCRIPTS = [
  ['JMESPATH', 'teas[].id', '["assam","sencha","tie-guan-yin","gyokuro"]'],
  ['JAVASCRIPT', 'input.teas.map(({ id }) => id.length)', '[5,6,12,7]'],
  ['JAVASCRIPT', 'for (;;);', undefined],
  ['JAVASCRIPT', 'input.teas.length', '4'],
] as const

for (const runtime of ['node', 'bun', 'deno'] satisfies readonly Runtime[]) {
  test(`interceptors rewrite answers on ${runtime}`, async (t) => {
    const { firstLine } = await startProduct(t, {
      runtime,
      args: ['--demo', '--json'],
      env: await createTestStorage(t),
    })
    const { graphqlUrl, apiKey, mcpUrl, token, serverId } = JSON.parse(firstLine) as QuickStartLine
    for (const [engine, code, expected] of SCRIPTS) {
      const input = { serverId, name: 'script', phase: 'RESPONSE', engine, code }
      const made = await graphql<{
        createInterceptor: { __typename: string; data: { id: string } }
      }>(graphqlUrl, apiKey, MAKE, { input })
      assert.equal(
        made.createInterceptor.__typename,
        'CreateInterceptorSuccess',
        JSON.stringify(made),
      )
      const response = await fetch(mcpUrl, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${token}`,
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
        },
        body: '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"listTeas","arguments":{}}}',
      })
      const { result } = (await response.json()) as {
        result: { content: { text: string }[]; isError?: boolean }
      }
      const text = result.content[0]?.text ?? ''
      if (expected === undefined) {
        assert.equal(result.isError, true)
        assert.match(text, /^Interceptor "script".*100 ms.*answer is withheld$/)
      } else {
        assert.equal(text, expected)
      }
      await graphql(
        graphqlUrl,
        apiKey,
        'mutation($id: ID!) { deleteInterceptor(id: $id) { __typename } }',
        { id: made.createInterceptor.data.id },
      )
    }
  })
}

// The whole product with an upstream of its own: what a user sets up by GraphQL and calls by MCP.
import assert from 'node:assert/strict'
import { startApp, type TestApp } from './app.ts'
import { mutation, openapi, type Answer, type Result } from './control-plane.ts'
import type { Cleanup } from './database.ts'
import type { McpAnswer } from './mcp.ts'
import { startUpstream, type Answer as UpstreamAnswer, type Upstream } from './upstream.ts'

const FROM = { ip: '192.0.2.1' }

/** Every answer's text, for tests that look for what must not be in one. */
export interface World {
  readonly app: TestApp
  readonly upstream: Upstream
  /** Of every response so far, of both endpoints. */
  readonly texts: readonly string[]
  /** A GraphQL operation, whatever comes of it; by another account's key if one is given. */
  send(query: string, variables?: object, key?: string): Promise<Answer>
  /** The data of an answer without errors. */
  ask<T>(query: string, variables?: object): Promise<T>
  /** A mutation's answer; of a success what `data` says. */
  mutate<T = Result>(name: string, input: object, data?: string): Promise<T>
  /** The `data` of a mutation that must succeed. */
  make<T = { readonly id: string }>(name: string, input: object, data?: string): Promise<T>
  /** A provider at the upstream with a tool for each operation, named like `get_pets`. */
  importProvider(operations: readonly string[], input?: object): Promise<string>
  /** A server with these tools and a token for it. */
  openServer(input: object): Promise<McpServer>
}

/** A server as a client of it sees it. */
export interface McpServer {
  readonly id: string
  request(method: string, params?: object): Promise<McpAnswer>
  /** `tools/call`: the text, and whether it is an error. */
  call(name: string, args?: object): Promise<{ readonly text: string; readonly isError: boolean }>
  /** Names and descriptions as `tools/list` shows them. */
  list(): Promise<readonly Readonly<Record<string, unknown>>[]>
}

/** Starts both; they stop when the test ends. */
export async function openWorld(
  t: Cleanup,
  answer?: UpstreamAnswer,
  env: Readonly<Record<string, string>> = {},
): Promise<World> {
  const upstream = await startUpstream(answer)
  t.after(() => upstream.close())
  const app = await startApp(t, { EGRESS_ALLOW: upstream.origin, ...env })
  const texts: string[] = []
  const post = async (path: string, bearer: string, body: object) => {
    const headers = {
      authorization: `Bearer ${bearer}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    }
    const init = { method: 'POST', headers, body: JSON.stringify(body) }
    const response = await app.app(new Request(`http://hasmcp${path}`, init), FROM)
    const text = await response.text()
    texts.push(text)
    return { status: response.status, text, body: JSON.parse(text) as never }
  }
  const send: World['send'] = (query, variables = {}, key = app.apiKey) =>
    post('/graphql', key, { query, variables })
  const ask = async <T>(query: string, variables: object = {}): Promise<T> => {
    const { body, text } = await send(query, variables)
    assert.equal(body.errors, undefined, text)
    return body.data as T
  }
  const mutate = async <T>(name: string, input: object, data = 'id'): Promise<T> =>
    Object.values(await ask<Record<string, T>>(mutation(name, data), { input }))[0] as T
  const make = async <T>(name: string, input: object, data = 'id'): Promise<T> => {
    const result = await mutate<Result>(name, input, data)
    assert.ok('data' in result, JSON.stringify(result))
    return result.data as T
  }
  return {
    app,
    upstream,
    texts,
    send,
    ask,
    mutate,
    make,
    async importProvider(operations, input = {}) {
      const all = { text: openapi(operations), baseUrl: upstream.origin, ...input }
      const { provider } = await make<{ provider: { id: string } }>(
        'importOpenApi',
        all,
        'provider { id }',
      )
      return provider.id
    },
    async openServer(input) {
      const { id } = await make<{ id: string }>('createServer', { name: 'Server', ...input })
      const { token } = await make<{ token: string }>(
        'createServerToken',
        { serverId: id, name: 'Token' },
        'token',
      )
      const request: McpServer['request'] = (method, params = {}) =>
        post(`/mcp/${id}`, token, { jsonrpc: '2.0', id: 1, method, params })
      return {
        id,
        request,
        async call(name, args = {}) {
          const { body } = await request('tools/call', { name, arguments: args })
          const { content, isError = false } = body.result ?? {}
          assert.ok(content, JSON.stringify(body))
          return { text: content[0]?.text ?? '', isError }
        },
        async list() {
          const { body } = await request('tools/list')
          return body.result?.['tools'] as readonly Readonly<Record<string, unknown>>[]
        },
      }
    },
  }
}

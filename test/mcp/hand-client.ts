// A client of the whole product without a library between: requests of both eras, as one writes them.
import type { World } from '../support/world.ts'
import { META } from './fixture.ts'

const FROM = { ip: '192.0.2.9' }

/** A client that speaks either era by hand. */
export interface Client {
  readonly serverId: string
  readonly tokenId: string
  /** Sends one message as a client of either era; `session` only in the legacy one. */
  send(body: object, headers?: Readonly<Record<string, string>>): Promise<Response>
  modern(id: unknown, method: string, params?: object): Promise<Response>
  legacy(session: string, id: unknown, method: string, params?: object): Promise<Response>
  /** The id of a new session. */
  initialize(capabilities?: object): Promise<string>
  /** GET or DELETE of a session. */
  ofSession(session: string, method: string): Promise<Response>
}

/** A server of that input, and a client with a token for it. */
export async function openClient(world: World, input: object = {}): Promise<Client> {
  const { id: serverId } = await world.make('createServer', { name: 'Server', ...input })
  const { token, serverToken } = await world.make<{
    token: string
    serverToken: { id: string }
  }>('createServerToken', { serverId, name: 'Token' }, 'token serverToken { id }')
  const url = `http://hasmcp/mcp/${serverId}`
  const common = {
    authorization: `Bearer ${token}`,
    accept: 'application/json, text/event-stream',
  }
  const send: Client['send'] = (body, headers = {}) =>
    world.app.app(
      new Request(url, {
        method: 'POST',
        headers: { ...common, 'content-type': 'application/json', ...headers },
        body: JSON.stringify(body),
      }),
      FROM,
    )
  return {
    serverId,
    tokenId: serverToken.id,
    send,
    modern: (id, method, params = {}) =>
      send(
        { jsonrpc: '2.0', id, method, params: { ...params, _meta: { ...META, ...meta(params) } } },
        {
          'mcp-protocol-version': '2026-07-28',
          'mcp-method': method,
          ...('name' in params && { 'mcp-name': String(params.name) }),
        },
      ),
    legacy: (session, id, method, params = {}) =>
      send({ jsonrpc: '2.0', id, method, params }, { 'mcp-session-id': session }),
    async initialize(capabilities = {}) {
      const params = { protocolVersion: '2025-11-25', capabilities, clientInfo: { name: 'x' } }
      const response = await send({ jsonrpc: '2.0', id: 0, method: 'initialize', params })
      return response.headers.get('mcp-session-id') ?? ''
    },
    ofSession: (session, method) =>
      world.app.app(
        new Request(url, { method, headers: { ...common, 'mcp-session-id': session } }),
        FROM,
      ),
  }
}

const meta = (params: object): object => ('_meta' in params ? (params._meta as object) : {})

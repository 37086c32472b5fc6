// An endpoint in front of a route made by hand, for tests of the protocol alone, and one request to
// it in either era.
import type { RouteTool } from '../../server/mcp/build-route.ts'
import { buildRoute } from '../../server/mcp/build-route.ts'
import { type McpDeps, createMcpEndpoint } from '../../server/mcp/endpoint.ts'
import type { CallResult, CallTool } from '../../server/mcp/tool.ts'

export const SERVER_ID = 'srv_01jk0000000000000000000000'
export const TOKEN = 'hms_token'
export const VERSION = '1.2.3'
export const REQUEST_ID = 'request-1'
export const META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
  'io.modelcontextprotocol/clientCapabilities': {},
}

const encoder = new TextEncoder()

export interface ToolSpec {
  readonly id: string
  readonly name: string
  readonly inputSchema?: object
}

/** A server named `pets` with these tools. */
export function routeOf(tools: readonly ToolSpec[], instructions = '') {
  return buildRoute(
    {
      server: {
        id: SERVER_ID,
        account_id: 'acc_01jk0000000000000000000000',
        name: 'pets',
        instructions,
        allowed_origins: [],
        version: 1,
        created_at: new Date(0),
        updated_at: new Date(0),
      },
      tools: tools.map(({ id, name, inputSchema = { type: 'object', properties: {} } }) => ({
        id,
        name,
        title: `Title of ${name}`,
        description: '',
        definition_hash: `hash of ${name}`,
        definition: JSON.stringify({ method: 'GET', path: '/', inputSchema, parameters: [] }),
        method: 'GET',
        path: '/',
        annotations: null,
        variable_names: [],
        shown_name: null,
        shown_title: null,
        shown_description: null,
        provider_id: 'prv_1',
        base_url: 'http://upstream.test',
        headers: {},
        query: {},
        icon_url: null,
        forwarded_headers: [],
        result_mode: 'CONTENT',
        input_requests: [],
      })),
    },
    { variables: { dataKey: undefined, rows: [] }, interceptors: [] },
  )
}

export const PETS = routeOf([
  { id: 'tool_1', name: 'listPets' },
  { id: 'tool_2', name: 'addPet' },
  { id: 'tool_3', name: 'häßlich' },
])

/** A result with one text. */
export function textResult(text: string, more: Partial<CallResult> = {}): CallResult {
  const members = encoder.encode(`"content":[{"type":"text","text":${JSON.stringify(text)}}]`)
  return { type: 'result', members, isError: false, responseBytes: text.length, ...more }
}

/** Answers with the tool's name and the arguments it was called with. */
export const echo: CallTool = ({ tool, argumentsText }) =>
  Promise.resolve(textResult(`${(tool satisfies RouteTool).name} ${argumentsText}`))

export function endpointOf(deps: Partial<McpDeps> = {}) {
  return createMcpEndpoint({
    routes: {
      open: (serverId, token) =>
        Promise.resolve(
          serverId === SERVER_ID && token === TOKEN
            ? { type: 'opened', route: PETS, tokenId: 'tok_1' }
            : { type: 'refused' },
        ),
      find: () => Promise.resolve(PETS),
    },
    events: { subscribe: () => () => {}, onDistrust: () => () => {}, isTrusted: () => true },
    sessionKey: new Uint8Array(32).fill(8),
    stateKey: new Uint8Array(32).fill(9),
    useOnce: () => Promise.resolve(true),
    call: echo,
    content: {
      findPrompt: () => Promise.resolve(undefined),
      findResource: () => Promise.resolve(undefined),
    },
    onError: (error) => {
      throw error
    },
    version: VERSION,
    allowedOrigins: (origin) => origin === 'https://app.test',
    cursorKey: new Uint8Array(32).fill(7),
    ...deps,
  })
}

export interface Sent {
  readonly body?: unknown
  /** Sent as it is, instead of `body` as JSON. */
  readonly raw?: BodyInit
  /** `null` leaves a header out. */
  readonly headers?: Readonly<Record<string, string | null>>
  readonly method?: string
  readonly path?: string
  readonly signal?: AbortSignal
}

/** A legacy request with the headers that clients send; `headers` replaces some of them. */
export function requestOf({ body, raw, headers = {}, method = 'POST', path = '', signal }: Sent) {
  const all = new Headers({
    authorization: `Bearer ${TOKEN}`,
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
  })
  for (const [name, value] of Object.entries(headers)) {
    if (value === null) all.delete(name)
    else all.set(name, value)
  }
  const content = raw ?? (body === undefined ? undefined : JSON.stringify(body))
  return new Request(`http://127.0.0.1/mcp/${SERVER_ID}${path}`, {
    method,
    headers: all,
    ...(method === 'GET' || content === undefined ? {} : { body: content }),
    ...(signal === undefined ? {} : { signal }),
    duplex: 'half',
  } as RequestInit)
}

/** A modern request: `_meta` in the body and the headers that mirror it. */
export function modern(method: string, params: object = {}, headers: Sent['headers'] = {}): Sent {
  const name = 'name' in params && typeof params.name === 'string' ? params.name : null
  return {
    body: { jsonrpc: '2.0', id: 1, method, params: { ...params, _meta: META } },
    headers: {
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': method,
      'mcp-name': name,
      ...headers,
    },
  }
}

/** A legacy request of the newest revision. */
export function legacy(method: string, params?: unknown, id: unknown = 1): Sent {
  return {
    body: { jsonrpc: '2.0', id, method, params },
    headers: { 'mcp-protocol-version': '2025-11-25' },
  }
}

export interface Answer {
  readonly status: number
  readonly headers: Headers
  /** The parsed body; undefined where there is none. */
  readonly json: unknown
  readonly text: string
}

export async function send(endpoint: ReturnType<typeof endpointOf>, sent: Sent): Promise<Answer> {
  const response = await endpoint.answer(requestOf(sent), SERVER_ID, REQUEST_ID)
  const text = await response.text()
  const json: unknown = text === '' ? undefined : JSON.parse(text)
  return { status: response.status, headers: response.headers, json, text }
}

// The MCP endpoint as a function: its story in both eras, then a table of what may not pass.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BusyError } from '../workers/error.ts'
import {
  META,
  PETS,
  REQUEST_ID,
  SERVER_ID,
  type Sent,
  TOKEN,
  VERSION,
  endpointOf,
  legacy,
  modern,
  routeOf,
  send,
  textResult,
} from './mcp/fixture.ts'

const endpoint = endpointOf()
const CAPABILITIES = {
  tools: { listChanged: true },
  prompts: { listChanged: true },
  resources: { subscribe: true, listChanged: true },
  completions: {},
}
const SERVER_INFO = { name: 'pets', version: VERSION }
const MODERN_META = { 'io.modelcontextprotocol/serverInfo': SERVER_INFO }
const SCHEMA = { type: 'object', properties: {} }
// All three are GETs.
const ANNOTATIONS = { readOnlyHint: true, openWorldHint: true }
const TOOLS = [
  {
    name: 'listPets',
    title: 'Title of listPets',
    description: 'Title of listPets',
    inputSchema: SCHEMA,
    annotations: ANNOTATIONS,
  },
  {
    name: 'addPet',
    title: 'Title of addPet',
    description: 'Title of addPet',
    inputSchema: SCHEMA,
    annotations: ANNOTATIONS,
  },
  {
    name: 'häßlich',
    title: 'Title of häßlich',
    description: 'Title of häßlich',
    inputSchema: SCHEMA,
    annotations: ANNOTATIONS,
  },
]

function initializeBody(protocolVersion: unknown): object {
  const params = { protocolVersion, capabilities: {}, clientInfo: { name: 'test', version: '1' } }
  return { jsonrpc: '2.0', id: 0, method: 'initialize', params }
}

test('POST /mcp/{id} serves a legacy client from initialize to tools/call', async () => {
  const opened = await send(endpoint, { body: initializeBody('2025-11-25') })
  assert.equal(opened.status, 200)
  assert.equal(opened.headers.get('content-type'), 'application/json')
  assert.equal(opened.headers.get('content-length'), String(Buffer.byteLength(opened.text)))
  assert.match(opened.headers.get('mcp-session-id') ?? '', /^[\w-]{43}$/)
  assert.deepEqual(opened.json, {
    jsonrpc: '2.0',
    id: 0,
    result: {
      protocolVersion: '2025-11-25',
      capabilities: { ...CAPABILITIES, logging: {} },
      serverInfo: SERVER_INFO,
    },
  })
  const initialized = await send(endpoint, {
    body: { jsonrpc: '2.0', method: 'notifications/initialized' },
  })
  assert.deepEqual([initialized.status, initialized.text], [202, ''])
  const pong = await send(endpoint, legacy('ping'))
  assert.deepEqual(pong.json, { jsonrpc: '2.0', id: 1, result: {} })
  const list = await send(endpoint, legacy('tools/list'))
  assert.deepEqual(list.json, { jsonrpc: '2.0', id: 1, result: { tools: TOOLS } })
  const called = await send(
    endpoint,
    legacy('tools/call', { name: 'addPet', arguments: { name: '猫' } }),
  )
  assert.equal(called.status, 200)
  assert.equal(called.headers.get('content-length'), String(Buffer.byteLength(called.text)))
  assert.deepEqual(called.json, {
    jsonrpc: '2.0',
    id: 1,
    result: { content: [{ type: 'text', text: 'addPet {"name":"猫"}' }] },
  })
})

test('POST /mcp/{id} serves a modern client from server/discover to tools/call', async () => {
  const discovered = await send(endpoint, modern('server/discover'))
  assert.equal(discovered.status, 200)
  assert.deepEqual(discovered.json, {
    jsonrpc: '2.0',
    id: 1,
    result: {
      resultType: 'complete',
      _meta: MODERN_META,
      ttlMs: 60000,
      cacheScope: 'private',
      supportedVersions: ['2026-07-28'],
      capabilities: CAPABILITIES,
    },
  })
  const list = await send(endpoint, modern('tools/list'))
  assert.deepEqual(list.json, {
    jsonrpc: '2.0',
    id: 1,
    result: {
      resultType: 'complete',
      _meta: MODERN_META,
      ttlMs: 60000,
      cacheScope: 'private',
      tools: TOOLS,
    },
  })
  const called = await send(endpoint, modern('tools/call', { name: 'listPets' }))
  assert.equal(called.status, 200)
  assert.deepEqual(called.json, {
    jsonrpc: '2.0',
    id: 1,
    result: {
      resultType: 'complete',
      _meta: MODERN_META,
      content: [{ type: 'text', text: 'listPets {}' }],
    },
  })
})

for (const [asked, answered] of [
  ['2025-11-25', '2025-11-25'],
  ['2025-06-18', '2025-06-18'],
  ['2025-03-26', '2025-03-26'],
  ['2024-11-05', '2024-11-05'],
  ['2024-10-07', '2025-11-25'],
  ['2026-07-28', '2025-11-25'],
  ['1.0.0', '2025-11-25'],
] as const) {
  test(`initialize answers ${answered} to a client that asks for ${asked}`, async () => {
    const { status, json } = await send(endpoint, { body: initializeBody(asked) })
    assert.equal(status, 200)
    assert.equal((json as { result: { protocolVersion: string } }).result.protocolVersion, answered)
  })
}

test('initialize and server/discover carry the instructions of a server that has some', async () => {
  const route = routeOf([], 'Feed them first')
  const own = endpointOf({
    routes: {
      open: () => Promise.resolve({ type: 'opened', route, tokenId: 'tok_1' }),
      find: () => Promise.resolve(route),
    },
  })
  for (const sent of [{ body: initializeBody('2025-11-25') }, modern('server/discover')]) {
    const { json } = await send(own, sent)
    assert.equal(
      (json as { result: { instructions: string } }).result.instructions,
      'Feed them first',
    )
  }
})

for (const id of ['', 'a', '1', '"\\\u0007é\u{1f600}', 'x'.repeat(256), 0, -1, 2 ** 53 - 1]) {
  test(`POST /mcp/{id} answers with the id ${JSON.stringify(id).slice(0, 24)} as it came`, async () => {
    const result = await send(endpoint, legacy('ping', undefined, id))
    assert.deepEqual(result.json, { jsonrpc: '2.0', id, result: {} })
    const error = await send(endpoint, legacy('nothing', undefined, id))
    assert.deepEqual(error.json, {
      jsonrpc: '2.0',
      id,
      error: { code: -32601, message: 'Method not found: nothing' },
    })
  })
}

test('POST /mcp/{id} answers a batch of 2025-03-26 message by message', async () => {
  const body = [
    { jsonrpc: '2.0', id: 1, method: 'ping' },
    { jsonrpc: '2.0', method: 'notifications/initialized' },
    { jsonrpc: '2.0', id: 'b', method: 'tools/call', params: { name: 'listPets' } },
    initializeBody('2025-03-26'),
    5,
    { jsonrpc: '2.0', id: 2, method: 'tasks/list' },
  ]
  for (const headers of [{}, { 'mcp-protocol-version': '2025-03-26' }]) {
    const { status, json } = await send(endpoint, { body, headers })
    assert.equal(status, 200)
    assert.deepEqual(json, [
      { jsonrpc: '2.0', id: 1, result: {} },
      { jsonrpc: '2.0', id: 'b', result: { content: [{ type: 'text', text: 'listPets {}' }] } },
      {
        jsonrpc: '2.0',
        id: 0,
        error: { code: -32600, message: 'initialize must not be part of a batch' },
      },
      {
        jsonrpc: '2.0',
        error: { code: -32600, message: 'The message is a number, expected an object' },
      },
      { jsonrpc: '2.0', id: 2, error: { code: -32601, message: 'Method not found: tasks/list' } },
    ])
  }
})

test('POST /mcp/{id} accepts a batch of notifications without a body', async () => {
  const note = { jsonrpc: '2.0', method: 'notifications/initialized' }
  const { status, text } = await send(endpoint, { body: [note, note] })
  assert.deepEqual([status, text], [202, ''])
})

test('tools/call passes what the call says about itself through, byte for byte', async () => {
  const members = new TextEncoder().encode(
    '"content":[{"type":"text","text":"\\u0000é"}],"isError":true',
  )
  const own = endpointOf({
    call: () => Promise.resolve(textResult('', { members, isError: true })),
  })
  const { text } = await send(own, legacy('tools/call', { name: 'addPet' }))
  assert.equal(
    text,
    '{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"\\u0000é"}],"isError":true}}',
  )
})

test('tools/call hands arguments on whole, odd keys included', async () => {
  const raw =
    '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"addPet","arguments":{"__proto__":{"a":1},"constructor":2,"":null,"u":"\\ud800"}}}'
  const { json } = await send(endpoint, { raw })
  const text = 'addPet {"__proto__":{"a":1},"constructor":2,"":null,"u":"\\ud800"}'
  assert.deepEqual(json, { jsonrpc: '2.0', id: 1, result: { content: [{ type: 'text', text }] } })
})

test('tools/call decodes Mcp-Name once before it compares', async () => {
  const encode = (text: string): string => `=?base64?${Buffer.from(text).toString('base64')}?=`
  const plain = await send(
    endpoint,
    modern('tools/call', { name: 'addPet' }, { 'mcp-name': encode('addPet') }),
  )
  assert.equal(plain.status, 200)
  const wide = await send(
    endpoint,
    modern('tools/call', { name: 'häßlich' }, { 'mcp-name': encode('häßlich') }),
  )
  assert.equal(wide.status, 200)
})

test('tools/call masks an unexpected failure and reports it with the request id', async () => {
  const failure = new Error('password=hunter2 at db:5432')
  const reported: unknown[] = []
  const own = endpointOf({
    call: () => Promise.reject(failure),
    onError: (error, requestId) => reported.push([error, requestId]),
  })
  for (const sent of [
    legacy('tools/call', { name: 'addPet' }),
    modern('tools/call', { name: 'addPet' }),
  ]) {
    const { status, json } = await send(own, sent)
    assert.equal(status, 500)
    assert.deepEqual(json, {
      jsonrpc: '2.0',
      id: 1,
      error: { code: -32603, message: 'Unexpected error', data: { requestId: REQUEST_ID } },
    })
  }
  assert.deepEqual(reported, [
    [failure, REQUEST_ID],
    [failure, REQUEST_ID],
  ])
})

test('tools/call answers 503 with Retry-After while no place is free', async () => {
  const own = endpointOf({
    call: () => Promise.reject(new BusyError('Too many calls are waiting; try again')),
  })
  const { status, headers, json } = await send(own, modern('tools/call', { name: 'addPet' }))
  assert.deepEqual([status, headers.get('retry-after')], [503, '1'])
  assert.deepEqual(json, {
    jsonrpc: '2.0',
    id: 1,
    error: { code: -32603, message: 'Too many calls are waiting; try again' },
  })
})

test('tools/call answers 503 when the process itself cancels the call', async () => {
  const own = endpointOf({ call: () => Promise.resolve(textResult('', { failure: 'CANCELLED' })) })
  const { status, json } = await send(own, legacy('tools/call', { name: 'addPet' }))
  assert.equal(status, 503)
  assert.deepEqual(json, {
    jsonrpc: '2.0',
    id: 1,
    error: { code: -32603, message: 'The call was cancelled because the server is shutting down' },
  })
})

test('POST /mcp/{id} takes a token of the URL where its owner allowed that, before the header', async () => {
  const asked: unknown[] = []
  const own = endpointOf({
    routes: {
      open: (_serverId, token, isInUrl) => {
        asked.push([token, isInUrl])
        return Promise.resolve({ type: 'refused' })
      },
      find: () => Promise.resolve(undefined),
    },
  })
  const cases: readonly (readonly [string, string | null, unknown])[] = [
    ['?token=hms_a', null, ['hms_a', true]],
    ['?token=hms_a', 'Bearer hms_b', ['hms_a', true]],
    ['?tokens=hms_a&x', 'Bearer hms_b', ['hms_b', false]],
    ['?access_token=hms_a', null, undefined],
    ['?token=hms_a&token=hms_b', 'Bearer hms_b', undefined],
    ['?token=', 'Bearer hms_b', undefined],
    ['?token=a%20b', null, undefined],
    [`?token=${'a'.repeat(513)}`, null, undefined],
    ['#token=hms_a', null, undefined],
  ]
  for (const [path, authorization, expected] of cases) {
    asked.length = 0
    const { status } = await send(own, { ...legacy('ping'), path, headers: { authorization } })
    assert.deepEqual([status, asked[0]], [401, expected], path)
  }
})

test('POST /mcp/{id} answers 401 with the same bytes to everybody who may not', async () => {
  const message =
    'The token does not open this server: it is mistyped, expired, revoked or for another server'
  const expected = { error: { code: 'UNAUTHENTICATED', message, requestId: REQUEST_ID } }
  const challenge = `Bearer realm="hasmcp", error="invalid_token", error_description="${message}"`
  for (const authorization of [
    'Bearer other',
    'Bearer',
    'bearer  ',
    'Basic YTpi',
    `Bearer ${TOKEN}, Bearer ${TOKEN}`,
    `Bearer ${'a'.repeat(65536)}`,
    TOKEN,
  ]) {
    const { status, headers, json } = await send(endpoint, {
      ...legacy('ping'),
      headers: { authorization },
    })
    assert.deepEqual([status, headers.get('www-authenticate'), json], [401, challenge, expected])
  }
})

test('POST /mcp/{id} names no error to who sends no credential', async () => {
  const { status, headers, json } = await send(endpoint, {
    ...legacy('ping'),
    headers: { authorization: null },
  })
  assert.deepEqual([status, headers.get('www-authenticate')], [401, 'Bearer realm="hasmcp"'])
  const message = 'This server needs a token: send the header "Authorization: Bearer hms_…"'
  assert.deepEqual(json, { error: { code: 'UNAUTHENTICATED', message, requestId: REQUEST_ID } })
})

test('POST /mcp/{id} lets a page of an allowed origin in, and says so', async () => {
  const origin = 'https://app.test'
  const preflight = await send(endpoint, {
    method: 'OPTIONS',
    headers: { origin, authorization: null },
  })
  assert.equal(preflight.status, 204)
  assert.equal(preflight.headers.get('access-control-allow-origin'), origin)
  assert.match(
    preflight.headers.get('access-control-allow-headers') ?? '',
    /^authorization, .*mcp-name.*\*$/,
  )
  for (const sent of [legacy('ping'), { ...legacy('ping'), headers: { authorization: null } }]) {
    const { headers } = await send(endpoint, { ...sent, headers: { ...sent.headers, origin } })
    assert.equal(headers.get('access-control-allow-origin'), origin)
    assert.match(headers.get('access-control-expose-headers') ?? '', /www-authenticate/)
  }
})

for (const origin of [
  'https://evil.test',
  'null',
  'https://app.test.evil.test',
  'https://app.test:444',
  'http://app.test',
  '',
]) {
  test(`POST /mcp/{id} answers 403 to the origin ${JSON.stringify(origin)}`, async () => {
    // A preflight opens nothing, and tells nothing of a server.
    for (const authorization of [`Bearer ${TOKEN}`, 'Bearer x', null]) {
      const { status, json } = await send(endpoint, {
        ...legacy('ping'),
        headers: { origin, authorization },
      })
      assert.equal(status, 403)
      const message = 'Pages of this origin may not use this server'
      assert.deepEqual(json, { error: { code: 'ORIGIN_DENIED', message, requestId: REQUEST_ID } })
    }
  })
}

for (const method of ['GET', 'DELETE', 'PUT', 'PATCH', 'OPTIONS']) {
  test(`${method} /mcp/{id} answers 405 and allows POST`, async () => {
    const { status, headers, json } = await send(endpoint, { method })
    assert.deepEqual([status, headers.get('allow')], [405, 'POST'])
    const message = `The method is ${method}, expected POST; GET and DELETE are for sessions: send the Mcp-Session-Id that initialize answered with`
    assert.deepEqual(json, {
      error: { code: 'METHOD_NOT_ALLOWED', message, requestId: REQUEST_ID },
    })
  })
}

test('POST /mcp/{id} knows a session by its id, and a modern client has none', async () => {
  const opened = await send(endpoint, { body: initializeBody('2025-11-25') })
  const id = opened.headers.get('mcp-session-id') ?? ''
  const ping = async (sessionId: string) => {
    const headers = { 'mcp-session-id': sessionId, 'last-event-id': '7' }
    const { status, json } = await send(endpoint, { ...legacy('ping'), headers })
    return [status, (json as { error?: unknown }).error]
  }
  assert.deepEqual(await ping(id), [200, undefined])
  const message = 'There is no such session: it was ended, or is not of this server and token'
  const flipped = `${id.startsWith('A') ? 'B' : 'A'}${id.slice(1)}`
  for (const unknown of ['x', '', `${id}A`, flipped, id.slice(1)]) {
    assert.deepEqual(await ping(unknown), [404, { code: -32600, message }])
  }
  const headers = { 'mcp-session-id': id }
  const ended = await send(endpoint, { method: 'DELETE', headers })
  assert.deepEqual([ended.status, ended.text], [204, ''])
  assert.deepEqual(await ping(id), [404, { code: -32600, message }])
  for (const method of ['GET', 'DELETE']) {
    const { status, json } = await send(endpoint, { method, headers })
    assert.deepEqual([status, json], [404, { jsonrpc: '2.0', error: { code: -32600, message } }])
  }
  const own = modern('tools/list')
  const { status } = await send(endpoint, { ...own, headers: { ...own.headers, ...headers } })
  assert.equal(status, 200)
  const version = { 'mcp-protocol-version': '2026-07-28' }
  const got = await send(endpoint, { method: 'GET', headers: { ...headers, ...version } })
  assert.equal(got.status, 405)
})

const CALL = { name: 'addPet', arguments: {} }
const mirror = (header: string, found: string, body: string): string =>
  `Header mismatch: ${header} header value '${found}' does not match body value '${body}'`
const absent = (header: string, expected: string): string =>
  `Header mismatch: the ${header} header is missing, expected '${expected}'`
const BAD_NAME =
  'Header mismatch: the Mcp-Name header has characters that are not allowed or is not Base64 of UTF-8'
const ONLY_BATCH =
  'The request body is an array, expected one message: only revision 2025-03-26 has batches'
const metaWithout = (key: string): object =>
  Object.fromEntries(
    Object.entries(META).filter(([name]) => name !== `io.modelcontextprotocol/${key}`),
  )
const modernBody = (meta: unknown, method = 'tools/list', headers: Sent['headers'] = {}): Sent => ({
  body: { jsonrpc: '2.0', id: 1, method, params: { _meta: meta } },
  headers: { 'mcp-protocol-version': '2026-07-28', 'mcp-method': method, ...headers },
})
const modernAs = (version: string): Sent =>
  modernBody({ ...META, 'io.modelcontextprotocol/protocolVersion': version }, 'tools/list', {
    'mcp-protocol-version': version,
  })
const note = (headers: NonNullable<Sent['headers']>, params = {}): Sent => ({
  body: { jsonrpc: '2.0', method: 'notifications/x', params },
  headers,
})
const unsupported = (version: string): [number, string, object] => [
  -32022,
  `Unsupported protocol version: ${version}, expected 2026-07-28, or one that opens with initialize: 2025-11-25, 2025-06-18, 2025-03-26, 2024-11-05`,
  { supported: ['2026-07-28'], requested: version },
]

type Row = readonly [
  title: string,
  sent: Sent,
  status: number,
  code: number,
  message: string,
  data?: object,
]

const hostile: readonly Row[] = [
  // Format
  ['no JSON', { raw: '{' }, 400, -32700, 'The request body is not JSON'],
  ['no body', {}, 400, -32700, 'The request body is not JSON'],
  ['an empty batch', { raw: '[]' }, 400, -32600, 'The batch holds 0 messages, expected 1 to 50'],
  [
    'a batch of nothing but junk',
    { raw: '[1]', headers: {} },
    400,
    -32600,
    'The message is a number, expected an object',
  ],
  [
    'a deep body',
    { raw: '['.repeat(65) },
    400,
    -32600,
    'The request body is nested deeper than 64 levels',
  ],
  [
    '4 MiB and a byte',
    { raw: ' '.repeat(4 * 1024 * 1024 + 1) },
    413,
    -32600,
    'The request body is larger than 4194304 bytes',
  ],
  [
    'a declared length of 100 MB',
    { raw: '{}', headers: { 'content-length': '100000000' } },
    413,
    -32600,
    'The request body is larger than 4194304 bytes',
  ],
  [
    'text/plain',
    { ...legacy('ping'), headers: { 'content-type': 'text/plain' } },
    415,
    -32600,
    'The Content-Type is text/plain, expected application/json in UTF-8',
  ],
  [
    'a form',
    { ...legacy('ping'), headers: { 'content-type': 'application/x-www-form-urlencoded' } },
    415,
    -32600,
    'The Content-Type is application/x-www-form-urlencoded, expected application/json in UTF-8',
  ],
  [
    'JSON in UTF-16',
    { ...legacy('ping'), headers: { 'content-type': 'application/json; charset=utf-16' } },
    415,
    -32600,
    'The Content-Type is application/json; charset=utf-16, expected application/json in UTF-8',
  ],
  [
    'two content types',
    { ...legacy('ping'), headers: { 'content-type': 'application/json, text/plain' } },
    415,
    -32600,
    'The Content-Type is application/json, text/plain, expected application/json in UTF-8',
  ],
  [
    'a client that reads HTML',
    { ...legacy('ping'), headers: { accept: 'text/html' } },
    406,
    -32600,
    'The Accept header is text/html, expected application/json, text/event-stream',
  ],
  [
    'a client that refuses JSON',
    { ...legacy('ping'), headers: { accept: 'application/json;q=0, text/event-stream' } },
    406,
    -32600,
    'The Accept header is application/json;q=0, text/event-stream, expected application/json, text/event-stream',
  ],
  // JSON-RPC
  [
    'a response',
    { body: { jsonrpc: '2.0', id: 1, result: {} } },
    400,
    -32600,
    'The message is a response, but to no request that waits for one in its session',
  ],
  [
    'a modern response',
    {
      body: { jsonrpc: '2.0', id: 1, result: {} },
      headers: { 'mcp-protocol-version': '2026-07-28' },
    },
    400,
    -32600,
    'The message is a response, expected a request',
  ],
  [
    'params in an array',
    { raw: '{"jsonrpc":"2.0","method":"ping","params":[]}' },
    400,
    -32600,
    'params is an array, expected an object',
  ],
  [
    'the id null',
    legacy('ping', {}, null),
    400,
    -32600,
    'id is null that cannot be answered, expected a string of at most 256 characters or an integer between -(2^53 - 1) and 2^53 - 1',
  ],
  // Legacy
  [
    'an unknown legacy revision',
    { ...legacy('ping'), headers: { 'mcp-protocol-version': '2025-01-01' } },
    400,
    ...unsupported('2025-01-01'),
  ],
  [
    'an empty revision',
    { ...legacy('ping'), headers: { 'mcp-protocol-version': '' } },
    400,
    ...unsupported(''),
  ],
  [
    'two revisions',
    { ...legacy('ping'), headers: { 'mcp-protocol-version': '2025-11-25, 2025-11-25' } },
    400,
    ...unsupported('2025-11-25, 2025-11-25'),
  ],
  [
    'a batch in 2025-06-18',
    {
      body: [{ jsonrpc: '2.0', id: 1, method: 'ping' }],
      headers: { 'mcp-protocol-version': '2025-06-18' },
    },
    400,
    -32600,
    ONLY_BATCH,
  ],
  [
    'a batch in 2026-07-28',
    {
      body: [{ jsonrpc: '2.0', id: 1, method: 'ping' }],
      headers: { 'mcp-protocol-version': '2026-07-28' },
    },
    400,
    -32600,
    ONLY_BATCH,
  ],
  ['a modern request in a batch', { body: [modern('tools/list').body] }, 400, -32600, ONLY_BATCH],
  [
    'initialize without a revision',
    { body: initializeBody(undefined) },
    200,
    -32602,
    'params.protocolVersion is missing, expected a protocol version such as 2025-11-25',
  ],
  [
    'initialize with a number',
    { body: initializeBody(3) },
    200,
    -32602,
    'params.protocolVersion is a number, expected a protocol version such as 2025-11-25',
  ],
  ['an unknown legacy method', legacy('tasks/list'), 200, -32601, 'Method not found: tasks/list'],
  ['__proto__ as method', legacy('__proto__'), 200, -32601, 'Method not found: __proto__'],
  ['constructor as method', legacy('constructor'), 200, -32601, 'Method not found: constructor'],
  ['toString as method', legacy('toString'), 200, -32601, 'Method not found: toString'],
  [
    'server/discover without _meta',
    legacy('server/discover'),
    200,
    -32601,
    'Method not found: server/discover',
  ],
  ['TOOLS/LIST', legacy('TOOLS/LIST'), 200, -32601, 'Method not found: TOOLS/LIST'],
  // Tools
  ['an unknown tool', legacy('tools/call', { name: 'nope' }), 200, -32602, 'Unknown tool: nope'],
  [
    '__proto__ as tool',
    legacy('tools/call', { name: '__proto__' }),
    200,
    -32602,
    'Unknown tool: __proto__',
  ],
  [
    'constructor as tool',
    legacy('tools/call', { name: 'constructor' }),
    200,
    -32602,
    'Unknown tool: constructor',
  ],
  [
    'another case of a tool',
    legacy('tools/call', { name: 'ADDPET' }),
    200,
    -32602,
    'Unknown tool: ADDPET',
  ],
  [
    'a tool name of 1 MB',
    legacy('tools/call', { name: 'x'.repeat(1e6) }),
    200,
    -32602,
    `Unknown tool: ${'x'.repeat(128)}…`,
  ],
  [
    'no tool',
    legacy('tools/call', {}),
    200,
    -32602,
    "params.name is missing, expected a tool's name",
  ],
  [
    'an array as tool',
    legacy('tools/call', { name: ['addPet'] }),
    200,
    -32602,
    "params.name is an array, expected a tool's name",
  ],
  [
    'arguments in an array',
    legacy('tools/call', { name: 'addPet', arguments: [] }),
    200,
    -32602,
    'params.arguments is an array, expected an object',
  ],
  [
    'arguments of null',
    legacy('tools/call', { name: 'addPet', arguments: null }),
    200,
    -32602,
    'params.arguments is null, expected an object',
  ],
  [
    'arguments as text',
    legacy('tools/call', { name: 'addPet', arguments: '{}' }),
    200,
    -32602,
    'params.arguments is a string, expected an object',
  ],
  [
    'a made-up cursor',
    legacy('tools/list', { cursor: 'AAAA' }),
    200,
    -32602,
    "Invalid cursor: AAAA, expected the nextCursor of this server's tools/list",
  ],
  [
    'an empty cursor',
    legacy('tools/list', { cursor: '' }),
    200,
    -32602,
    "Invalid cursor: , expected the nextCursor of this server's tools/list",
  ],
  [
    'a number as cursor',
    legacy('tools/list', { cursor: 2 }),
    200,
    -32602,
    'params.cursor is a number, expected a string',
  ],
  [
    'a modern made-up cursor',
    modern('tools/list', { cursor: 'x' }),
    400,
    -32602,
    "Invalid cursor: x, expected the nextCursor of this server's tools/list",
  ],
  [
    'a modern unknown tool',
    modern('tools/call', { name: 'nope' }),
    400,
    -32602,
    'Unknown tool: nope',
  ],
  [
    'no modern tool',
    modern('tools/call', {}),
    400,
    -32602,
    "params.name is missing, expected a tool's name",
  ],
  // Modern methods
  ['an unknown modern method', modern('tasks/list'), 404, -32601, 'Method not found: tasks/list'],
  ['ping, which is gone', modern('ping'), 404, -32601, 'Method not found: ping'],
  [
    'logging/setLevel, which is gone',
    modern('logging/setLevel'),
    404,
    -32601,
    'Method not found: logging/setLevel',
  ],
  ['a modern initialize', modern('initialize'), 404, -32601, 'Method not found: initialize'],
  ['a modern __proto__', modern('__proto__'), 404, -32601, 'Method not found: __proto__'],
  // Modern revision
  ['a revision of the future', modernAs('2027-01-01'), 400, ...unsupported('2027-01-01')],
  ['a revision of the past', modernAs('1900-01-01'), 400, ...unsupported('1900-01-01')],
  ['a legacy revision in _meta', modernAs('2025-11-25'), 400, ...unsupported('2025-11-25')],
  [
    'a future revision in the header alone',
    { ...legacy('tools/list'), headers: { 'mcp-protocol-version': '2027-01-01' } },
    400,
    ...unsupported('2027-01-01'),
  ],
  [
    'a number as revision',
    modernBody({ ...META, 'io.modelcontextprotocol/protocolVersion': 1 }),
    400,
    -32602,
    'params._meta["io.modelcontextprotocol/protocolVersion"] is a number, expected a protocol version',
  ],
  [
    'null as revision',
    modernBody({ ...META, 'io.modelcontextprotocol/protocolVersion': null }),
    400,
    -32602,
    'params._meta["io.modelcontextprotocol/protocolVersion"] is null, expected a protocol version',
  ],
  [
    'no revision in _meta',
    modernBody(metaWithout('protocolVersion')),
    400,
    -32602,
    'params._meta["io.modelcontextprotocol/protocolVersion"] is missing, expected a protocol version',
  ],
  [
    'no _meta',
    modernBody(undefined),
    400,
    -32602,
    'params._meta["io.modelcontextprotocol/protocolVersion"] is missing, expected a protocol version',
  ],
  [
    'text as _meta',
    modernBody('2026-07-28'),
    400,
    -32602,
    'params._meta["io.modelcontextprotocol/protocolVersion"] is missing, expected a protocol version',
  ],
  [
    'no capabilities',
    modernBody(metaWithout('clientCapabilities')),
    400,
    -32602,
    'params._meta["io.modelcontextprotocol/clientCapabilities"] is missing, expected an object',
  ],
  [
    'capabilities in an array',
    modernBody({ ...META, 'io.modelcontextprotocol/clientCapabilities': [] }),
    400,
    -32602,
    'params._meta["io.modelcontextprotocol/clientCapabilities"] is an array, expected an object',
  ],
  [
    'text as clientInfo',
    modernBody({ ...META, 'io.modelcontextprotocol/clientInfo': 'x' }),
    400,
    -32602,
    'params._meta["io.modelcontextprotocol/clientInfo"] is a string, expected an object',
  ],
  // Modern headers
  [
    'no version header',
    modern('tools/list', {}, { 'mcp-protocol-version': null }),
    400,
    -32020,
    absent('MCP-Protocol-Version', '2026-07-28'),
  ],
  [
    'another version header',
    modern('tools/list', {}, { 'mcp-protocol-version': '2025-11-25' }),
    400,
    -32020,
    mirror('MCP-Protocol-Version', '2025-11-25', '2026-07-28'),
  ],
  [
    'two version headers',
    modern('tools/list', {}, { 'mcp-protocol-version': '2026-07-28, 2026-07-28' }),
    400,
    -32020,
    mirror('MCP-Protocol-Version', '2026-07-28, 2026-07-28', '2026-07-28'),
  ],
  [
    'no Mcp-Method',
    modern('tools/list', {}, { 'mcp-method': null }),
    400,
    -32020,
    absent('Mcp-Method', 'tools/list'),
  ],
  [
    'another Mcp-Method',
    modern('tools/call', CALL, { 'mcp-method': 'tools/list' }),
    400,
    -32020,
    mirror('Mcp-Method', 'tools/list', 'tools/call'),
  ],
  [
    'another case of Mcp-Method',
    modern('tools/list', {}, { 'mcp-method': 'Tools/List' }),
    400,
    -32020,
    mirror('Mcp-Method', 'Tools/List', 'tools/list'),
  ],
  [
    'an encoded Mcp-Method',
    modern('tools/list', {}, { 'mcp-method': '=?base64?dG9vbHMvbGlzdA==?=' }),
    400,
    -32020,
    mirror('Mcp-Method', '=?base64?dG9vbHMvbGlzdA==?=', 'tools/list'),
  ],
  [
    'two Mcp-Methods',
    modern('tools/list', {}, { 'mcp-method': 'tools/list, tools/list' }),
    400,
    -32020,
    mirror('Mcp-Method', 'tools/list, tools/list', 'tools/list'),
  ],
  [
    'no Mcp-Name',
    modern('tools/call', CALL, { 'mcp-name': null }),
    400,
    -32020,
    absent('Mcp-Name', 'addPet'),
  ],
  [
    'an empty Mcp-Name',
    modern('tools/call', CALL, { 'mcp-name': '' }),
    400,
    -32020,
    mirror('Mcp-Name', '', 'addPet'),
  ],
  [
    'another Mcp-Name',
    modern('tools/call', CALL, { 'mcp-name': 'listPets' }),
    400,
    -32020,
    mirror('Mcp-Name', 'listPets', 'addPet'),
  ],
  [
    'another case of Mcp-Name',
    modern('tools/call', CALL, { 'mcp-name': 'AddPet' }),
    400,
    -32020,
    mirror('Mcp-Name', 'AddPet', 'addPet'),
  ],
  [
    'two Mcp-Names',
    modern('tools/call', CALL, { 'mcp-name': 'addPet, addPet' }),
    400,
    -32020,
    mirror('Mcp-Name', 'addPet, addPet', 'addPet'),
  ],
  [
    'an Mcp-Name that is not ASCII',
    modern('tools/call', { name: 'häßlich' }, { 'mcp-name': 'häßlich' }),
    400,
    -32020,
    BAD_NAME,
  ],
  [
    'Base64 of another name',
    modern('tools/call', CALL, { 'mcp-name': '=?base64?bGlzdFBldHM=?=' }),
    400,
    -32020,
    mirror('Mcp-Name', 'listPets', 'addPet'),
  ],
  [
    'nested Base64',
    modern('tools/call', CALL, {
      'mcp-name': `=?base64?${Buffer.from('=?base64?YWRkUGV0?=').toString('base64')}?=`,
    }),
    400,
    -32020,
    mirror('Mcp-Name', '=?base64?YWRkUGV0?=', 'addPet'),
  ],
  [
    'the sentinel in upper case',
    modern('tools/call', CALL, { 'mcp-name': '=?BASE64?YWRkUGV0?=' }),
    400,
    -32020,
    mirror('Mcp-Name', '=?BASE64?YWRkUGV0?=', 'addPet'),
  ],
  [
    'Base64 with a stray character',
    modern('tools/call', CALL, { 'mcp-name': '=?base64?YWRk*UGV0?=' }),
    400,
    -32020,
    BAD_NAME,
  ],
  [
    'Base64 without its padding',
    modern('tools/call', CALL, { 'mcp-name': '=?base64?YWRkUGV0cw?=' }),
    400,
    -32020,
    BAD_NAME,
  ],
  [
    'Base64 of no UTF-8',
    modern('tools/call', CALL, { 'mcp-name': '=?base64?/w==?=' }),
    400,
    -32020,
    BAD_NAME,
  ],
  [
    'an Mcp-Name without a name',
    modern('tools/call', {}, { 'mcp-name': 'addPet' }),
    400,
    -32020,
    mirror('Mcp-Name', 'addPet', ''),
  ],
  [
    'a missing name of a prompt',
    modern('prompts/get', { name: 'p' }, { 'mcp-name': 'q' }),
    400,
    -32020,
    mirror('Mcp-Name', 'q', 'p'),
  ],
  [
    'another uri of a resource',
    modern('resources/read', { uri: 'file:///a' }, { 'mcp-name': 'file:///b' }),
    400,
    -32020,
    mirror('Mcp-Name', 'file:///b', 'file:///a'),
  ],
  [
    'a notification of another revision',
    note({ 'mcp-protocol-version': '2025-11-25' }, { _meta: META }),
    400,
    -32020,
    mirror('MCP-Protocol-Version', '2025-11-25', '2026-07-28'),
  ],
  [
    'a notification of an unknown revision',
    note({ 'mcp-protocol-version': 'x' }),
    400,
    ...unsupported('x'),
  ],
]

for (const [title, sent, status, code, message, data] of hostile) {
  test(`POST /mcp/{id} answers ${status} and ${code} to ${title}`, async () => {
    const answered = await send(endpoint, sent)
    const { json } = answered
    const [first] = Array.isArray(json) ? (json as unknown[]) : [json]
    const { jsonrpc, error } = first as { jsonrpc: unknown; error: unknown }
    const expected = data === undefined ? { code, message } : { code, message, data }
    assert.deepEqual(
      { status: answered.status, jsonrpc, error },
      { status, jsonrpc: '2.0', error: expected },
    )
  })
}

const passing: readonly (readonly [title: string, sent: Sent, status: number])[] = [
  ['any Accept', { ...legacy('ping'), headers: { accept: '*/*' } }, 200],
  ['an Accept of JSON alone', { ...legacy('ping'), headers: { accept: 'application/json' } }, 200],
  ['no Accept', { ...legacy('ping'), headers: { accept: null } }, 200],
  [
    'JSON with its charset',
    { ...legacy('ping'), headers: { 'content-type': 'Application/JSON; charset="UTF-8"' } },
    200,
  ],
  [
    'the scheme in lower case',
    { ...legacy('ping'), headers: { authorization: `bearer ${TOKEN}` } },
    200,
  ],
  ['no version header', { ...legacy('ping'), headers: {} }, 200],
  ['2024-11-05', { ...legacy('ping'), headers: { 'mcp-protocol-version': '2024-11-05' } }, 200],
  [
    'white space around the version',
    { ...legacy('ping'), headers: { 'mcp-protocol-version': ' 2025-11-25 ' } },
    200,
  ],
  ['a notification of unknown type', note({}), 202],
  [
    'a method that is not a request',
    { body: { jsonrpc: '2.0', method: 'tools/call', params: CALL } },
    202,
  ],
  ['a modern notification', note({ 'mcp-protocol-version': '2026-07-28' }), 202],
  ['a modern notification with _meta', note({}, { _meta: META }), 202],
  ['a modern request without clientInfo', modernBody(metaWithout('clientInfo')), 200],
  [
    'junk in _meta',
    modernBody({ ...META, traceparent: 7, progressToken: [], 'x/y': 'z'.repeat(1e5) }),
    200,
  ],
  ['legacy junk in _meta', legacy('tools/list', { _meta: 'junk' }), 200],
  [
    'an exact body of 4 MiB',
    { raw: '{"jsonrpc":"2.0","id":1,"method":"ping"}'.padEnd(4 * 1024 * 1024) },
    200,
  ],
]

for (const [title, sent, status] of passing) {
  test(`POST /mcp/{id} answers ${status} to ${title}`, async () => {
    assert.equal((await send(endpoint, sent)).status, status)
  })
}

test('POST /mcp/{id} answers 401 for another server before it reads the body', async () => {
  let isRead = false
  const body = new ReadableStream(
    {
      pull(controller) {
        isRead = true
        controller.close()
      },
    },
    { highWaterMark: 0 },
  )
  const request = new Request('http://127.0.0.1/', {
    method: 'POST',
    headers: { authorization: `Bearer ${TOKEN}` },
    body,
    duplex: 'half',
  } as RequestInit)
  const response = await endpoint.answer(request, SERVER_ID.replace('0', '1'), REQUEST_ID)
  assert.deepEqual([response.status, isRead], [401, false])
})

test('tools/list prints the same bytes each time, and one schema text for both eras', async () => {
  const texts = await Promise.all(
    [1, 2, 3].map(async () => (await send(endpoint, legacy('tools/list'))).text),
  )
  assert.equal(new Set(texts).size, 1)
  const tools = JSON.stringify(TOOLS)
  assert.ok(texts[0]?.includes(tools))
  assert.ok((await send(endpoint, modern('tools/list'))).text.includes(tools))
})

test('tools/list shows 1,201 tools on three pages without a gap', async () => {
  const specs = Array.from({ length: 1201 }, (_, at) => ({
    id: `tool_${String(at).padStart(5, '0')}`,
    name: `t${at}`,
  }))
  const route = routeOf(specs)
  const own = endpointOf({
    routes: {
      open: () => Promise.resolve({ type: 'opened', route, tokenId: 'tok_1' }),
      find: () => Promise.resolve(route),
    },
  })
  const sizes: number[] = []
  const names: string[] = []
  let cursor: string | undefined
  do {
    const { json } = await send(own, legacy('tools/list', { cursor }))
    const { result } = json as { result: { tools: { name: string }[]; nextCursor?: string } }
    sizes.push(result.tools.length)
    names.push(...result.tools.map(({ name }) => name))
    cursor = result.nextCursor
  } while (cursor !== undefined)
  assert.deepEqual(sizes, [500, 500, 201])
  assert.deepEqual(
    names,
    specs.map(({ name }) => name),
  )
})

test('tools/list goes on after the last tool that was shown when tools before it are gone', async () => {
  const specs = Array.from({ length: 600 }, (_, at) => ({
    id: `tool_${String(at).padStart(5, '0')}`,
    name: `t${at}`,
  }))
  let route = routeOf(specs)
  const own = endpointOf({
    routes: {
      open: () => Promise.resolve({ type: 'opened', route, tokenId: 'tok_1' }),
      find: () => Promise.resolve(route),
    },
  })
  const first = await send(own, legacy('tools/list'))
  const { nextCursor } = (first.json as { result: { nextCursor: string } }).result
  route = routeOf(specs.slice(490, 495).concat(specs.slice(505)))
  const second = await send(own, legacy('tools/list', { cursor: nextCursor }))
  const { tools } = (second.json as { result: { tools: { name: string }[] } }).result
  assert.deepEqual(
    tools.map(({ name }) => name),
    specs.slice(505).map(({ name }) => name),
  )
  const forged = `${nextCursor.slice(0, -1)}${nextCursor.endsWith('A') ? 'B' : 'A'}`
  const refused = await send(own, legacy('tools/list', { cursor: forged }))
  assert.equal((refused.json as { error: { code: number } }).error.code, -32602)
})

test('buildRoute keeps unique names and gives the end of its id to every tool that shares one', () => {
  const long = 'x'.repeat(64)
  const route = routeOf([
    { id: 'tool_01jk000000000000000000aaaa', name: 'list' },
    { id: 'tool_01jk000000000000000000bbbb', name: 'list' },
    { id: 'tool_01jk000000000000000000cccc', name: 'only' },
    { id: 'tool_01jk000000000000000000dddd', name: long },
    { id: 'tool_01jk000000000000000000eeee', name: long },
    { id: 'tool_01jk000000000000000000ffff', name: 'list_00aaaa' },
  ])
  assert.deepEqual(
    [...route.tools].map(([name, tool]) => [name, tool.id.slice(-4)]),
    [
      ['list_01jk000000000000000000aaaa', 'aaaa'],
      ['list_00bbbb', 'bbbb'],
      ['only', 'cccc'],
      [`${'x'.repeat(57)}_00dddd`, 'dddd'],
      [`${'x'.repeat(57)}_00eeee`, 'eeee'],
      ['list_00aaaa', 'ffff'],
    ],
  )
  assert.equal(PETS.tools.get('addPet')?.id, 'tool_2')
})

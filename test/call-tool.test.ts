// A tool call through the thread's own function against a real upstream: arguments in, members of an
// MCP result out.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import run, { cancel } from '../workers/call-thread.ts'
import { buildRequest } from '../workers/call/build-request.ts'
import { compileCheck } from '../workers/call/check-arguments.ts'
import { ArgumentsError } from '../workers/call/error.ts'
import type { CallOutcome, CallTask } from '../workers/messages.ts'
import type { InputSchema, ToolBody, ToolDefinition, ToolParameter } from '../workers/definition.ts'
import { type Answer, startUpstream } from './support/upstream.ts'
import { startCpuClock } from './support/cpu-time.ts'

const open: InputSchema = { type: 'object', properties: {} }

function define(definition: Partial<ToolDefinition> = {}): ToolDefinition {
  return { method: 'GET', path: '/', inputSchema: open, parameters: [], ...definition }
}

let lastCallId = 0

function createTask(
  origin: string,
  definition: ToolDefinition,
  task: Partial<CallTask> = {},
): CallTask {
  lastCallId += 1
  const text = JSON.stringify(definition)
  return {
    type: 'call',
    callId: lastCallId,
    definitionHash: text,
    definition: text,
    baseUrl: origin,
    headers: {},
    argumentsText: '{}',
    timeoutMs: 5_000,
    maxResponseBytes: 100_000,
    egressAllow: origin,
    ...task,
  }
}

/** The outcome with its members as the object that they are the inside of. */
async function call(task: CallTask): Promise<Record<string, unknown>> {
  return read(await run(task))
}

function read(outcome: CallOutcome): Record<string, unknown> {
  if (outcome.type !== 'result') return outcome
  const { members, ...rest } = outcome
  assert.equal(members.byteLength, members.buffer.byteLength)
  const result = JSON.parse(`{${Buffer.from(members).toString()}}`)
  const [content, ...others] = result.content
  assert.deepEqual(others, [])
  assert.equal(result.isError ?? false, outcome.isError)
  return { ...rest, content: content.type === 'text' ? content.text : content }
}

test('run calls, remembers, refuses and forgets nothing: the story of a tool', async () => {
  const upstream = await startUpstream(({ url }, response) => {
    if (url.startsWith('/v1/pets/7')) {
      return response.setHeader('content-type', 'application/json').end('{"name": "Ré"}')
    }
    return response.writeHead(404, { 'content-type': 'text/plain' }).end('no such pet')
  })
  const definition = define({
    path: '/pets/{petId}',
    inputSchema: {
      type: 'object',
      properties: { petId: { type: 'integer' }, fields: { type: 'array' }, trace: {} },
      required: ['petId'],
      additionalProperties: false,
    },
    parameters: [
      { argument: 'petId', name: 'petId', in: 'path', style: 'simple', explode: false },
      { argument: 'fields', name: 'fields', in: 'query', style: 'form', explode: true },
      { argument: 'trace', name: 'X-Trace', in: 'header', style: 'simple', explode: false },
    ],
  })
  const task = createTask(upstream.origin, definition, {
    baseUrl: `${upstream.origin}/v1/`,
    headers: { Authorization: 'Bearer secret' },
  })
  const { definition: _text, ...untold } = task
  assert.deepEqual(await call({ ...untold, argumentsText: '{"petId":7}' }), {
    type: 'unknown-definition',
  })
  const argumentsText = '{"petId":7,"fields":["a b","c"],"trace":"t"}'
  assert.deepEqual(await call({ ...task, argumentsText }), {
    type: 'result',
    isError: false,
    status: 200,
    responseBytes: 15,
    content: '{"name": "Ré"}',
  })
  assert.deepEqual(await call({ ...untold, argumentsText: '{"petId":8,"trace":null}' }), {
    type: 'result',
    isError: true,
    status: 404,
    responseBytes: 11,
    content: 'HTTP 404 Not Found\nno such pet',
  })
  assert.deepEqual(await call({ ...untold, argumentsText: '{"petId":"8"}' }), {
    type: 'result',
    isError: true,
    failure: 'ARGUMENTS_INVALID',
    responseBytes: 0,
    content: 'Invalid arguments: /petId must be integer (got string)',
  })
  await upstream.close()
  const common = {
    accept: 'application/json, */*;q=0.8',
    'accept-encoding': 'gzip, deflate, br, zstd',
    authorization: 'Bearer secret',
    connection: 'keep-alive',
    host: `127.0.0.1:${upstream.port}`,
    'user-agent': 'hasmcp',
  }
  assert.deepEqual(
    upstream.requests.map((request) => ({ ...request, headers: { ...request.headers } })),
    [
      {
        method: 'GET',
        url: '/v1/pets/7?fields=a%20b&fields=c',
        headers: { ...common, 'x-trace': 't' },
        body: '',
      },
      { method: 'GET', url: '/v1/pets/8', headers: common, body: '' },
    ],
  )
})

const BIG = Buffer.alloc(20_000, 'x')

/** Title, answer, expected content, isError. */
// Two bytes, 0 and 1, under their own hash.
const embedded = (mimeType: string) => ({
  type: 'resource',
  resource: {
    uri: 'ni:///sha-256;tBP0fRPuL-bIRbLuFBr4HehY307FSaWLeXC7lmRbyNI',
    mimeType,
    blob: 'AAE=',
  },
})
const ANSWERS: readonly (readonly [string, Answer, unknown, boolean])[] = [
  ['JSON as it is', type('application/json', ' {"a":1.0}\n'), ' {"a":1.0}\n', false],
  ['invalid JSON as it is', type('application/json', '{NaN'), '{NaN', false],
  ['HTML', type('text/html', '<p>"</p>'), '<p>"</p>', false],
  ['a BOM', type('application/json', '\u{feff}{}'), '\u{feff}{}', false],
  ['NUL in text', type('text/plain', 'a\0b'), 'a\0b', false],
  ['bytes that are no UTF-8', type('text/plain', Buffer.from([0x61, 0xff])), 'a\u{fffd}', false],
  ['another charset', type('text/plain; charset="ISO-8859-1"', Buffer.from([0xe9])), 'é', false],
  ['an unknown charset', type('text/plain; charset=klingon', 'é'), 'é', false],
  ['text of an odd type', type('application/vnd.x', 'hello'), 'hello', false],
  ['no type', (_request, response) => response.end('hello'), 'hello', false],
  [
    'an image',
    type('image/png', Buffer.from([1, 2])),
    { type: 'image', data: 'AQI=', mimeType: 'image/png' },
    false,
  ],
  [
    'audio',
    type('Audio/MPEG; x=y', Buffer.from([1, 2])),
    { type: 'audio', data: 'AQI=', mimeType: 'audio/mpeg' },
    false,
  ],
  ['SVG', type('image/svg+xml', '<svg/>'), '<svg/>', false],
  ['binary', type('application/zip', Buffer.from([0, 1])), embedded('application/zip'), false],
  [
    'binary of no type',
    type('"<x>"', Buffer.from([0, 1])),
    embedded('application/octet-stream'),
    false,
  ],
  [
    'nothing',
    (_request, response) => response.writeHead(204).end(),
    'The upstream answered 204 No Content with an empty body',
    false,
  ],
  [
    'nothing at 200',
    (_request, response) => response.end(),
    'The upstream answered 200 OK with an empty body',
    false,
  ],
  ['a server error', status(500, 'oh'), 'HTTP 500 Internal Server Error\noh', true],
  ['an error without a body', status(429, ''), 'HTTP 429 Too Many Requests', true],
  ['an unknown status', status(599, 'x'), 'HTTP 599\nx', true],
  [
    'a long error',
    status(400, BIG),
    `HTTP 400 Bad Request\n${'x'.repeat(16_384)}\n(cut: the first 16384 of 20000 bytes)`,
    true,
  ],
  [
    'a binary error',
    status(400, Buffer.from([0, 1])),
    'HTTP 400 Bad Request\nThe upstream answered with 2 bytes of no stated type, which cannot be shown as text',
    true,
  ],
  [
    'a redirect',
    redirect('https://other.example/secret?x'),
    'HTTP 302 Found: the upstream redirects to the host other.example, and redirects are not followed',
    true,
  ],
  [
    'a relative redirect',
    redirect('//127.0.0.1/'),
    'HTTP 302 Found: the upstream redirects to the host 127.0.0.1, and redirects are not followed',
    true,
  ],
  [
    'a redirect to no URL',
    redirect('http://['),
    'HTTP 302 Found: the upstream redirects nowhere, and redirects are not followed',
    true,
  ],
  [
    'not modified',
    status(304, ''),
    'HTTP 304 Not Modified: the upstream redirects nowhere, and redirects are not followed',
    true,
  ],
]

function type(contentType: string, body: string | Buffer): Answer {
  return (_request, response) => {
    response.setHeader('content-type', contentType).end(body)
  }
}

function status(code: number, body: string | Buffer): Answer {
  return (_request, response) => {
    response.writeHead(code).end(body)
  }
}

function redirect(location: string): Answer {
  return (_request, response) => {
    response.writeHead(302, { location }).end()
  }
}

test('run shows each kind of answer as a model can use it', async () => {
  for (const [title, answer, content, isError] of ANSWERS) {
    const upstream = await startUpstream(answer)
    const outcome = await call(createTask(upstream.origin, define()))
    await upstream.close()
    const { status: code, responseBytes, ...rest } = outcome
    assert.deepEqual(rest, { type: 'result', isError, content }, title)
    assert.equal(typeof code, 'number', title)
    assert.equal(typeof responseBytes, 'number', title)
  }
})

test('run turns each failure into a sentence and a code', async () => {
  const upstream = await startUpstream((_request, response) => {
    response.end(BIG)
  })
  const { origin } = upstream
  const cases: readonly (readonly [Partial<CallTask>, string, string])[] = [
    [
      { egressAllow: '' },
      'EGRESS_DENIED',
      `Requests to ${origin} are not allowed: only https on port 443 of public addresses is, and what the operator lists; the entry for EGRESS_ALLOW would be ${origin}`,
    ],
    [
      { maxResponseBytes: 19_999 },
      'RESPONSE_TOO_LARGE',
      "The upstream's answer is larger than the limit of 19999 bytes",
    ],
    [
      { baseUrl: 'http://127.0.0.1:1', egressAllow: 'http://127.0.0.1:1' },
      'UPSTREAM_UNREACHABLE',
      'Cannot reach http://127.0.0.1:1',
    ],
    [{ argumentsText: '{' }, 'ARGUMENTS_INVALID', 'Invalid arguments: they are no JSON'],
    [{ argumentsText: '[]' }, 'ARGUMENTS_INVALID', 'Invalid arguments: they must be an object'],
    [{ argumentsText: 'null' }, 'ARGUMENTS_INVALID', 'Invalid arguments: they must be an object'],
    [
      { argumentsText: '12345678901234567890' },
      'ARGUMENTS_INVALID',
      'Invalid arguments: they must be an object',
    ],
    [
      { headers: { Host: 'x' } },
      'ARGUMENTS_INVALID',
      'Cannot call the provider: its default header "Host" cannot be set: it belongs to the connection',
    ],
  ]
  for (const [task, failure, content] of cases) {
    const outcome = await call(createTask(origin, define(), task))
    assert.deepEqual(outcome, { type: 'result', isError: true, failure, responseBytes: 0, content })
  }
  await upstream.close()
})

test('run cuts text that JSON would blow up, and no other of the same size', async () => {
  const size = 10 * 1024 * 1024
  const shown: readonly (readonly [title: string, byte: number, type: string])[] = [
    ['letters', 0x61, 'text/plain'],
    ['quotes', 0x22, 'application/json'],
    ['line feeds', 0x0a, 'text/plain'],
    ['backslashes', 0x5c, 'text/plain'],
    ['umlauts of one byte', 0xe4, 'text/plain; charset=latin1'],
    ['bytes of an image', 0x00, 'image/png'],
  ]
  const cut: typeof shown = [
    ['NUL', 0x00, 'text/plain'],
    ['ESC', 0x1b, 'application/json'],
    ['vertical tabs', 0x0b, 'application/octet-stream'],
    ['bytes that are no UTF-8', 0xff, 'text/plain'],
  ]
  let answer: Answer = () => {}
  const upstream = await startUpstream((...args) => answer(...args))
  const task = { maxResponseBytes: size }
  for (const [title, byte, contentType] of shown) {
    answer = type(contentType, Buffer.alloc(size, byte))
    const outcome = await run(createTask(upstream.origin, define(), task))
    assert.ok(outcome.type === 'result')
    assert.deepEqual([outcome.failure, outcome.isError], [undefined, false], title)
    assert.ok(outcome.members.length < 2 * size + 100, title)
  }
  for (const [title, byte, contentType] of cut) {
    answer = type(contentType, Buffer.alloc(size, byte))
    const outcome = await run(createTask(upstream.origin, define(), task))
    assert.ok(outcome.type === 'result')
    assert.deepEqual([outcome.failure, outcome.isError], [undefined, false], title)
    assert.ok(outcome.members.length < 2 * size + 100, title)
    const end = Buffer.from(outcome.members.subarray(-70)).toString()
    assert.match(end, /\\n\(cut: the first \d+ characters; of 10485760\)"\}\]$/, title)
  }
  await upstream.close()
})

test('run gives up at the time-out', async () => {
  const upstream = await startUpstream(() => {})
  const { origin } = upstream
  const { content, ...rest } = await call(createTask(origin, define(), { timeoutMs: 100 }))
  await upstream.close()
  assert.deepEqual(rest, {
    type: 'result',
    isError: true,
    failure: 'UPSTREAM_TIMEOUT',
    responseBytes: 0,
  })
  assert.match(
    String(content),
    /^http:\/\/127\.0\.0\.1:\d+ did not answer completely within \d+ ms$/,
  )
})

test('cancel aborts the upstream request, before and while it runs', async () => {
  const arrived = Promise.withResolvers<void>()
  const upstream = await startUpstream(() => arrived.resolve())
  const closed = upstream.nextClose()
  const running = createTask(upstream.origin, define())
  const outcome = call(running)
  await arrived.promise
  const cancelledAt = performance.now()
  cancel({ type: 'cancel', callId: running.callId })
  const expected = {
    type: 'result',
    isError: true,
    failure: 'CANCELLED',
    responseBytes: 0,
    content: 'The call was cancelled',
  }
  assert.deepEqual(await outcome, expected)
  await closed
  assert(performance.now() - cancelledAt < 1_000)
  const waiting = createTask(upstream.origin, define())
  cancel({ type: 'cancel', callId: waiting.callId })
  assert.deepEqual(await call(waiting), expected)
  assert.equal(upstream.requests.length, 1)
  await upstream.close()
})

function parameter(given: Partial<ToolParameter>): ToolParameter {
  return { argument: 'color', name: 'color', in: 'query', style: 'form', explode: false, ...given }
}

function build(
  parameters: readonly ToolParameter[],
  args: Record<string, unknown>,
  definition: Partial<ToolDefinition> = {},
  headers: Record<string, string> = {},
) {
  const provider = { baseUrl: 'https://api.example/v1', headers }
  return buildRequest(define({ parameters, path: '/x', ...definition }), provider, args)
}

/** OpenAPI 3.1.1, "Style Examples": empty string, string, array, object. */
const LIST = ['blue', 'black', 'brown']
const OBJECT = { R: 100, G: 200, B: 150 }
const STYLES: readonly (readonly [
  ToolParameter['style'],
  boolean,
  string | null,
  string,
  string | null,
  string | null,
])[] = [
  ['matrix', false, ';color', ';color=blue', ';color=blue,black,brown', ';color=R,100,G,200,B,150'],
  [
    'matrix',
    true,
    ';color',
    ';color=blue',
    ';color=blue;color=black;color=brown',
    ';R=100;G=200;B=150',
  ],
  // "." for the empty string is OpenAPI's, too, and would be a segment of dots.
  ['label', false, null, '.blue', '.blue,black,brown', '.R,100,G,200,B,150'],
  ['label', true, null, '.blue', '.blue.black.brown', '.R=100.G=200.B=150'],
  ['simple', false, null, 'blue', 'blue,black,brown', 'R,100,G,200,B,150'],
  ['simple', true, null, 'blue', 'blue,black,brown', 'R=100,G=200,B=150'],
  ['form', false, 'color=', 'color=blue', 'color=blue,black,brown', 'color=R,100,G,200,B,150'],
  ['form', true, 'color=', 'color=blue', 'color=blue&color=black&color=brown', 'R=100&G=200&B=150'],
  [
    'spaceDelimited',
    false,
    'color=',
    'color=blue',
    'color=blue%20black%20brown',
    'color=R%20100%20G%20200%20B%20150',
  ],
  [
    'pipeDelimited',
    false,
    'color=',
    'color=blue',
    'color=blue%7Cblack%7Cbrown',
    'color=R%7C100%7CG%7C200%7CB%7C150',
  ],
  [
    'deepObject',
    true,
    'color=',
    'color=blue',
    'color=blue&color=black&color=brown',
    'color%5BR%5D=100&color%5BG%5D=200&color%5BB%5D=150',
  ],
]

test("buildRequest prints OpenAPI's table of styles", () => {
  for (const [style, explode, ...expected] of STYLES) {
    const isPath = ['matrix', 'label', 'simple'].includes(style)
    const actual = ['', 'blue', LIST, OBJECT].map((color) => {
      const given = parameter({ style, explode, in: isPath ? 'path' : 'query' })
      try {
        const { url } = build([given], { color }, { path: isPath ? '/{color}' : '/x' })
        return isPath ? url.pathname.slice('/v1/'.length) : url.search.slice(1)
      } catch (error) {
        assert(error instanceof ArgumentsError)
        return null
      }
    })
    assert.deepEqual(actual, expected, `${style} ${explode}`)
  }
})

test('buildRequest prints edges of values in the query', () => {
  const cases: readonly (readonly [Partial<ToolParameter>, unknown, string])[] = [
    [{}, undefined, ''],
    [{}, null, ''],
    [{}, [], ''],
    [{ explode: true }, [], ''],
    [{}, {}, ''],
    [{}, 0, '?color=0'],
    [{}, false, '?color=false'],
    [{}, 'a&b=c#d?e/f é\u{d800}', '?color=a%26b%3Dc%23d%3Fe%2Ff%20%C3%A9%EF%BF%BD'],
    [{}, "!'()*", '?color=%21%27%28%29%2A'],
    [{}, ['a,b', 'c'], '?color=a%2Cb,c'],
    [{ explode: true }, [null, [1], { a: 1 }], '?color=&color=%5B1%5D&color=%7B%22a%22%3A1%7D'],
    [{ explode: true }, { a: null, 'b&': 'c' }, '?b%26=c'],
    [{ isJson: true }, { a: [1] }, '?color=%7B%22a%22%3A%5B1%5D%7D'],
    [{ allowReserved: true }, "a:/?@!$'()*,;%20 b", '?color=a:/?@!$%27()*,;%20%20b'],
    [{ allowReserved: true }, 'a&b=c#d[e]+%', '?color=a%26b%3Dc%23d%5Be%5D%2B%25'],
    [{ name: 'color[]', explode: true }, ['a'], '?color%5B%5D=a'],
    [
      { style: 'deepObject', explode: true },
      { a: { b: 1 }, c: [1, 2] },
      '?color%5Ba%5D%5Bb%5D=1&color%5Bc%5D=1&color%5Bc%5D=2',
    ],
  ]
  for (const [given, color, expected] of cases) {
    assert.equal(build([parameter(given)], { color }).url.search, expected, JSON.stringify(color))
  }
})

test('buildRequest keeps hostile values inside their slot of the path', () => {
  const good: readonly (readonly [unknown, string])[] = [
    ['a/b', 'a%2Fb'],
    ['a?b#c', 'a%3Fb%23c'],
    ['%2F', '%252F'],
    ['100%', '100%25'],
    ['..a', '..a'],
    ['...', '...'],
    ['x..y', 'x..y'],
    ['50%', '50%25'],
    ['a b/ü', 'a%20b%2F%C3%BC'],
    ['@evil.example', '%40evil.example'],
    [':8080', '%3A8080'],
    [';x=1', '%3Bx%3D1'],
    [' ', '%20'],
    [-1.5e30, '-1.5e%2B30'],
  ]
  const bad = [
    '',
    '.',
    '..',
    '../admin',
    'a/../b',
    'a/..',
    './a',
    '..\\a',
    'a\\b',
    'a//b',
    '//evil.example',
    '%2e%2e',
    '%2E%2e/x',
    '%252e%252e',
    '.%2e',
    '%5c',
    'a\r\nb',
    'a\0',
    '%00',
    '%0d',
    '%2e%2e/%zz',
    '%2e%2e%2f%ff',
    '%zz/%252e%252e',
    '%25252525252e',
    '%ff%5c',
    'https://evil.example',
    [],
    {},
  ]
  const slot = parameter({ in: 'path', style: 'simple' })
  const message =
    'Invalid arguments: /color cannot stand in a path: expected a value that is not empty, ' +
    'without "..", "//", backslashes and control characters'
  for (const [color, expected] of good) {
    const { url } = build([slot], { color }, { path: '/a/{color}/b' })
    assert.equal(url.href, `https://api.example/v1/a/${expected}/b`)
  }
  for (const color of bad) {
    assert.throws(
      () => build([slot], { color }, { path: '/a/{color}/b' }),
      { code: 'ARGUMENTS_INVALID', message },
      JSON.stringify(color),
    )
  }
  const pair = ['a', 'b'].map((name) => parameter({ ...slot, name, argument: name }))
  const escaping = ['/../{a}', '/../../{a}', '/%2e%2e/{a}', '/./{a}']
  assert.throws(() => build(pair, { a: 'x' }, { path: '/{a}/{b}' }), {
    message: 'Invalid arguments: the path needs a value for "b"',
  })
  const left = {
    code: 'ARGUMENTS_INVALID',
    message: "Invalid arguments: with them the path would leave the provider's base URL",
  }
  for (const path of escaping) {
    assert.throws(() => build(pair, { a: 'y' }, { path }), left)
  }
  const halves = [
    ['%2e%2', 'e'],
    ['x/.%2', 'e'],
    ['%', '2e'],
    ['%5', 'c'],
    ['%0', 'd'],
  ]
  for (const [a, b] of halves) {
    assert.throws(() => build(pair, { a, b }, { path: '/e/{a}{b}' }), left, `${a} ${b}`)
  }
  assert.equal(
    build(pair, { a: 'v1.', b: '.5' }, { path: '/e/{a}{b}' }).url.href,
    'https://api.example/v1/e/v1..5',
  )
  assert.equal(
    build([], {}, { path: '/a b/é?c#d' }).url.href,
    'https://api.example/v1/a%20b/%C3%A9%3Fc%23d',
  )
})

test('buildRequest sends headers and cookies, and lets no argument replace a default', () => {
  const header = (name: string) => parameter({ name, in: 'header', style: 'simple' })
  const defaults = { 'X-Key': 'k', Cookie: 'sid=1' }
  const base = {
    accept: 'application/json, */*;q=0.8',
    'user-agent': 'hasmcp',
    'x-key': 'k',
    cookie: 'sid=1',
  }
  const cookie = (name: string) => parameter({ name, in: 'cookie' })
  const cases: readonly (readonly [ToolParameter, unknown, Record<string, string>])[] = [
    [header('X-Color'), ['a b', 1], { ...base, 'x-color': 'a b,1' }],
    [header('X-Color'), OBJECT, { ...base, 'x-color': 'R,100,G,200,B,150' }],
    [header('x-key'), 'mine', base],
    [header('Accept'), 'text/csv', { ...base, accept: 'text/csv' }],
    [cookie('color'), 'a;b', { ...base, cookie: 'sid=1; color=a%3Bb' }],
    [cookie('sid'), '2', base],
  ]
  for (const [given, color, expected] of cases) {
    assert.deepEqual({ ...build([given], { color }, {}, defaults).headers }, expected)
  }
  const refused = [
    [
      'X-Color',
      'a\r\nhost: evil',
      'has a value with a line break, a control character or one outside ISO 8859-1',
    ],
    ['Host', 'evil', 'cannot be set: it belongs to the connection'],
    ['Transfer-Encoding', 'chunked', 'cannot be set: it belongs to the connection'],
  ] as const
  for (const [name, color, problem] of refused) {
    assert.throws(() => build([header(name)], { color }), {
      code: 'ARGUMENTS_INVALID',
      message: `Invalid arguments: /color cannot be sent: the header "${name}" ${problem}`,
    })
  }
})

test('buildRequest prints each encoding of a body', () => {
  const body = (encoding: ToolBody['encoding'], contentType: string): Partial<ToolDefinition> => ({
    method: 'POST',
    body: { argument: 'body', contentType, encoding },
  })
  const nested = { a: 'x y', b: [1, 2], c: { d: true, e: null }, f: [{ g: 1 }], h: null }
  const cases: readonly (readonly [ToolBody['encoding'], string, unknown, string])[] = [
    ['json', 'application/json', { a: [1, null] }, '{"a":[1,null]}'],
    ['json', 'application/json', null, 'null'],
    ['text', 'text/plain', 'héllo', 'héllo'],
    ['base64', 'application/zip', 'aGk=', 'hi'],
    [
      'form',
      'application/x-www-form-urlencoded',
      nested,
      'a=x+y&b=1&b=2&c%5Bd%5D=true&f%5B0%5D%5Bg%5D=1',
    ],
  ]
  for (const [encoding, contentType, value, expected] of cases) {
    const built = build([], { body: value }, body(encoding, contentType))
    assert.equal(Buffer.from(built.body ?? '').toString(), expected)
    assert.equal(built.headers['content-type'], contentType)
  }
  const { body: parts, headers } = build(
    [],
    { body: { 'a"\r\n': 'x', b: [1, 2], c: { d: 1 } } },
    body('multipart', 'multipart/form-data'),
  )
  const boundary = headers['content-type']?.split('boundary=')[1] ?? ''
  const part = (name: string, value: string, more = ''): string =>
    `--${boundary}\r\ncontent-disposition: form-data; name="${name}"${more}\r\n\r\n${value}\r\n`
  assert.match(
    headers['content-type'] ?? '',
    /^multipart\/form-data; boundary=hasmcp-[0-9a-f-]{36}$/,
  )
  assert.equal(
    parts,
    `${part('a%22%0D%0A', 'x')}${part('b', '1')}${part('b', '2')}${part('c', '{"d":1}', '\r\ncontent-type: application/json')}--${boundary}--\r\n`,
  )
  for (const value of ['a', 'a===', '*', 5]) {
    assert.throws(() => build([], { body: value }, body('base64', 'x/y')), {
      message: 'Invalid arguments: /body must be a string of base64 with its padding',
    })
  }
  assert.throws(() => build([], { body: [] }, body('form', 'x/y')), {
    message: "Invalid arguments: /body must be object: its members are the form's fields",
  })
})

test('buildRequest refuses nested arguments that would be gigabytes when written out', () => {
  const long = 'n'.repeat(1_000_000)
  const nested = {
    [long]: Object.fromEntries(Array.from({ length: 1_000 }, (_, n) => [`k${n}`, 1])),
  }
  const message =
    'Invalid arguments: written out they take more than 16777216 characters; expected shorter names or less nesting'
  const deep = parameter({
    in: 'query',
    name: 'q',
    argument: 'q',
    style: 'deepObject',
    explode: true,
  })
  assert.throws(() => build([deep], { q: nested }), { code: 'ARGUMENTS_INVALID', message })
  const body = {
    argument: 'body',
    contentType: 'application/x-www-form-urlencoded',
    encoding: 'form',
  } as const
  assert.throws(() => build([], { body: nested }, { method: 'POST', body }), {
    code: 'ARGUMENTS_INVALID',
    message,
  })
})

test('run keeps integers of 64 bits as they were written', async () => {
  const upstream = await startUpstream()
  const definition = define({
    method: 'POST',
    path: '/{id}',
    inputSchema: {
      type: 'object',
      properties: { id: { type: 'integer' }, body: { type: 'object' } },
    },
    parameters: [parameter({ argument: 'id', name: 'id', in: 'path', style: 'simple' })],
    body: { argument: 'body', contentType: 'application/json', encoding: 'json' },
  })
  const argumentsText = '{"id":1234567890123456789,"body":{"ids":[9007199254740993,1]}}'
  await run(createTask(upstream.origin, definition, { argumentsText }))
  await upstream.close()
  assert.deepEqual(
    upstream.requests.map(({ url, body }) => [url, body]),
    [['/1234567890123456789', '{"ids":[9007199254740993,1]}']],
  )
})

test('compileCheck says what to mend', () => {
  const schema: InputSchema = {
    type: 'object',
    properties: {
      limit: { type: 'integer', minimum: 1 },
      sort: { enum: ['asc', 'desc'] },
      name: { type: 'string', pattern: '^[a-z]+$', maxLength: 5 },
      when: { type: 'string', format: 'date-time' },
      tags: { type: 'array', uniqueItems: true, items: { type: ['string', 'null'] } },
      kind: { const: 'a' },
      either: { anyOf: [{ type: 'string' }, { type: 'number' }] },
      odd: { type: 'string', pattern: '(?=x)y', format: 'no-such-format' },
      constructor: { type: 'string' },
    },
    additionalProperties: false,
  }
  const cases: readonly (readonly [unknown, string | undefined])[] = [
    [{}, undefined],
    [{ odd: 'anything', tags: ['a', null], limit: 1 }, undefined],
    [{ limit: '1' }, '/limit must be integer (got string)'],
    [{ limit: null }, '/limit must be integer (got null)'],
    [{ limit: 0 }, '/limit must be >= 1'],
    [{ sort: 'up' }, '/sort must be one of "asc", "desc" (got "up")'],
    [{ kind: 'b' }, '/kind must be "a" (got "b")'],
    [{ name: 'A1' }, '/name must match the pattern ^[a-z]+$ (got "A1")'],
    [{ name: 'abcdef' }, '/name must NOT have more than 5 characters'],
    [{ when: 'soon' }, '/when must be a date-time (got "soon")'],
    [{ tags: [1] }, '/tags/0 must be string or null (got number)'],
    [{ tags: ['a', 'a'] }, '/tags must not have duplicate items'],
    [
      { either: [] },
      '/either must be string (got array); /either must be number (got array); /either must match a schema in anyOf',
    ],
    [{ constructor: 1 }, '/constructor must be string (got number)'],
    [
      JSON.parse('{"__proto__":1}'),
      '/__proto__ is unknown: expected one of "limit", "sort", "name", "when", "tags", "kind", "either", "odd", "constructor"',
    ],
  ]
  const check = compileCheck(schema)
  for (const [args, problem] of cases) {
    if (problem === undefined) check(args)
    else
      assert.throws(() => check(args), {
        code: 'ARGUMENTS_INVALID',
        message: `Invalid arguments: ${problem}`,
      })
  }
  assert.throws(() => compileCheck({ ...schema, required: ['toString'] })({}), {
    message: 'Invalid arguments: /toString is required',
  })
})

test('compileCheck ends in bounded time whatever the schema', () => {
  const tooLong =
    /^Invalid arguments: they are too large to check against this tool's schema: \d+ values and 0 characters take more than 500000 steps; expected fewer or shorter ones$/
  const twice = (name: string) => ({ allOf: [{ $ref: name }, { $ref: name }] })
  const doubling = Object.fromEntries(
    Array.from({ length: 40 }, (_, level) => [`d${level}`, twice(`#/$defs/d${level + 1}`)]),
  )
  const deep = JSON.parse(`${'{"a":'.repeat(40)}{}${'}'.repeat(40)}`)
  const veryDeep = JSON.parse(`${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`)
  const cases: readonly (readonly [
    string,
    Record<string, unknown>,
    unknown,
    RegExp | undefined,
  ])[] = [
    ['doubling', { $ref: '#/$defs/d0', $defs: { ...doubling, d40: {} } }, {}, tooLong],
    ['doubling with depth', { properties: { a: twice('#') } }, deep, tooLong],
    [
      'nesting',
      { properties: { a: { $ref: '#' } } },
      veryDeep,
      /^Invalid arguments: they are nested too deeply$/,
    ],
    [
      'endless reference',
      { $ref: '#' },
      {},
      /^Invalid arguments: they are (nested too deeply|too large)/,
    ],
    [
      'backtracking',
      { properties: { a: { pattern: '^(a+)+$' } } },
      { a: `${'a'.repeat(100_000)}b` },
      /must match the pattern/,
    ],
    [
      'huge pattern',
      { properties: { a: { pattern: `${'(x+x+)+'.repeat(100)}y` } } },
      { a: 'x'.repeat(100_000) },
      undefined,
    ],
    [
      'unique items',
      { properties: { a: { uniqueItems: true } } },
      { a: Array.from({ length: 50_000 }, (_, index) => ({ index })) },
      undefined,
    ],
    [
      'remote reference',
      { $ref: 'http://127.0.0.1:1/schema' },
      {},
      /^Cannot check the arguments: the tool's schema is no JSON Schema: can't resolve reference/,
    ],
    [
      'unknown type',
      { properties: { a: { type: 'strnig' } } },
      {},
      /^Cannot check the arguments: the tool's schema is no JSON Schema: type must be JSONType/,
    ],
    [
      'code in a keyword',
      { properties: { a: { minimum: '1;process.exit(3)' } } },
      { a: 1 },
      /^Cannot check the arguments: the tool's schema is no JSON Schema/,
    ],
    [
      'code in a name',
      { properties: { '"];process.exit(3);["': { $id: '`${process.exit(3)}`', type: 'string' } } },
      {},
      undefined,
    ],
  ]
  for (const [title, schema, args, expected] of cases) {
    const readCpuMs = startCpuClock()
    const check = () => compileCheck({ type: 'object', properties: {}, ...schema })(args)
    if (expected === undefined) check()
    else assert.throws(check, { code: 'ARGUMENTS_INVALID', message: expected }, title)
    const tookMs = readCpuMs()
    assert(tookMs < 2_000, `${title} took ${tookMs} ms`)
  }
})

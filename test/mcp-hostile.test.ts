// Hostile HTTP, byte by byte over a socket: each request has one exact answer, none hangs, and the next
// client is served as ever.
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { test, type TestContext } from 'node:test'
import { gzipSync } from 'node:zlib'
import type { App } from '../server/app.ts'
import { listen } from '../server/http-server.ts'
import { openWorld } from './support/world.ts'

interface Scene {
  readonly app: App
  readonly port: number
  readonly path: string
  readonly token: string
}

async function openScene(t: TestContext): Promise<Scene> {
  const world = await openWorld(t)
  const { id: serverId } = await world.make('createServer', { name: 'Server' })
  const { token } = await world.make<{ token: string }>(
    'createServerToken',
    { serverId, name: 'T', isUrlAllowed: true },
    'token',
  )
  const { port } = new URL(world.app.graphqlUrl)
  return { app: world.app.app, port: Number(port), path: `/mcp/${serverId}`, token }
}

/** Everything that came back until the connection was closed; by us, when the last answer is whole. */
function exchange(
  port: number,
  parts: readonly (string | Uint8Array)[],
  answers = 1,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1')
    let text = ''
    const timer = setTimeout(() => {
      socket.destroy()
      reject(new Error(`No answer in time, but ${JSON.stringify(text.slice(0, 200))}`))
    }, 20_000)
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      text += chunk
      if (countAnswers(text) >= answers) socket.end()
    })
    // It may be closed while we still write: that is an answer, too.
    socket.on('error', () => {})
    socket.on('close', () => {
      clearTimeout(timer)
      resolve(text)
    })
    for (const part of parts) socket.write(part)
    if (answers === 0) socket.end()
  })
}

/** Answers whose body has arrived, by their Content-Length. */
function countAnswers(text: string): number {
  let count = 0
  for (let at = 0; ; count += 1) {
    const end = text.indexOf('\r\n\r\n', at)
    if (end < 0) return count
    const head = text.slice(at, end)
    const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0)
    at = end + 4 + length
    if (at > text.length) return count
    if (head.startsWith('HTTP/1.1 100')) count -= 1
  }
}

const statusesOf = (text: string): number[] =>
  Array.from(text.matchAll(/HTTP\/1\.[01] (\d{3})/g), ([, status]) => Number(status))
const codeOf = (text: string): unknown => {
  const code = /"code":("?)([^",}]+)\1/.exec(text)?.[2]
  return code !== undefined && /^-?\d+$/.test(code) ? Number(code) : code
}

const PING = '{"jsonrpc":"2.0","id":1,"method":"ping"}'
const TWENTY_MEGABYTES = 20 * 1024 * 1024

interface Row {
  readonly title: string
  /** Lines of the head; `Host`, credentials and types are added, but where they are named here. */
  readonly head?: readonly string[]
  readonly start?: (scene: Scene) => string
  readonly body?: string | Uint8Array
  /** The head as it is, instead of all that. */
  readonly raw?: (scene: Scene) => string
  readonly status: number | readonly number[]
  readonly code?: number | string
  readonly answers?: number
}

/** What stands in the head of a good request, by name. */
const defaults = (token: string, length: number): readonly (readonly [string, string])[] => [
  ['Host', '127.0.0.1'],
  ['Authorization', `Bearer ${token}`],
  ['Content-Type', 'application/json'],
  ['Accept', 'application/json, text/event-stream'],
  ['Content-Length', String(length)],
]

function print({ head = [], start, body = PING, raw }: Row, scene: Scene): string {
  if (raw !== undefined) return raw(scene)
  const names = head.map((line) => (line.split(':')[0] ?? '').toLowerCase())
  const rest = defaults(scene.token, Buffer.byteLength(body))
    .filter(([name]) => !names.includes(name.toLowerCase()))
    .map(([name, value]) => `${name}: ${value}`)
  const first = start?.(scene) ?? `POST ${scene.path} HTTP/1.1`
  const named = head.filter((line) => !line.endsWith(': none'))
  return [
    first,
    ...rest,
    ...named.map((line) => line.replaceAll('TOKEN', scene.token)),
    '',
    '',
  ].join('\r\n')
}

const chunked = (...chunks: readonly string[]) =>
  `${chunks.map((chunk) => `${Buffer.byteLength(chunk).toString(16)}\r\n${chunk}\r\n`).join('')}0\r\n`

const ROWS: readonly Row[] = [
  { title: 'a good one', status: 200 },
  {
    title: 'no Authorization',
    head: ['Authorization: none'],
    status: 401,
    code: 'UNAUTHENTICATED',
  },
  {
    title: 'two Authorization headers',
    head: ['Authorization: Bearer x', 'Authorization: Bearer TOKEN'],
    status: 401,
    code: 'UNAUTHENTICATED',
  },
  {
    title: 'a token in a cookie',
    head: ['Authorization: none', 'Cookie: token=TOKEN'],
    status: 401,
    code: 'UNAUTHENTICATED',
  },
  {
    title: 'two Content-Type headers',
    head: ['Content-Type: application/json', 'Content-Type: text/plain'],
    status: 415,
    code: -32600,
  },
  { title: 'no Content-Type', head: ['Content-Type: none'], status: 415, code: -32600 },
  {
    title: 'another charset',
    head: ['Content-Type: application/json; charset=utf-16'],
    status: 415,
    code: -32600,
  },
  {
    title: 'two revisions',
    head: ['MCP-Protocol-Version: 2025-11-25', 'MCP-Protocol-Version: 2026-07-28'],
    status: 400,
    code: -32022,
  },
  {
    title: 'an unknown revision',
    head: ['MCP-Protocol-Version: 1999-01-01'],
    status: 400,
    code: -32022,
  },
  { title: 'an empty revision', head: ['MCP-Protocol-Version:'], status: 400, code: -32022 },
  { title: 'a forged session', head: ['Mcp-Session-Id: x'], status: 404, code: -32600 },
  {
    title: 'two sessions',
    head: ['Mcp-Session-Id: x', 'Mcp-Session-Id: y'],
    status: 404,
    code: -32600,
  },
  { title: 'an Accept that wants no JSON', head: ['Accept: text/html'], status: 406, code: -32600 },
  {
    title: 'an evil Origin',
    head: ['Origin: https://evil.test'],
    status: 403,
    code: 'ORIGIN_DENIED',
  },
  { title: 'the Origin null', head: ['Origin: null'], status: 403, code: 'ORIGIN_DENIED' },
  {
    title: 'two Origins',
    head: ['Origin: http://localhost', 'Origin: https://evil.test'],
    status: 403,
    code: 'ORIGIN_DENIED',
  },
  {
    title: 'a compressed body',
    head: ['Content-Encoding: gzip'],
    body: gzipSync(PING),
    status: 415,
    code: -32600,
  },
  {
    title: 'a compressed body that does not say so',
    body: gzipSync(PING),
    status: 400,
    code: -32700,
  },
  { title: 'no body', body: '', status: 400, code: -32700 },
  { title: 'two messages in a row', body: `${PING}${PING}`, status: 400, code: -32700 },
  {
    title: 'a body of 20 MB',
    body: Buffer.alloc(TWENTY_MEGABYTES, 0x20),
    status: 413,
    code: -32600,
  },
  {
    title: 'a body of 20 MB in chunks',
    head: ['Content-Length: none', 'Transfer-Encoding: chunked'],
    body: `${chunked(' '.repeat(TWENTY_MEGABYTES))}\r\n`,
    status: 413,
    code: -32600,
  },
  {
    title: 'a length of 20 MB that is a lie',
    head: [`Content-Length: ${TWENTY_MEGABYTES}`],
    status: 413,
    code: -32600,
  },
  {
    title: 'two lengths',
    head: ['Content-Length: 40', 'Content-Length: 41'],
    status: 400,
  },
  { title: 'a negative length', head: ['Content-Length: -1'], status: 400 },
  {
    title: 'a length and chunks',
    head: ['Content-Length: 40', 'Transfer-Encoding: chunked'],
    body: `${chunked(PING)}\r\n`,
    status: 400,
  },
  {
    title: 'chunks with a trailer',
    head: ['Content-Length: none', 'Transfer-Encoding: chunked', 'Trailer: Authorization'],
    body: `${chunked(PING.slice(0, 9), PING.slice(9))}Authorization: Bearer x\r\n\r\n`,
    status: 200,
  },
  {
    title: 'a chunk of no size',
    head: ['Content-Length: none', 'Transfer-Encoding: chunked'],
    body: `zz\r\n${PING}\r\n0\r\n\r\n`,
    status: 400,
  },
  {
    title: 'an unknown transfer coding',
    head: ['Content-Length: none', 'Transfer-Encoding: gzip, chunked'],
    body: `${chunked(PING)}\r\n`,
    status: 200,
  },
  {
    title: 'Expect: 100-continue',
    head: ['Expect: 100-continue'],
    status: [100, 200],
  },
  { title: 'an expectation of anything else', head: ['Expect: gold'], status: 417 },
  {
    title: 'an offer to upgrade',
    head: ['Connection: Upgrade', 'Upgrade: websocket'],
    status: 200,
  },
  { title: 'HTTP/1.0', start: ({ path }) => `POST ${path} HTTP/1.0`, status: 200 },
  { title: 'HTTP/2 without TLS', raw: () => 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', status: 400 },
  { title: 'no Host', head: ['Host: none'], status: 400 },
  { title: 'another Host', head: ['Host: evil.test'], status: 200 },
  { title: 'a header of 20 KB', head: [`X: ${'x'.repeat(20_000)}`], status: 431 },
  { title: 'a header with a NUL', head: ['X: a\0b'], status: 400 },
  { title: 'a header without a colon', head: ['nonsense'], status: 400 },
  { title: 'no HTTP at all', raw: () => '\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03', status: 400 },
  { title: 'a method in lower case', start: ({ path }) => `post ${path} HTTP/1.1`, status: 400 },
  {
    title: 'the method GET with a body',
    start: ({ path }) => `GET ${path} HTTP/1.1`,
    status: 405,
    code: 'METHOD_NOT_ALLOWED',
  },
  {
    title: 'the method TRACE',
    start: ({ path }) => `TRACE ${path} HTTP/1.1`,
    status: 405,
    code: 'METHOD_NOT_ALLOWED',
  },
  {
    title: 'the whole URL as target',
    start: ({ path }) => `POST http://evil.test${path} HTTP/1.1`,
    status: 200,
  },
  { title: 'a path with dots', start: ({ path }) => `POST /x/..${path} HTTP/1.1`, status: 200 },
  {
    title: 'a path that goes on',
    start: ({ path }) => `POST ${path}/x HTTP/1.1`,
    status: 404,
    code: 'NOT_FOUND',
  },
  {
    title: 'an id in capitals',
    start: ({ path }) => `POST /mcp/${path.slice(5).toUpperCase()} HTTP/1.1`,
    status: 401,
    code: 'UNAUTHENTICATED',
  },
  {
    title: 'a token in the path',
    start: ({ path, token }) => `POST ${path}/${token} HTTP/1.1`,
    status: 404,
    code: 'NOT_FOUND',
  },
  {
    title: 'two tokens in the URL',
    start: ({ path, token }) => `POST ${path}?token=${token}&token=${token} HTTP/1.1`,
    status: 401,
    code: 'UNAUTHENTICATED',
  },
  {
    title: 'a token in the URL that is none',
    start: ({ path }) => `POST ${path}?token=%00 HTTP/1.1`,
    status: 401,
    code: 'UNAUTHENTICATED',
  },
  {
    title: 'two requests in one write',
    raw: (scene) => `${print({ title: '', status: 200 }, scene)}${PING}`.repeat(2),
    body: '',
    answers: 2,
    status: [200, 200],
  },
]

test('hostile HTTP gets one exact answer, and hangs nobody', async (t) => {
  const scene = await openScene(t)
  const wrong: unknown[] = []
  for (const row of ROWS) {
    const body = row.raw === undefined ? (row.body ?? PING) : ''
    const text = await exchange(scene.port, [print(row, scene), body], row.answers)
    const expected = [[row.status].flat(), row.code]
    const found = [statusesOf(text), row.code === undefined ? undefined : codeOf(text)]
    if (JSON.stringify(found) !== JSON.stringify(expected)) {
      wrong.push([row.title, found, expected, text.slice(0, 300)])
    }
    assert.equal(text.includes(scene.token), false, row.title)
  }
  assert.deepEqual(wrong, [])
  // Half a body, and then nobody.
  const half = { title: '', head: ['Content-Length: 1000'], status: 0 }
  assert.deepEqual(statusesOf(await exchange(scene.port, [print(half, scene), PING], 0)), [400])
  const [good] = ROWS
  assert.ok(good)
  assert.deepEqual(statusesOf(await exchange(scene.port, [print(good, scene), PING])), [200])
})

test('who sends a head or a body too slowly is cut off with 408', async (t) => {
  const { app, path, token } = await openScene(t)
  const timeouts = { headersMs: 200, requestMs: 300, checkMs: 50 }
  const slow = await listen(app, '127.0.0.1', 0, timeouts)
  t.after(async () => {
    const drained = slow.drain()
    slow.close()
    await drained
  })
  const { port } = new URL(slow.origin)
  const head = `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n`
  const body = `Authorization: Bearer ${token}\r\nContent-Length: 1000\r\n\r\n{"jsonrpc"`
  for (const text of [head, `${head}${body}`]) {
    assert.deepEqual(statusesOf(await exchange(Number(port), [text])), [408])
  }
})

// Upstreams that misbehave, each a few lines of raw TCP. Run by `run.ts` on each runtime.
import { once } from 'node:events'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import zlib from 'node:zlib'
import { request } from '../../workers/egress/client.ts'
import { startUpstream } from '../support/upstream.ts'
import { attempt } from './attempt.ts'

const HEAD = 'HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n'

/** What an upstream does with a connection on which a whole request head has arrived. */
type Reply = (socket: Socket) => void

function say(text: string): Reply {
  return (socket) => socket.write(text)
}

function sayCoded(coding: string, body: Uint8Array): Reply {
  return (socket) => {
    socket.write(`${HEAD}content-encoding: ${coding}\r\ncontent-length: ${body.length}\r\n\r\n`)
    socket.write(body)
  }
}

const PLAIN = Buffer.from('hello')

/** 20 MB of zeros: 200 times the cap that `attempt` sets. */
const ZEROS = Buffer.alloc(20_000_000)

const endlessly =
  (start: string, more: string): Reply =>
  (socket) => {
    const push = (): void => {
      while (!socket.destroyed && socket.write(more));
    }
    socket.on('drain', push)
    socket.write(start)
    push()
  }

/** Title, reply, what `attempt` must give. */
const FAULTS: readonly (readonly [string, Reply, string])[] = [
  ['whole answer', say(`${HEAD}content-length: 5\r\n\r\nhello`), '200 hello'],
  [
    'chunked answer',
    say(`${HEAD}transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`),
    '200 hello',
  ],
  ['answer until close', (s) => s.end(`${HEAD}connection: close\r\n\r\nhello`), '200 hello'],
  [
    'early hints',
    say(`HTTP/1.1 103 Early Hints\r\n\r\n${HEAD}content-length: 5\r\n\r\nhello`),
    '200 hello',
  ],
  ['gzip', sayCoded('gzip', zlib.gzipSync(PLAIN)), '200 hello'],
  ['x-gzip in capitals', sayCoded('X-GZIP', zlib.gzipSync(PLAIN)), '200 hello'],
  ['deflate', sayCoded('deflate', zlib.deflateSync(PLAIN)), '200 hello'],
  ['bare deflate', sayCoded('deflate', zlib.deflateRawSync(PLAIN)), '200 hello'],
  ['br', sayCoded('br', zlib.brotliCompressSync(PLAIN)), '200 hello'],
  ['zstd', sayCoded('zstd', zlib.zstdCompressSync(PLAIN)), '200 hello'],
  ['identity', sayCoded('identity', PLAIN), '200 hello'],
  ['gzip bomb', sayCoded('gzip', zlib.gzipSync(ZEROS)), 'RESPONSE_TOO_LARGE'],
  ['deflate bomb', sayCoded('deflate', zlib.deflateSync(ZEROS)), 'RESPONSE_TOO_LARGE'],
  ['br bomb', sayCoded('br', zlib.brotliCompressSync(ZEROS)), 'RESPONSE_TOO_LARGE'],
  ['zstd bomb', sayCoded('zstd', zlib.zstdCompressSync(ZEROS)), 'RESPONSE_TOO_LARGE'],
  [
    'double coding',
    sayCoded('gzip, gzip', zlib.gzipSync(zlib.gzipSync(PLAIN))),
    'UPSTREAM_INVALID',
  ],
  ['unknown coding', sayCoded('compress', PLAIN), 'UPSTREAM_INVALID'],
  ['gzip in name only', sayCoded('gzip', PLAIN), 'UPSTREAM_INVALID'],
  ['gzip cut short', sayCoded('gzip', zlib.gzipSync(PLAIN).subarray(0, 12)), 'UPSTREAM_INVALID'],
  ['declared too large', say(`${HEAD}content-length: 100001\r\n\r\n`), 'RESPONSE_TOO_LARGE'],
  ['declared 1 GB', say(`${HEAD}content-length: 1000000000\r\n\r\n`), 'RESPONSE_TOO_LARGE'],
  [
    'endless chunks',
    endlessly(`${HEAD}transfer-encoding: chunked\r\n\r\n`, `400\r\n${'x'.repeat(1024)}\r\n`),
    'RESPONSE_TOO_LARGE',
  ],
  [
    'endless until close',
    endlessly(`${HEAD}connection: close\r\n\r\n`, 'x'.repeat(1024)),
    'RESPONSE_TOO_LARGE',
  ],
  ['reset before the answer', (s) => s.resetAndDestroy(), 'UPSTREAM_UNREACHABLE'],
  ['close before the answer', (s) => s.end(), 'UPSTREAM_UNREACHABLE'],
  ['close within the head', (s) => s.end('HTTP/1.1 200 OK\r\ncontent-le'), 'UPSTREAM_UNREACHABLE'],
  [
    'close within the body',
    (s) => s.end(`${HEAD}content-length: 100\r\n\r\nhello`),
    'UPSTREAM_INVALID',
  ],
  [
    'close within a chunk',
    (s) => s.end(`${HEAD}transfer-encoding: chunked\r\n\r\n10\r\nhello`),
    'UPSTREAM_INVALID',
  ],
  [
    'reset within the body',
    (s) => s.write(`${HEAD}content-length: 100\r\n\r\nhello`, () => s.resetAndDestroy()),
    'UPSTREAM_INVALID',
  ],
  ['negative length', say(`${HEAD}content-length: -1\r\n\r\nhello`), 'UPSTREAM_INVALID'],
  [
    'two lengths',
    say(`${HEAD}content-length: 5\r\ncontent-length: 6\r\n\r\nhello!`),
    'UPSTREAM_INVALID',
  ],
  [
    'bad chunk size',
    say(`${HEAD}transfer-encoding: chunked\r\n\r\nzz\r\nhello`),
    'UPSTREAM_INVALID',
  ],
  ['no HTTP', say('SSH-2.0-OpenSSH_9.9\r\n\r\n'), 'UPSTREAM_INVALID'],
  [
    'large header',
    say(`${HEAD}x: ${'a'.repeat(1_000_000)}\r\ncontent-length: 0\r\n\r\n`),
    'UPSTREAM_INVALID',
  ],
  ['endless header', endlessly(`${HEAD}x: `, 'a'.repeat(1024)), 'UPSTREAM_INVALID'],
  [
    '1,000 headers',
    say(`${HEAD}${`x: ${'a'.repeat(60)}\r\n`.repeat(1_000)}content-length: 0\r\n\r\n`),
    'UPSTREAM_INVALID',
  ],
  ['flood of early hints', endlessly('', 'HTTP/1.1 103 Early Hints\r\n\r\n'), 'UPSTREAM_INVALID'],
  [
    'upgrade',
    say('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n'),
    'UPSTREAM_INVALID',
  ],
  ['status 999', say('HTTP/1.1 999 Odd\r\ncontent-length: 2\r\n\r\nno'), '999 no'],
  ['no content', say('HTTP/1.1 204 No Content\r\n\r\n'), '204 '],
  ['never answers', () => {}, 'UPSTREAM_TIMEOUT'],
  ['never ends its head', say(HEAD), 'UPSTREAM_TIMEOUT'],
  ['never ends its body', say(`${HEAD}content-length: 100\r\n\r\nhello`), 'UPSTREAM_TIMEOUT'],
]

/** Long for a loopback answer, short for a test. */
const SHORT_TIMEOUT_MS = 300

/** What came out, by fault. */
export async function runFaultTable(): Promise<Record<string, unknown>> {
  const outcomes: Record<string, unknown> = {}
  for (const [title, reply] of FAULTS) {
    const { origin, close } = await startRaw(reply)
    const isSlow = title.startsWith('never')
    const timeoutMs = isSlow ? SHORT_TIMEOUT_MS : 10_000
    const startedAt = performance.now()
    const outcome = await attempt(origin, { egressAllow: origin, timeoutMs })
    const tookMs = performance.now() - startedAt
    // 200 ms late is late.
    outcomes[title] = isSlow && tookMs > SHORT_TIMEOUT_MS + 200 ? `${outcome} late` : outcome
    await close()
  }
  outcomes['surplus body'] = await trySurplus()
  outcomes['stale connection'] = await tryStale()
  outcomes['abort'] = await tryAbort()
  outcomes['giving up'] = await tryGivingUp()
  outcomes['redirects'] = await tryRedirects()
  return outcomes
}

async function startRaw(reply: Reply): Promise<{ origin: string; close: () => Promise<void> }> {
  const sockets = new Set<Socket>()
  const server: Server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('data', (data) => {
      if (data.includes('\r\n\r\n')) reply(socket)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const close = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy()
    server.close()
    await once(server, 'close')
  }
  return { origin: `http://127.0.0.1:${port}`, close }
}

/** More bytes than declared must not become the next request's answer. */
async function trySurplus(): Promise<unknown> {
  let count = 0
  const raw = await startRaw((socket) => {
    count += 1
    const surplus = count === 1 ? 'HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil' : ''
    socket.write(`${HEAD}content-length: 5\r\n\r\nhello${surplus}`)
  })
  const first = await attempt(raw.origin, { egressAllow: raw.origin })
  const second = await attempt(raw.origin, { egressAllow: raw.origin })
  await raw.close()
  return [first === '200 hello' || first === 'UPSTREAM_INVALID', second]
}

/** A connection closed at its second request: repeated for GET, not for POST. */
async function tryStale(): Promise<unknown> {
  const outcomes: string[] = []
  for (const method of ['GET', 'POST']) {
    const used = new Set<Socket>()
    const raw = await startRaw((socket) => {
      if (used.has(socket)) return socket.destroy()
      used.add(socket)
      return socket.write(`${HEAD}content-length: 5\r\n\r\nhello`)
    })
    const options = { method, egressAllow: raw.origin }
    outcomes.push(await attempt(raw.origin, options), await attempt(raw.origin, options))
    outcomes.push(`${used.size} connections`)
    await raw.close()
  }
  return outcomes
}

/** Aborting closes the upstream's connection, not only the promise. */
async function tryAbort(): Promise<unknown> {
  const controller = new AbortController()
  const upstream = await startUpstream((_request, response) => {
    response.write('begun')
    controller.abort()
  })
  const closed = upstream.nextClose()
  const options = { egressAllow: upstream.origin, signal: controller.signal }
  const startedAt = performance.now()
  const outcome = await attempt(upstream.origin, options)
  await closed
  const isPrompt = performance.now() - startedAt < 1_000
  const again = await attempt(upstream.origin, options)
  await upstream.close()
  return [outcome, isPrompt, again, upstream.requests.length]
}

/** What is given up on a reused connection is not sent a second time by anybody. */
async function tryGivingUp(): Promise<unknown> {
  const outcomes: unknown[] = []
  for (const method of ['GET', 'POST']) {
    const upstream = await startUpstream(({ url }, response) => {
      if (url === '/') response.end('hello')
    })
    const options = { method, egressAllow: upstream.origin }
    outcomes.push(await attempt(upstream.origin, options))
    const closed = upstream.nextClose()
    const timeoutMs = SHORT_TIMEOUT_MS
    outcomes.push(await attempt(`${upstream.origin}/silent`, { ...options, timeoutMs }))
    await closed
    // A request after it arrives after whatever a runtime might have sent again.
    outcomes.push(await attempt(upstream.origin, options))
    outcomes.push(upstream.requests.map(({ url }) => url).join(' '))
    await upstream.close()
  }
  return outcomes
}

/** Redirects come back as they are; nothing is sent to where they point. */
async function tryRedirects(): Promise<unknown> {
  const target = await startUpstream()
  const statuses: string[] = []
  for (const status of [301, 302, 303, 307, 308]) {
    const upstream = await startUpstream((_request, response) => {
      response.writeHead(status, { location: target.origin }).end()
    })
    const response = await request({
      url: new URL(upstream.origin),
      method: 'POST',
      headers: {},
      body: 'x',
      timeoutMs: 10_000,
      maxBodyBytes: 100,
      egressAllow: `${upstream.origin},${target.origin}`,
    })
    statuses.push(`${response.status} ${response.headers.location === target.origin}`)
    await upstream.close()
  }
  await target.close()
  return [statuses, target.connectionCount()]
}

/** What {@link runFaultTable} must give on every runtime. */
export function expectFaultTable(): Record<string, unknown> {
  return {
    ...Object.fromEntries(FAULTS.map(([title, , expected]) => [title, expected])),
    'surplus body': [true, '200 hello'],
    'stale connection': [
      '200 hello',
      '200 hello',
      '2 connections',
      '200 hello',
      'UPSTREAM_UNREACHABLE',
      '1 connections',
    ],
    abort: ['CANCELLED', true, 'CANCELLED', 1],
    'giving up': Array.from({ length: 2 }, () => [
      '200 hello',
      'UPSTREAM_TIMEOUT',
      '200 hello',
      '/ /silent /',
    ]).flat(),
    redirects: [['301 true', '302 true', '303 true', '307 true', '308 true'], 0],
  }
}

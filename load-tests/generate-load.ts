// Sends one request over and over on kept-alive connections and measures the answers. On raw sockets
// and in a process of its own, so that what is measured is the other side: a client library would
// take as much of the processor as the gateway.
import { connect, type Socket } from 'node:net'

/** What to send, and how hard. */
export interface Load {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  /** Sent by POST; without it the request is a GET. */
  readonly body?: string
  /** Each sends its next request when it has its answer. */
  readonly connections: number
  readonly durationMs: number
  /** What an answer must have in it to count as one. */
  readonly expect: string
}

/** What came of it. Latencies are in milliseconds, from the request's first byte to the answer's last. */
export interface Measured {
  readonly answers: number
  readonly failures: number
  /** The first failure, to look at; undefined where there was none. */
  readonly failure?: string
  readonly perSecond: number
  readonly p50: number
  readonly p95: number
  readonly p99: number
}

interface Tally {
  readonly latencies: number[]
  failures: number
  failure: string | undefined
}

/** Runs the load to its end. */
export async function generateLoad(load: Load): Promise<Measured> {
  const tally: Tally = { latencies: [], failures: 0, failure: undefined }
  const startedAt = performance.now()
  const endAt = startedAt + load.durationMs
  const request = Buffer.from(printRequest(load))
  await Promise.all(
    Array.from({ length: load.connections }, () => runConnection(load, request, endAt, tally)),
  )
  const seconds = (performance.now() - startedAt) / 1000
  const sorted = Float64Array.from(tally.latencies).sort()
  const at = (share: number) => sorted[Math.floor(sorted.length * share)] ?? 0
  return {
    answers: sorted.length,
    failures: tally.failures,
    ...(tally.failure === undefined ? {} : { failure: tally.failure }),
    perSecond: sorted.length / seconds,
    p50: at(0.5),
    p95: at(0.95),
    p99: at(0.99),
  }
}

function printRequest({ url, headers, body }: Load): string {
  const { host, pathname, search } = new URL(url)
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  const method = body === undefined ? 'GET' : 'POST'
  const length = body === undefined ? '' : `content-length: ${Buffer.byteLength(body)}\r\n`
  const head = `${method} ${pathname}${search} HTTP/1.1\r\nhost: ${host}\r\n${lines.join('')}${length}`
  return `${head}\r\n${body ?? ''}`
}

/** Opened again where the other side closes it: that is a failure of the request under way only. */
async function runConnection(
  load: Load,
  request: Buffer,
  endAt: number,
  tally: Tally,
): Promise<void> {
  while (performance.now() < endAt) {
    const { hostname, port } = new URL(load.url)
    const socket = connect({ host: hostname, port: Number(port), noDelay: true })
    const reason = await useSocket(socket, load.expect, request, endAt, tally)
    socket.destroy()
    if (reason === undefined) return
    tally.failures += 1
    tally.failure ??= reason
  }
}

function useSocket(
  socket: Socket,
  expect: string,
  request: Buffer,
  endAt: number,
  tally: Tally,
): Promise<string | undefined> {
  return new Promise((resolve) => {
    let received: Buffer = Buffer.alloc(0)
    let sentAt = performance.now()
    const send = () => {
      sentAt = performance.now()
      socket.write(request)
    }
    socket.on('connect', send)
    socket.on('error', (error) => {
      resolve(error.message)
    })
    socket.on('close', () => {
      resolve('The connection was closed')
    })
    socket.on('data', (chunk: Buffer) => {
      received = received.length === 0 ? chunk : Buffer.concat([received, chunk])
      if (!isWhole(received)) return
      if (
        received.subarray(0, 12).toString('latin1') === 'HTTP/1.1 200' &&
        received.includes(expect)
      ) {
        tally.latencies.push(performance.now() - sentAt)
      } else {
        tally.failures += 1
        tally.failure ??= received.subarray(0, 2_000).toString()
      }
      received = Buffer.alloc(0)
      if (performance.now() < endAt) send()
      else resolve(undefined)
    })
  })
}

/** One answer and no more: there is no pipelining. */
function isWhole(received: Buffer): boolean {
  const headEnd = received.indexOf('\r\n\r\n')
  if (headEnd < 0) return false
  const head = received.subarray(0, headEnd).toString('latin1')
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1]
  if (length !== undefined) return received.length >= headEnd + 4 + Number(length)
  return received.subarray(-5).toString('latin1') === '0\r\n\r\n'
}

if (import.meta.main) {
  const measured = await generateLoad(JSON.parse(process.argv[2] ?? '{}') as Load)
  console.log(JSON.stringify(measured))
}

// Many open streams at once: each is told of a change within a second, none costs much, and closing them
// gives back what they took. `LOAD_TEST=long` keeps 2,000 of them open for a minute.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import http, { type IncomingMessage } from 'node:http'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { mutation } from './support/control-plane.ts'
import { createTestStorage } from './support/database.ts'
import { graphql } from './support/graphql.ts'
import { startProduct } from './support/product.ts'

const isLong = process.env['LOAD_TEST'] === 'long'
const STREAMS = isLong ? 2_000 : 200
const OPEN_MS = isLong ? 60_000 : 0
const MAX_NOTICE_MS = 1_000
const KIB = 1024
const MAX_STREAM_BYTES = 64 * KIB
// What V8 takes from the system for anything else meanwhile: little beside 2,000 streams.
const SLACK_BYTES = (isLong ? 24 : 80) * KIB * KIB
const IN_PARALLEL = 50

interface Stream {
  /** Resolves with the time of the next notice of a list. */
  readonly nextNotice: () => Promise<number>
  readonly close: () => void
}

interface Opened {
  readonly graphqlUrl: string
  readonly apiKey: string
}

const agent = new http.Agent({ keepAlive: false, maxSockets: Infinity })

/** Half of them in each era. */
async function openStream(url: string, token: string, n: number): Promise<Stream> {
  const headers = {
    authorization: `Bearer ${token}`,
    accept: 'application/json, text/event-stream',
    'content-type': 'application/json',
  }
  const response = n % 2 === 0 ? await listen(url, headers, n) : await openSession(url, headers)
  assert.equal(response.statusCode, 200)
  let text = ''
  let waiting: ((at: number) => void) | undefined
  response.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
    const found = text.indexOf('prompts/list_changed')
    if (found < 0) return
    text = ''
    waiting?.(performance.now())
  })
  return {
    nextNotice: () => new Promise((resolve) => (waiting = resolve)),
    close: () => response.destroy(),
  }
}

type RequestHeaders = Readonly<Record<string, string>>

async function send(
  url: string,
  method: string,
  headers: RequestHeaders,
  body?: object,
): Promise<IncomingMessage> {
  const request = http.request(url, { method, headers, agent })
  request.end(body && JSON.stringify(body))
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  return response
}

function listen(url: string, headers: RequestHeaders, id: number): Promise<IncomingMessage> {
  const method = 'subscriptions/listen'
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientCapabilities': {},
  }
  const params = { _meta, notifications: { promptsListChanged: true } }
  const own = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': method }
  return send(url, 'POST', { ...headers, ...own }, { jsonrpc: '2.0', id, method, params })
}

async function openSession(url: string, headers: RequestHeaders): Promise<IncomingMessage> {
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'x' } }
  const opened = await send(url, 'POST', headers, {
    jsonrpc: '2.0',
    id: 0,
    method: 'initialize',
    params,
  })
  opened.resume()
  await once(opened, 'end')
  const id = String(opened.headers['mcp-session-id'])
  return await send(url, 'GET', { ...headers, 'mcp-session-id': id })
}

async function openAll(url: string, token: string, count: number): Promise<readonly Stream[]> {
  const streams: Stream[] = []
  for (let n = 0; n < count; n += IN_PARALLEL) {
    const some = Array.from({ length: Math.min(IN_PARALLEL, count - n) }, (_, at) =>
      openStream(url, token, n + at),
    )
    streams.push(...(await Promise.all(some)))
  }
  return streams
}

const rssOf = (pid: number | undefined): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * KIB

test(
  `${STREAMS} open streams are told of a change within a second, and take at most 64 KiB each`,
  { skip: process.platform !== 'linux' && 'memory is read in /proc' },
  async (t) => {
    const product = await startProduct(t, {
      args: ['--json'],
      env: { ...(await createTestStorage(t)), RATE_LIMIT_PER_MINUTE: '100000' },
    })
    const { graphqlUrl, apiKey } = JSON.parse(product.firstLine) as Opened
    const make = async (name: string, input: object, data = 'id') => {
      const answer = await graphql<Record<string, { data: Record<string, string> }>>(
        graphqlUrl,
        apiKey,
        mutation(name, data),
        { input },
      )
      return answer[name]?.data ?? {}
    }
    const { id: serverId = '' } = await make('createServer', { name: 'Server' })
    const made = await make('createServerToken', { serverId, name: 'T' }, 'token mcpUrl')
    const { token = '', mcpUrl = '' } = made
    let changes = 0
    const change = async () => {
      changes += 1
      const messages = [{ role: 'USER', text: 'x' }]
      await make('createPrompt', { serverId, name: `p${changes}`, messages })
    }
    const tellAll = async (streams: readonly Stream[]) => {
      const notices = streams.map((stream) => stream.nextNotice())
      await change()
      const changedAt = performance.now()
      const latest = Math.max(...(await Promise.all(notices))) - changedAt
      assert.ok(latest <= MAX_NOTICE_MS, `the last was told after ${latest} ms`)
      return latest
    }
    // Code, pools and buffers that every stream shares.
    const first = await openAll(mcpUrl, token, 200)
    await tellAll(first)
    for (const stream of first) stream.close()
    const before = rssOf(product.child.pid)

    const streams = await openAll(mcpUrl, token, STREAMS)
    const latest = await tellAll(streams)
    const perStream = (rssOf(product.child.pid) - before) / STREAMS
    await pause(OPEN_MS)
    const again = await tellAll(streams)
    const grown = rssOf(product.child.pid) - before
    t.diagnostic(
      `told after ${Math.round(latest)} and ${Math.round(again)} ms; ${Math.round(perStream / KIB)} KiB a stream`,
    )
    const bound = STREAMS * MAX_STREAM_BYTES + (isLong ? 0 : SLACK_BYTES)
    assert.ok(grown <= bound, `${grown} bytes for ${STREAMS} streams`)
    for (const stream of streams) stream.close()
    // Streams that are closed are counted no more: others find their places.
    const last = await openAll(mcpUrl, token, 200)
    await tellAll(last)
    const left = rssOf(product.child.pid) - before
    t.diagnostic(`${Math.round(left / KIB / KIB)} MiB more than before, with all closed but 200`)
    assert.ok(left <= Math.max(grown, 0) + SLACK_BYTES, `${left} bytes are left`)
    for (const stream of last) stream.close()
    assert.equal(await product.end('SIGTERM'), 0, product.stderr())
  },
)

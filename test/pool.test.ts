// The worker pool as tenants share it: places, waits, cancellations and imports.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { createServer, type ServerResponse } from 'node:http'
import { test, type TestContext } from 'node:test'
import { createAdmission, type Entry } from '../workers/admission.ts'
import { BusyError } from '../workers/error.ts'
import { createPool, type Call } from '../workers/pool.ts'

interface HangingUpstream {
  readonly origin: string
  readonly paths: string[]
  /** Resolves when `count` requests have arrived. */
  arrived(count: number): Promise<void>
  answerAll(): void
}

async function startHangingUpstream(t: TestContext): Promise<HangingUpstream> {
  const open = new Set<ServerResponse>()
  const paths: string[] = []
  let onArrival = () => {}
  const server = createServer((request, response) => {
    paths.push(request.url ?? '')
    if (request.url === '/quick') response.end('{}')
    else open.add(response)
    onArrival()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  const address = server.address()
  assert(typeof address === 'object' && address !== null)
  return {
    origin: `http://127.0.0.1:${address.port}`,
    paths,
    arrived: (count) =>
      new Promise((resolve) => {
        onArrival = () => {
          if (paths.length >= count) resolve()
        }
        onArrival()
      }),
    answerAll() {
      for (const response of open) response.end('{}')
      open.clear()
    },
  }
}

function callOf(origin: string, path: string, accountId: string, rest: Partial<Call> = {}): Call {
  const inputSchema = { type: 'object', properties: {} }
  const definition = JSON.stringify({ method: 'POST', path, inputSchema, parameters: [] })
  return {
    accountId,
    definition,
    definitionHash: createHash('sha256').update(definition).digest('hex'),
    baseUrl: origin,
    headers: {},
    argumentsText: '{}',
    timeoutMs: 30_000,
    maxResponseBytes: 1024,
    ...rest,
  }
}

test('a call that is cancelled before a thread learned its tool is not sent', async (t) => {
  const upstream = await startHangingUpstream(t)
  const pool = createPool({ callThreads: 1, egressAllow: upstream.origin })
  t.after(() => pool.close())
  const controller = new AbortController()
  const cancelled = pool.call(callOf(upstream.origin, '/never', 'a', { signal: controller.signal }))
  controller.abort()
  assert.equal((await cancelled).failure, 'CANCELLED')
  assert.equal((await pool.call(callOf(upstream.origin, '/quick', 'a'))).failure, undefined)
  assert.deepEqual(upstream.paths, ['/quick'])
})

test('one tenant’s hanging calls leave half of the places to others, and its own time out in the line', async (t) => {
  const HALF = 256
  const upstream = await startHangingUpstream(t)
  const pool = createPool({ callThreads: 1, egressAllow: upstream.origin })
  t.after(() => pool.close())
  const hanging = Array.from({ length: HALF }, () =>
    pool.call(callOf(upstream.origin, '/hang', 'a')),
  )
  await upstream.arrived(HALF)
  const waiting = await pool.call(callOf(upstream.origin, '/late', 'a', { timeoutMs: 100 }))
  assert.equal(waiting.failure, 'UPSTREAM_TIMEOUT')
  assert.match(Buffer.from(waiting.members).toString(), /waited 100 ms for a free place/)
  const other = await pool.call(callOf(upstream.origin, '/quick', 'b'))
  assert.equal(other.status, 200)
  assert.equal(upstream.paths.includes('/late'), false)
  upstream.answerAll()
  const statuses = (await Promise.all(hanging)).map(({ status }) => status)
  assert.deepEqual(new Set(statuses), new Set([200]))
})

test('pool.import of one account does not wait for another’s slow document', async (t) => {
  const upstream = await startHangingUpstream(t)
  const pool = createPool({ callThreads: 1, egressAllow: upstream.origin })
  t.after(() => pool.close())
  const slow = [1, 2, 3].map(() =>
    pool.import({ type: 'url', url: `${upstream.origin}/slow` }, 'a'),
  )
  await upstream.arrived(1)
  const text = '{"openapi":"3.1.0","info":{"title":"T","version":"1"},"paths":{"/a":{"get":{}}}}'
  const outcome = await pool.import({ type: 'bytes', bytes: new TextEncoder().encode(text) }, 'b')
  assert.equal(outcome.type, 'imported')
  for (let count = 1; count <= slow.length; count++) {
    await upstream.arrived(count)
    upstream.answerAll()
  }
  const outcomes = await Promise.all(slow)
  assert.deepEqual(new Set(outcomes.map(({ type }) => type)), new Set(['refused']))
})

test('createAdmission serves tenants in turn, forgets who gave up, and refuses a full line', async () => {
  const admission = createAdmission(2, 4)
  const entered: string[] = []
  const enter = (tenant: string, signal?: AbortSignal): Entry | Promise<Entry> => {
    const entry = admission.enter(tenant, 60_000, signal)
    if (entry === 'entered') entered.push(tenant)
    if (typeof entry === 'string') return entry
    return entry.then((late) => {
      if (late === 'entered') entered.push(tenant)
      return late
    })
  }
  assert.equal(enter('a'), 'entered')
  assert.equal(enter('b'), 'entered')
  const controller = new AbortController()
  const lines = [enter('a'), enter('a', controller.signal), enter('b'), enter('c')]
  assert.throws(() => enter('d'), BusyError)
  controller.abort()
  assert.equal(await lines[1], 'cancelled')
  admission.leave('a')
  assert.equal(await lines[0], 'entered')
  admission.leave('a')
  assert.equal(await lines[3], 'entered', 'b has its half: c is next')
  admission.leave('b')
  assert.equal(await lines[2], 'entered')
  assert.deepEqual(entered, ['a', 'b', 'a', 'c', 'b'])
  assert.equal(await admission.enter('c', 1), 'timeout', 'c has its half')
})

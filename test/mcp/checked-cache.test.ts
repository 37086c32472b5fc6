// The cache's promises one by one, with time, events and the database's silence as parameters.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { UnavailableError } from '../../db/errors.ts'
import { createCheckedCache } from '../../server/mcp/checked-cache.ts'
import { createOutage } from '../../server/mcp/outage.ts'

const STALE_MS = 300_000
const SILENCE = { code: 'UNAVAILABLE' }

/** A cache of texts whose world is the test's to turn. */
function setUp(maxEntries = 100, maxWeight = 1_000) {
  let nowMs = 1_000_000
  let isTrusted = true
  let onDistrust = (): void => undefined
  let isDown = false
  let loads = 0
  let value: string | undefined = 'v1'
  const elapsed = (): number => nowMs
  const outage = createOutage(elapsed)
  const cache = createCheckedCache<string>({
    events: {
      isTrusted: () => isTrusted,
      onDistrust(listener) {
        onDistrust = listener
        return () => undefined
      },
    },
    outage,
    elapsed,
    staleMs: STALE_MS,
    maxEntries,
    maxWeight,
    weigh: (text) => text.length,
  })
  const load = async (): Promise<string | undefined> => {
    loads += 1
    const read = value
    if (isDown) throw new UnavailableError('down')
    await Promise.resolve()
    return read
  }
  return {
    cache,
    get: (key = 'k') => cache.get(key, load),
    loads: () => loads,
    write: (text: string | undefined): void => {
      value = text
    },
    pass: (ms: number): void => {
      nowMs += ms
    },
    stop: (): void => {
      isDown = true
    },
    start: (): void => {
      isDown = false
    },
    lose: (): void => {
      isTrusted = false
      onDistrust()
    },
    regain: (): void => {
      isTrusted = true
      onDistrust()
      outage.clear()
    },
  }
}

/** Lets everything that waits for nothing but promises run. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('get reads once while events are trusted, for however long', async () => {
  const { get, loads, pass } = setUp()
  assert.equal(await get(), 'v1')
  pass(10 * STALE_MS)
  assert.equal(await get(), 'v1')
  assert.equal(loads(), 1)
})

test('get reads once for all that ask at once', async () => {
  const { get, loads } = setUp()
  assert.deepEqual(await Promise.all([get(), get(), get()]), ['v1', 'v1', 'v1'])
  assert.equal(loads(), 1)
})

test('get does not remember that there is nothing', async () => {
  const { get, loads, write } = setUp()
  write(undefined)
  assert.equal(await get(), undefined)
  write('v2')
  assert.equal(await get(), 'v2')
  assert.equal(loads(), 2)
})

test('drop makes the next get read', async () => {
  const { cache, get, write } = setUp()
  await get()
  write('v2')
  cache.drop((value) => value === 'other')
  assert.equal(await get(), 'v1')
  cache.drop((value) => value === 'v1')
  assert.equal(await get(), 'v2')
})

test('drop during a load leaves nothing of it behind, and nobody joins it', async () => {
  const { cache, get, write, loads } = setUp()
  const before = get()
  write('v2')
  cache.drop(() => true)
  const after = get()
  assert.deepEqual(await Promise.all([before, after, get()]), ['v1', 'v2', 'v2'])
  assert.equal(await get(), 'v2')
  assert.equal(loads(), 2)
})

test('drop of something else during a load keeps what it brings', async () => {
  const { cache, get, loads } = setUp()
  const before = get()
  cache.drop((value) => value === 'other')
  await before
  await get()
  assert.equal(loads(), 1)
})

test('get asks again at each use while events are missed, once per 250 ms', async () => {
  const { get, loads, lose, pass, write } = setUp()
  await get()
  lose()
  write('v2')
  assert.equal(await get(), 'v2')
  write('v3')
  pass(249)
  assert.equal(await get(), 'v2')
  pass(1)
  assert.deepEqual(await Promise.all([get(), get()]), ['v3', 'v3'])
  assert.equal(loads(), 3)
})

test('get drops a value that is gone while events are missed', async () => {
  const { cache, get, lose, write } = setUp()
  await get()
  lose()
  write(undefined)
  assert.equal(await get(), undefined)
  assert.equal(cache.size(), 0)
})

test('get asks once more after events are back, and then trusts them', async () => {
  const { get, loads, lose, regain, pass, write } = setUp()
  await get()
  lose()
  await get()
  write('v2')
  regain()
  assert.equal(await get(), 'v2')
  pass(STALE_MS)
  assert.equal(await get(), 'v2')
  assert.equal(loads(), 3)
})

test('get does not trust what was being read when events were lost', async () => {
  const { get, loads, lose, regain, write } = setUp()
  const before = get()
  lose()
  write('v2')
  regain()
  assert.equal(await before, 'v1')
  assert.equal(await get(), 'v2')
  assert.equal(loads(), 2)
})

test('get serves a known value for 5 min of silence, counted from the last proof', async () => {
  const { get, lose, pass, stop } = setUp()
  await get()
  pass(10 * STALE_MS)
  stop()
  lose()
  assert.equal(await get(), 'v1')
  pass(STALE_MS)
  assert.equal(await get(), 'v1')
  await settle()
  pass(1)
  await assert.rejects(get(), SILENCE)
})

test('get waits for a silent database once, then asks once a second beside the calls', async () => {
  const { get, loads, lose, pass, stop } = setUp()
  await get()
  stop()
  lose()
  for (let call = 0; call < 100; call += 1) assert.equal(await get(), 'v1')
  assert.equal(loads(), 2)
  pass(999)
  await get()
  assert.equal(loads(), 2)
  pass(1)
  for (let call = 0; call < 100; call += 1) assert.equal(await get(), 'v1')
  await settle()
  assert.equal(loads(), 3)
})

test('get refuses at once what it does not know while the database is silent', async () => {
  const { get, loads, pass, start, stop } = setUp()
  stop()
  await assert.rejects(get('a'), SILENCE)
  await assert.rejects(get('b'), SILENCE)
  assert.equal(loads(), 1)
  pass(1_000)
  start()
  assert.equal(await get('b'), 'v1')
  assert.equal(await get('a'), 'v1')
})

test('get asks before it answers as soon as the database and its events are back', async () => {
  const { get, lose, regain, start, stop, write } = setUp()
  await get()
  stop()
  lose()
  assert.equal(await get(), 'v1')
  start()
  write(undefined)
  regain()
  assert.equal(await get(), undefined)
})

test('get does not serve a value whose change was told while the database fell silent', async () => {
  const { cache, get, lose, stop } = setUp()
  await get()
  lose()
  stop()
  const before = get()
  cache.drop(() => true)
  await assert.rejects(before, SILENCE)
  await assert.rejects(get(), SILENCE)
})

test('get passes on a failure that is not silence, and asks again', async () => {
  const { cache, get } = setUp()
  const failure = new Error('bug')
  await assert.rejects(
    cache.get('k', () => Promise.reject(failure)),
    failure,
  )
  assert.equal(await get(), 'v1')
})

test('the least recently used entry goes first, by number and by weight', async () => {
  const { cache, loads } = setUp(3, 10)
  const get = (key: string, text = 'x'): Promise<string | undefined> =>
    cache.get(key, () => Promise.resolve(text))
  await get('a')
  await get('b')
  await get('c')
  await get('a', 'kept')
  await get('d')
  assert.equal(await get('a', 'new'), 'x')
  assert.equal(cache.size(), 3)
  await get('e', 'x'.repeat(11))
  assert.equal(cache.size(), 1)
  assert.equal(loads(), 0)
})

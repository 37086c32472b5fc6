// The one idea behind both caches: an entry is as good as the last proof of it. While the database
// tells of every change an entry needs no other proof. While changes may be missed each use asks
// again, and an entry outlives a database that does not answer by a bounded time only.
import { UnavailableError } from '../../db/errors.ts'
import type { Events } from '../../db/events.ts'
import { type Matches, createFlights } from './flight.ts'
import { createLru } from './lru.ts'
import type { Elapsed, Outage } from './outage.ts'

/** What a cache needs to know of its world. */
export interface CheckedCacheOptions<V> {
  readonly events: Pick<Events, 'isTrusted' | 'onDistrust'>
  readonly outage: Outage
  readonly elapsed: Elapsed
  /** How long an entry serves without proof while the database cannot be reached. */
  readonly staleMs: number
  readonly maxEntries: number
  /** Bound on the sum of `weigh`. Default: none. */
  readonly maxWeight?: number
  readonly weigh?: (value: V) => number
}

/** Reads a value from the database; undefined: there is none. */
export type Load<V> = () => Promise<V | undefined>

/** Values that are re-checked whenever a change may have been missed. */
export interface CheckedCache<V> {
  /**
   * The value, or undefined where there is none (which is not remembered). One load at a time for
   * each key.
   *
   * @throws {UnavailableError} UNAVAILABLE when the database cannot be reached and no entry is young
   *   enough to stand in.
   */
  get(key: string, load: Load<V>): Promise<V | undefined>
  /** Forgets the values that match, those of loads under way included. */
  drop(matches: Matches<V>): void
  size(): number
}

/** 250 ms: without events a use is at most this much older than the database. */
export const RECHECK_MS = 250

interface Entry<V> {
  readonly value: V
  /** Events could be trusted when it was read. */
  readonly isWatched: boolean
  /** The number of gaps in the events before it was read: after another one it proves nothing. */
  readonly epoch: number
  readonly checkedAt: number
  /** When it was last known to be true. */
  confirmedAt: number
}

/** An empty cache that listens to `events` for as long as they last. */
export function createCheckedCache<V>(options: CheckedCacheOptions<V>): CheckedCache<V> {
  const { events, outage, elapsed, staleMs, maxEntries } = options
  const { maxWeight = Number.POSITIVE_INFINITY, weigh = () => 0 } = options
  const entries = createLru<Entry<V>>(maxEntries, maxWeight)
  const flights = createFlights<V>()
  let epoch = 0

  events.onDistrust(() => {
    entries.forEach((entry) => {
      if (entry.isWatched && entry.epoch === epoch) entry.confirmedAt = elapsed()
    })
    epoch += 1
    // What is being read now may have been read before the gap ended.
    flights.forget()
  })

  async function ask(key: string, load: Load<V>): Promise<V | undefined> {
    if (!flights.has(key) && !outage.tryAsk()) throw unavailable()
    return await flights.join(key, async (isOutdated) => {
      const checkedAt = elapsed()
      const proof = { epoch, isWatched: events.isTrusted(), checkedAt, confirmedAt: checkedAt }
      const value = await answerOf(load, outage)
      if (value === undefined) entries.delete(key)
      else if (!isOutdated(value)) entries.set(key, { value, ...proof }, weigh(value))
      return value
    })
  }

  async function check(key: string, entry: Entry<V>, load: Load<V>): Promise<V | undefined> {
    const isYoungEnough = elapsed() - entry.confirmedAt <= staleMs
    if (outage.isSeen() && isYoungEnough) {
      // The database's silence must not slow calls down: ask beside them, not before them.
      void ask(key, load).catch(() => undefined)
      return entry.value
    }
    try {
      return await ask(key, load)
    } catch (error) {
      // Unless a change was told meanwhile: then what we hold is known to be wrong.
      if (error instanceof UnavailableError && isYoungEnough && entries.has(key)) return entry.value
      throw error
    }
  }

  return {
    async get(key, load) {
      const entry = entries.use(key)
      if (entry === undefined) return await ask(key, load)
      const isOfThisEpoch = entry.epoch === epoch
      if (isOfThisEpoch && entry.isWatched && events.isTrusted()) return entry.value
      if (isOfThisEpoch && elapsed() - entry.checkedAt < RECHECK_MS) return entry.value
      return await check(key, entry, load)
    },
    drop(matches) {
      entries.drop((entry) => matches(entry.value))
      flights.drop(matches)
    },
    size: () => entries.size(),
  }
}

async function answerOf<V>(load: Load<V>, outage: Outage): Promise<V | undefined> {
  try {
    const value = await load()
    outage.clear()
    return value
  } catch (error) {
    if (error instanceof UnavailableError) outage.note()
    throw error
  }
}

function unavailable(): UnavailableError {
  return new UnavailableError('The database cannot be reached; try again')
}

// Who may run now: a bounded number at once, at most half of the places for one tenant, the others
// in turn. A place cannot be taken back from a call that waits for its upstream, so the half that
// one tenant never gets is what keeps the others served.
import { BusyError } from './error.ts'

/** How a wait for a place ended. */
export type Entry = 'entered' | 'timeout' | 'cancelled'

/** Places for a bounded number of runs at once. */
export interface Admission {
  /**
   * `entered` as soon as there is a place, at once where one is free: then `leave` gives it back.
   * `timeout` after `timeoutMs` and `cancelled` when the signal aborts: then there is nothing to
   * give back.
   *
   * @throws {BusyError} BUSY when too many wait already.
   */
  readonly enter: (
    tenant: string,
    timeoutMs: number,
    signal?: AbortSignal,
  ) => Entry | Promise<Entry>
  /** Gives a place back; the next tenant's longest waiter gets it. */
  readonly leave: (tenant: string) => void
  /** How many run, and how many wait. */
  readonly count: () => { readonly running: number; readonly waiting: number }
}

/** `places` runs at once, of which one tenant gets half; `maxWaiting` may wait. */
export function createAdmission(places: number, maxWaiting: number): Admission {
  const tally = createTally(places)
  const line = createLine()
  return {
    enter(tenant, timeoutMs, signal) {
      if (signal?.aborted === true) return 'cancelled'
      if (tally.hasPlace(tenant)) {
        tally.take(tenant)
        return 'entered'
      }
      if (line.length() >= maxWaiting) {
        throw new BusyError('Too many calls are waiting; try again in a moment')
      }
      return wait(line, tenant, timeoutMs, signal)
    },
    leave(tenant) {
      tally.giveBack(tenant)
      const next = line.takeNext(tally.hasPlace)
      if (next === undefined) return
      tally.take(next.tenant)
      next.settle('entered')
    },
    count: () => ({ running: tally.total(), waiting: line.length() }),
  }
}

/** Who runs. */
interface Tally {
  readonly hasPlace: (tenant: string) => boolean
  readonly take: (tenant: string) => void
  readonly giveBack: (tenant: string) => void
  readonly total: () => number
}

function createTally(places: number): Tally {
  const share = Math.max(1, Math.floor(places / 2))
  const running = new Map<string, number>()
  let total = 0
  return {
    hasPlace: (tenant) => total < places && (running.get(tenant) ?? 0) < share,
    take(tenant) {
      total += 1
      running.set(tenant, (running.get(tenant) ?? 0) + 1)
    },
    giveBack(tenant) {
      total -= 1
      const left = (running.get(tenant) ?? 1) - 1
      if (left === 0) running.delete(tenant)
      else running.set(tenant, left)
    },
    total: () => total,
  }
}

interface Waiter {
  readonly tenant: string
  readonly settle: (entry: Entry) => void
}

/** Who waits. */
interface Line {
  readonly length: () => number
  readonly add: (waiter: Waiter) => void
  readonly remove: (waiter: Waiter) => void
  /** Takes out the longest waiter of the tenant, among those with a place, that was served longest ago. */
  readonly takeNext: (hasPlace: (tenant: string) => boolean) => Waiter | undefined
}

function createLine(): Line {
  // The tenant that was served longest ago stands first.
  const waiting = new Map<string, Set<Waiter>>()
  let length = 0
  const remove = (waiter: Waiter) => {
    const own = waiting.get(waiter.tenant)
    if (own?.delete(waiter) !== true) return
    length -= 1
    if (own.size === 0) waiting.delete(waiter.tenant)
  }
  return {
    length: () => length,
    add(waiter) {
      const own = waiting.get(waiter.tenant) ?? new Set()
      waiting.set(waiter.tenant, own.add(waiter))
      length += 1
    },
    remove,
    takeNext(hasPlace) {
      for (const [tenant, own] of waiting) {
        const [waiter] = own
        if (waiter === undefined || !hasPlace(tenant)) continue
        remove(waiter)
        // To the end of the round.
        if (own.size > 0 && waiting.delete(tenant)) waiting.set(tenant, own)
        return waiter
      }
      return undefined
    },
  }
}

function wait(
  line: Line,
  tenant: string,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<Entry> {
  return new Promise((resolve) => {
    const settle = (entry: Entry) => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
      line.remove(waiter)
      resolve(entry)
    }
    const waiter: Waiter = { tenant, settle }
    const onAbort = () => {
      settle('cancelled')
    }
    const timer = setTimeout(settle, timeoutMs, 'timeout')
    signal?.addEventListener('abort', onAbort, { once: true })
    line.add(waiter)
  })
}

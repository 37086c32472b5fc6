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
}

interface Waiter {
  readonly settle: (entry: Entry) => void
}

/** `places` runs at once, of which one tenant gets half; `maxWaiting` may wait. */
export function createAdmission(places: number, maxWaiting: number): Admission {
  const share = Math.max(1, Math.floor(places / 2))
  const running = new Map<string, number>()
  // The tenant that was served longest ago stands first.
  const waiting = new Map<string, Set<Waiter>>()
  let runningCount = 0
  let waitingCount = 0

  const hasPlace = (tenant: string) => runningCount < places && (running.get(tenant) ?? 0) < share

  const take = (tenant: string) => {
    runningCount += 1
    running.set(tenant, (running.get(tenant) ?? 0) + 1)
  }

  const remove = (tenant: string, waiter: Waiter) => {
    const line = waiting.get(tenant)
    if (line?.delete(waiter) !== true) return
    waitingCount -= 1
    if (line.size === 0) waiting.delete(tenant)
  }

  const admitNext = () => {
    for (const [tenant, line] of waiting) {
      const [waiter] = line
      if (waiter === undefined || !hasPlace(tenant)) continue
      remove(tenant, waiter)
      // To the end of the round.
      if (line.size > 0 && waiting.delete(tenant)) waiting.set(tenant, line)
      take(tenant)
      waiter.settle('entered')
      return
    }
  }

  const wait = (tenant: string, timeoutMs: number, signal: AbortSignal | undefined) =>
    new Promise<Entry>((resolve) => {
      const settle = (entry: Entry) => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', onAbort)
        remove(tenant, waiter)
        resolve(entry)
      }
      const waiter: Waiter = { settle }
      const onAbort = () => {
        settle('cancelled')
      }
      const timer = setTimeout(settle, timeoutMs, 'timeout')
      signal?.addEventListener('abort', onAbort, { once: true })
      const line = waiting.get(tenant) ?? new Set()
      waiting.set(tenant, line.add(waiter))
      waitingCount += 1
    })

  return {
    enter(tenant, timeoutMs, signal) {
      if (signal?.aborted === true) return 'cancelled'
      if (hasPlace(tenant)) {
        take(tenant)
        return 'entered'
      }
      if (waitingCount >= maxWaiting) {
        throw new BusyError('Too many calls are waiting; try again in a moment')
      }
      return wait(tenant, timeoutMs, signal)
    },
    leave(tenant) {
      runningCount -= 1
      const left = (running.get(tenant) ?? 1) - 1
      if (left === 0) running.delete(tenant)
      else running.set(tenant, left)
      admitNext()
    },
  }
}

// Which interceptors are off for a while because their processes had to be killed again and again: a
// kill costs everybody a process to boot, so it is made rare for whoever causes it.

/** Kills within the window after which an interceptor is off. */
export const QUARANTINE_KILLS = 5
/** The window in which they count. */
const WINDOW_MS = 60_000
/** How long it is off. */
const QUARANTINE_MS = 300_000
// Interceptors remembered; the one killed longest ago is forgotten first.
const MAX_REMEMBERED = 10_000

/** The kills of a short time, by interceptor. */
export interface Quarantine {
  /** Counts a kill. */
  readonly add: (interceptorId: string) => void
  /** Milliseconds until it may run again; 0: it may. */
  readonly leftMs: (interceptorId: string) => number
  /** Forgets its kills: it was edited. */
  readonly release: (interceptorId: string) => void
}

/** Nobody is in quarantine yet. `now` is in milliseconds and never goes back. */
export function createQuarantine(now: () => number): Quarantine {
  const killed = new Map<string, { readonly kills: readonly number[]; readonly until: number }>()
  return {
    add(interceptorId) {
      const at = now()
      const before = killed.get(interceptorId)
      const kills = [...(before?.kills ?? []), at].filter((kill) => kill > at - WINDOW_MS)
      const isOver = kills.length >= QUARANTINE_KILLS
      killed.delete(interceptorId)
      killed.set(interceptorId, {
        kills: isOver ? [] : kills,
        until: isOver ? at + QUARANTINE_MS : (before?.until ?? 0),
      })
      const [oldest] = killed.keys()
      if (killed.size > MAX_REMEMBERED && oldest !== undefined) killed.delete(oldest)
    },
    leftMs: (interceptorId) => Math.max(0, (killed.get(interceptorId)?.until ?? 0) - now()),
    release(interceptorId) {
      killed.delete(interceptorId)
    },
  }
}

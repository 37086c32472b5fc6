// What all caches in front of one database know about its silence: one of them finds out, and none
// of the others waits for the same time-out again.

/** Milliseconds that only go forward: a corrected wall clock must not make an entry young again. */
export type Elapsed = () => number

/** Whether the database was found away a moment ago, so that not every call finds out anew. */
export interface Outage {
  /** The last question was not answered. */
  isSeen(): boolean
  /** Whether to ask now; during an outage true reserves the next {@link ASK_AGAIN_MS} for the caller. */
  tryAsk(): boolean
  /** A question was not answered. */
  note(): void
  /** A question was answered, or there is reason to think that one would be. */
  clear(): void
}

/** 1 s: a database that is down is asked once a second, whatever the traffic. */
export const ASK_AGAIN_MS = 1_000

/** Starts with no outage seen. */
export function createOutage(elapsed: Elapsed): Outage {
  let isSeen = false
  let askAt = 0
  return {
    isSeen: () => isSeen,
    tryAsk() {
      if (!isSeen) return true
      if (elapsed() < askAt) return false
      askAt = elapsed() + ASK_AGAIN_MS
      return true
    },
    note() {
      isSeen = true
      askAt = elapsed() + ASK_AGAIN_MS
    },
    clear() {
      isSeen = false
    },
  }
}

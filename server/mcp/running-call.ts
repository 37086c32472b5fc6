// The legacy era's calls that run now, so that notifications/cancelled can end one. Without a session
// an id is only unique to a client, and two clients may share a token: where an id is running twice
// the notification is ignored, as the specification allows, rather than hitting a stranger's call.
import type { RequestId } from './json-rpc.ts'

/** The legacy era's calls that a notification may cancel. */
export interface RunningCalls {
  /** Registers a call; its signal aborts when `outer` does or when it is cancelled. */
  start(scope: string, id: RequestId, outer: AbortSignal): RunningCall
  /** Aborts the call with that id; false when none is known, or more than one. */
  cancel(scope: string, id: RequestId): boolean
}

/** One of them, while it runs. */
export interface RunningCall {
  readonly signal: AbortSignal
  /** To be called when the call has ended, however it did. */
  end(): void
}

// Far above what the threads run and queue at once; beyond it calls run, but cannot be cancelled so.
const MAX_RUNNING_CALLS = 10_000

/** None running. */
export function createRunningCalls(): RunningCalls {
  const running = new Map<string, Set<AbortController>>()
  return {
    start(scope, id, outer) {
      const controller = new AbortController()
      const abort = (): void => {
        controller.abort()
      }
      if (outer.aborted) abort()
      outer.addEventListener('abort', abort, { once: true })
      const key = keyOf(scope, id)
      if (running.size < MAX_RUNNING_CALLS) {
        const same = running.get(key) ?? new Set()
        running.set(key, same.add(controller))
      }
      return {
        signal: controller.signal,
        end() {
          outer.removeEventListener('abort', abort)
          const same = running.get(key)
          same?.delete(controller)
          if (same?.size === 0) running.delete(key)
        },
      }
    },
    cancel(scope, id) {
      const same = running.get(keyOf(scope, id))
      if (same?.size !== 1) return false
      for (const controller of same) controller.abort()
      return true
    },
  }
}

/** "1" and 1 are different ids. */
function keyOf(scope: string, id: RequestId): string {
  return `${scope} ${JSON.stringify(id)}`
}

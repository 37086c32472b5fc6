// The calls that threads have now. Every thread hears every cancellation: the main thread does not
// know which of them has a call.
import { BroadcastChannel } from 'node:worker_threads'
import type { CancelMessage } from './messages.ts'

/** The calls that threads have, by their numbers. */
export interface RunningCalls {
  readonly add: () => number
  readonly has: (callId: number) => boolean
  readonly remove: (callId: number) => void
  readonly cancel: (callId: number) => void
  readonly cancelAll: () => void
  readonly close: () => void
}

/** None yet; threads listen on the channel of that name. */
export function createRunningCalls(channel: string): RunningCalls {
  const cancels = new BroadcastChannel(channel)
  const running = new Set<number>()
  let lastCallId = 0
  const cancel = (callId: number) => {
    running.delete(callId)
    cancels.postMessage({ type: 'cancel', callId } satisfies CancelMessage)
  }
  return {
    add() {
      running.add(++lastCallId)
      return lastCallId
    },
    has: (callId) => running.has(callId),
    remove: (callId) => running.delete(callId),
    cancel,
    cancelAll() {
      for (const callId of running) cancel(callId)
    },
    close() {
      cancels.close()
    },
  }
}

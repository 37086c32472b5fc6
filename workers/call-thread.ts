// A thread of the pool that runs calls, many at once. Piscina imports this file and calls its
// default export for each task.
import { BroadcastChannel, isMainThread, workerData } from 'node:worker_threads'
import { move, transferableSymbol, valueSymbol } from 'piscina'
import { callTool } from './call/call-tool.ts'
import type { CallOutcome, CallTask, CancelMessage } from './messages.ts'

/** A cancelled call can wait in the pool's queue (1,024) or be sent a second time. */
const MAX_CANCELLED = 4_096

const running = new Map<number, AbortController>()

// Every thread hears every cancellation, and may hear it before the task it is about.
const cancelled = new Set<number>()

listenForCancels(workerData)

/**
 * The outcome of a call; a call that was cancelled before it began is CANCELLED. In a pool's thread
 * its `members` are transferred, so that a body crosses without a copy.
 */
export default async function run(task: CallTask): Promise<CallOutcome> {
  const { callId } = task
  const controller = new AbortController()
  if (cancelled.delete(callId)) controller.abort()
  running.set(callId, controller)
  try {
    const outcome = await callTool(task, controller.signal)
    return outcome.type === 'result' && !isMainThread ? moveMembers(outcome) : outcome
  } finally {
    running.delete(callId)
  }
}

/** Aborts the call, now or when it comes. */
export function cancel({ callId }: CancelMessage): void {
  const controller = running.get(callId)
  if (controller !== undefined) return controller.abort()
  cancelled.add(callId)
  const [oldest] = cancelled
  if (cancelled.size > MAX_CANCELLED && oldest !== undefined) cancelled.delete(oldest)
}

function listenForCancels(data: unknown): void {
  if (typeof data !== 'object' || data === null || !('channel' in data)) return
  const channel = new BroadcastChannel(String(data.channel))
  channel.onmessage = (event) => cancel((event as { data: CancelMessage }).data)
  channel.unref()
}

/** Piscina's way to say what of a result is transferred; its caller sees the outcome alone. */
function moveMembers(outcome: Extract<CallOutcome, { type: 'result' }>): CallOutcome {
  const parcel = { [transferableSymbol]: outcome.members.buffer, [valueSymbol]: outcome }
  return move(parcel as unknown as ArrayBuffer) as unknown as CallOutcome
}

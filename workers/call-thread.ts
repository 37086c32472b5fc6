// A thread of the pool that runs calls, many at once. Piscina imports this file and calls its
// default export for each task.
import {
  BroadcastChannel,
  isMainThread,
  MessageChannel,
  type MessagePort,
  workerData,
} from 'node:worker_threads'
import { move, transferableSymbol, valueSymbol } from 'piscina'
import { callTool, type RunInterceptor } from './call/call-tool.ts'
import type { CallOutcome, CallTask, CancelMessage, FetchOutcome, FetchTask } from './messages.ts'
import { fetchDocument } from './openapi/fetch-document.ts'
import { toRefusal } from './openapi/import-error.ts'
import { createSandboxClient } from './sandbox/attach-port.ts'

/** A cancellation can overtake the call that it is about. */
const MAX_CANCELLED = 4_096

const running = new Map<number, AbortController>()

// Every thread hears every cancellation, and may hear it before the task it is about.
const cancelled = new Set<number>()

listenForCancels(workerData)

/**
 * The outcome of a call, or a document; a call that was cancelled before it began is CANCELLED. In a
 * pool's thread bodies are transferred, so that they cross without a copy.
 */
export default async function run(task: CallTask): Promise<CallOutcome>
export default async function run(task: FetchTask): Promise<FetchOutcome>
export default async function run(task: CallTask | FetchTask): Promise<CallOutcome | FetchOutcome> {
  const outcome = task.type === 'call' ? await runCall(task) : await runFetch(task)
  if (isMainThread) return outcome
  if (outcome.type === 'result') return transfer(outcome, outcome.members.buffer)
  if (outcome.type === 'needs-sandbox') return transfer(outcome, outcome.port)
  return outcome.type === 'fetched' ? transfer(outcome, outcome.bytes.buffer) : outcome
}

let runInterceptor: RunInterceptor | undefined

async function runCall(task: CallTask): Promise<CallOutcome> {
  const { callId, interception } = task
  if (interception !== undefined && runInterceptor === undefined) {
    const { port1, port2 } = new MessageChannel()
    runInterceptor = createSandboxClient(port1).run
    return { type: 'needs-sandbox', port: port2 }
  }
  const controller = new AbortController()
  if (cancelled.delete(callId)) controller.abort()
  running.set(callId, controller)
  try {
    return await callTool(task, controller.signal, runInterceptor)
  } finally {
    running.delete(callId)
  }
}

async function runFetch({ url, egressAllow }: FetchTask): Promise<FetchOutcome> {
  try {
    // A copy on a buffer of its own: what came may be a part of a pool.
    return { type: 'fetched', bytes: Uint8Array.from(await fetchDocument(url, egressAllow)) }
  } catch (error) {
    return toRefusal(error)
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
function transfer<T>(outcome: T, part: ArrayBuffer | MessagePort): T {
  const parcel = { [transferableSymbol]: part, [valueSymbol]: outcome }
  return move(parcel as unknown as ArrayBuffer) as unknown as T
}

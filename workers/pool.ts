// The main thread's side of the workers: two Piscina pools, one for calls (they mostly wait, so a
// thread runs many at once) and one for imports (they burn CPU, so each has a thread to itself and
// a large document never delays a call).
import { randomUUID } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { BroadcastChannel } from 'node:worker_threads'
import { Piscina } from 'piscina'
import type { CallOutcome, CallTask, CancelMessage, ImportOutcome, ImportTask } from './messages.ts'

/** A call as its caller knows it: what the pool adds is its number, the egress rules and the definition. */
export interface Call extends Omit<CallTask, 'type' | 'callId' | 'definition' | 'egressAllow'> {
  /** JSON text of the tool's definition, sent only to a thread that has not seen it. */
  readonly definition: string
  /** Aborting it aborts the upstream request. */
  readonly signal?: AbortSignal
}

/** The outcome of a call that a thread knew the tool of. */
export type CallResult = Extract<CallOutcome, { type: 'result' }>

/** Every slot and every place in the queue is taken: ask again later. */
export class BusyError extends Error {
  readonly code = 'BUSY'
}

/** What differs between installations. */
export interface PoolOptions {
  /** Threads for calls. Default: one less than the processors, at least 1, at most 4. */
  readonly callThreads?: number
  /** `EGRESS_ALLOW` as configured. */
  readonly egressAllow?: string
}

/** The worker threads, as the main thread uses them. */
export interface Pool {
  /**
   * The upstream's answer, or the failure, as the members of an MCP result; it rejects only where a
   * thread died or no place is free.
   *
   * @throws {BusyError} BUSY when {@link MAX_QUEUED_CALLS} calls wait already.
   */
  readonly call: (call: Call) => Promise<CallResult>
  /** The tools of a document. Bytes are transferred: the caller cannot read them afterwards. */
  readonly import: (source: ImportTask['source']) => Promise<ImportOutcome>
  /** Adds entries to `EGRESS_ALLOW` for all later calls and imports. */
  readonly allowEgress: (entries: string) => void
  /** Aborts every running call; each ends with the failure `CANCELLED`. */
  readonly cancelAll: () => void
  /** Ends the threads. Calls still running reject. */
  readonly close: () => Promise<void>
}

// A call waits for its upstream most of the time: measured throughput is flat from 32 to 256 per thread.
const CALLS_PER_THREAD = 128
/** Calls that may wait for a thread before new ones are refused with BUSY. */
export const MAX_QUEUED_CALLS = 1024
const MAX_QUEUED_IMPORTS = 16
const MAX_DEFAULT_CALL_THREADS = 4
// An import's thread holds a parsed document of up to 32 MiB; it is given back soon after.
const IMPORT_IDLE_MS = 5_000
// The slowest hostile document within the import's own bounds took 5 s on a busy machine, its fetch at most 30 s.
const IMPORT_TIMEOUT_MS = 60_000
// Twice what the largest document within the bounds was estimated to need.
const IMPORT_HEAP_MIB = 768

/** Starts the threads. Import threads start with the first import. */
export function createPool(options: PoolOptions = {}): Pool {
  const channel = `hasmcp-${randomUUID()}`
  const calls = startCallThreads(channel, options.callThreads)
  const imports = startImportThreads()
  const cancels = new BroadcastChannel(channel)
  const running = new Set<number>()
  let egressAllow = options.egressAllow ?? ''
  let lastCallId = 0

  const cancel = (callId: number) => {
    cancels.postMessage({ type: 'cancel', callId } satisfies CancelMessage)
  }
  return {
    async call({ signal, definition, ...call }) {
      const callId = ++lastCallId
      const task: CallTask = { type: 'call', callId, egressAllow, ...call }
      const onAbort = () => {
        cancel(callId)
      }
      running.add(callId)
      signal?.addEventListener('abort', onAbort, { once: true })
      try {
        return await runCall(calls, task, definition)
      } finally {
        running.delete(callId)
        signal?.removeEventListener('abort', onAbort)
      }
    },
    import: (source) => runImport(imports, { type: 'import', source, egressAllow }),
    allowEgress(entries) {
      egressAllow = egressAllow === '' ? entries : `${egressAllow},${entries}`
    },
    cancelAll() {
      for (const callId of running) cancel(callId)
    },
    async close() {
      cancels.close()
      await Promise.all([calls.destroy(), imports.destroy()])
    },
  }
}

type CallThreads = Piscina<CallTask, CallOutcome>
type ImportThreads = Piscina<ImportTask, ImportOutcome>

function startCallThreads(channel: string, count: number | undefined): CallThreads {
  const spare = Math.max(1, availableParallelism() - 1)
  const threads = count ?? Math.min(MAX_DEFAULT_CALL_THREADS, spare)
  return new Piscina({
    filename: new URL('./call-thread.ts', import.meta.url).href,
    minThreads: threads,
    maxThreads: threads,
    concurrentTasksPerWorker: CALLS_PER_THREAD,
    maxQueue: MAX_QUEUED_CALLS,
    // Piscina's default makes an idle thread sleep in Atomics.wait: it would not see that an
    // upstream closed a kept-alive socket, and would send the next call into it.
    atomics: 'disabled',
    recordTiming: false,
    env: {},
    workerData: { channel },
  })
}

function startImportThreads(): ImportThreads {
  return new Piscina({
    filename: new URL('./import-thread.ts', import.meta.url).href,
    minThreads: 0,
    maxThreads: 1,
    idleTimeout: IMPORT_IDLE_MS,
    maxQueue: MAX_QUEUED_IMPORTS,
    recordTiming: false,
    resourceLimits: { maxOldGenerationSizeMb: IMPORT_HEAP_MIB },
    env: {},
  })
}

/** Most threads know most definitions: its text is sent only to one that says it does not. */
async function runCall(
  threads: CallThreads,
  task: CallTask,
  definition: string,
): Promise<CallResult> {
  const outcome = await orBusy(threads.run(task))
  if (outcome.type === 'result') return outcome
  const told = await orBusy(threads.run({ ...task, definition }))
  if (told.type === 'result') return told
  throw new Error('A thread does not know a definition that it was just given')
}

async function runImport(threads: ImportThreads, task: ImportTask): Promise<ImportOutcome> {
  const signal = AbortSignal.timeout(IMPORT_TIMEOUT_MS)
  // Piscina's types take the wrong overload of Node 26's postMessage: a list is what it wants.
  const transferList = (task.source.type === 'bytes' ? [task.source.bytes.buffer] : []) as object
  try {
    return await orBusy(threads.run(task, { transferList, signal }))
  } catch (error) {
    if (!signal.aborted && !isOutOfMemory(error)) throw error
    const message = `Reading the document takes more than ${IMPORT_TIMEOUT_MS / 1000} s or ${IMPORT_HEAP_MIB} MiB: it is too large or too entangled`
    return { type: 'refused', code: 'DOCUMENT_TOO_LARGE', message }
  }
}

/** Piscina tells a full queue only by its message. */
async function orBusy<T>(result: Promise<T>): Promise<T> {
  try {
    return await result
  } catch (error) {
    if (error instanceof Error && error.message === 'Task queue is at limit') {
      throw new BusyError('Too many calls are waiting; try again in a moment', { cause: error })
    }
    throw error
  }
}

function isOutOfMemory(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY'
}

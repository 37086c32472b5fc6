// The main thread's side of the workers: two Piscina pools, one for what mostly waits (calls and
// the fetching of documents, many at once in a thread) and one for imports (they burn CPU, so a
// large document never delays a call). Who waits for a place waits here, where a time-out, a
// cancellation and other tenants can still be heeded.
import { randomUUID } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { MessageChannel, receiveMessageOnPort, type MessagePort } from 'node:worker_threads'
import { Piscina } from 'piscina'
import { createAdmission, type Entry } from './admission.ts'
import { BusyError } from './error.ts'
import { shapeError } from './call/shape-result.ts'
import type {
  CallOutcome,
  CallProgress,
  CallTask,
  DocumentSource,
  FetchOutcome,
  FetchTask,
  ImportOutcome,
  ImportRefusal,
  ImportTask,
} from './messages.ts'
import { createRunningCalls, type RunningCalls } from './running-calls.ts'
import type { Sandbox } from './sandbox/supervisor.ts'
import { createScripts, type Script } from './script.ts'

/** A call as its caller knows it: what the pool adds is its number, the egress rules and the definition. */
export interface Call extends Omit<
  CallTask,
  'type' | 'callId' | 'definition' | 'egressAllow' | 'partition' | 'progressPort'
> {
  /** Whose call it is: tenants share neither places beyond their half nor connections. */
  readonly accountId: string
  /** JSON text of the tool's definition, sent only to a thread that has not seen it. */
  readonly definition: string
  /** Of its interceptors. Default: none. */
  readonly scripts?: readonly Script[]
  /** Aborting it aborts the upstream request. */
  readonly signal?: AbortSignal
  /** Told what the upstream says while it streams its answer. */
  readonly onProgress?: ((progress: CallProgress) => void) | undefined
}

/** The outcome of a call that a thread knew the tool of. */
export type CallResult = Extract<CallOutcome, { type: 'result' }>

/** What differs between installations. */
export interface PoolOptions {
  /** Threads for calls. Default: one less than the processors, at least 1, at most 4. */
  readonly callThreads?: number
  /** `EGRESS_ALLOW` as configured. */
  readonly egressAllow?: string
  /** Runs the interceptors of calls; without it, calls with interceptors reject. */
  readonly sandbox?: Pick<Sandbox, 'attach'>
}

/** The worker threads, as the main thread uses them. */
export interface Pool {
  /**
   * The upstream's answer, or the failure, as the members of an MCP result; `timeoutMs` includes the
   * wait for a place. It rejects only where a thread died or too many wait.
   *
   * @throws {BusyError} BUSY when {@link MAX_WAITING_CALLS} calls wait already.
   */
  readonly call: (call: Call) => Promise<CallResult>
  /**
   * The tools of a document. Bytes are transferred: the caller cannot read them afterwards. One
   * account's imports run one after another.
   *
   * @throws {BusyError} BUSY when {@link MAX_WAITING_IMPORTS} imports wait already.
   */
  readonly import: (source: DocumentSource, accountId: string) => Promise<ImportOutcome>
  /** Adds entries to `EGRESS_ALLOW` for all later calls and imports. */
  readonly allowEgress: (entries: string) => void
  /** How many calls run and how many wait for a place. */
  readonly countCalls: () => { readonly running: number; readonly waiting: number }
  /** Aborts every running call; each ends with the failure `CANCELLED`. */
  readonly cancelAll: () => void
  /** Ends the threads. Calls still running reject. */
  readonly close: () => Promise<void>
}

// A call waits for its upstream most of the time: measured throughput is flat from 32 on.
const CALLS_PER_THREAD = 512
/** Calls that may wait for a place before new ones are refused with BUSY. */
export const MAX_WAITING_CALLS = 1024
/** Imports that may wait for their turn before new ones are refused with BUSY. */
export const MAX_WAITING_IMPORTS = 16
// One tenant gets half of the places: one import each.
const IMPORT_PLACES = 2
// An hour's worth of nothing helps nobody: longer than the imports that may be before it take.
const IMPORT_WAIT_MS = 120_000
const MAX_DEFAULT_CALL_THREADS = 4
// Once for the definition, and once to run.
const MAX_TOLD = 2
// An import's thread holds a parsed document of up to 32 MiB; it is given back soon after.
const IMPORT_IDLE_MS = 5_000
// The slowest hostile document within the import's own bounds took 5 s on a busy machine; another
// one may be read beside it.
const IMPORT_TIMEOUT_MS = 60_000
// Twice what the largest document within the bounds was estimated to need.
const IMPORT_HEAP_MIB = 768

/** Starts the threads. Import threads start with the first import. */
export function createPool(options: PoolOptions = {}): Pool {
  const channel = `hasmcp-${randomUUID()}`
  const threads = startCallThreads(channel, options.callThreads)
  const imports = startImportThreads()
  const running = createRunningCalls(channel)
  const callPlaces = createAdmission(threads.maxThreads * CALLS_PER_THREAD, MAX_WAITING_CALLS)
  const importPlaces = createAdmission(IMPORT_PLACES, MAX_WAITING_IMPORTS)
  const scripts = createScripts()
  const attach = (port: MessagePort) => options.sandbox?.attach(port, scripts.find)
  const deps: CallDeps = { threads, running, attach }
  let egressAllow = options.egressAllow ?? ''
  return {
    async call(call) {
      const { accountId, timeoutMs, signal } = call
      const startedAt = performance.now()
      const entry = callPlaces.enter(accountId, timeoutMs, signal)
      const entered = typeof entry === 'string' ? entry : await entry
      if (entered !== 'entered') return describeWait(entered, timeoutMs)
      const waitedMs = typeof entry === 'string' ? 0 : Math.round(performance.now() - startedAt)
      scripts.add(call.scripts)
      try {
        const leftMs = Math.max(1, timeoutMs - waitedMs)
        return await runCall(deps, egressAllow, { ...call, timeoutMs: leftMs })
      } finally {
        scripts.remove(call.scripts)
        callPlaces.leave(accountId)
      }
    },
    async import(source, accountId) {
      const entered = await importPlaces.enter(accountId, IMPORT_WAIT_MS)
      if (entered !== 'entered') {
        throw new BusyError('Too many imports are waiting; try again in a minute')
      }
      try {
        const fetched = await openSource(threads, source, egressAllow)
        return fetched.type === 'refused' ? fetched : await runImport(imports, fetched.bytes)
      } finally {
        importPlaces.leave(accountId)
      }
    },
    allowEgress(entries) {
      egressAllow = egressAllow === '' ? entries : `${egressAllow},${entries}`
    },
    countCalls: callPlaces.count,
    cancelAll: running.cancelAll,
    async close() {
      running.close()
      await Promise.all([threads.destroy(), imports.destroy()])
    },
  }
}

type CallThreads = Piscina<CallTask | FetchTask, CallOutcome | FetchOutcome>
type ImportThreads = Piscina<ImportTask, ImportOutcome>

function startCallThreads(channel: string, count: number | undefined): CallThreads {
  const spare = Math.max(1, availableParallelism() - 1)
  const threads = count ?? Math.min(MAX_DEFAULT_CALL_THREADS, spare)
  return new Piscina({
    filename: new URL('./call-thread.ts', import.meta.url).href,
    minThreads: threads,
    maxThreads: threads,
    // More than there are places, so that nothing waits in there: documents are fetched as well.
    concurrentTasksPerWorker: CALLS_PER_THREAD + IMPORT_PLACES,
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
    maxThreads: IMPORT_PLACES,
    idleTimeout: IMPORT_IDLE_MS,
    recordTiming: false,
    resourceLimits: { maxOldGenerationSizeMb: IMPORT_HEAP_MIB },
    env: {},
  })
}

interface CallDeps {
  readonly threads: CallThreads
  readonly running: RunningCalls
  readonly attach: (port: MessagePort) => void
}

async function runCall(
  { threads, running, attach }: CallDeps,
  egressAllow: string,
  { signal, definition, accountId, scripts: _scripts, onProgress, ...rest }: Call,
): Promise<CallResult> {
  const callId = running.add()
  let task: CallTask = { type: 'call', callId, egressAllow, partition: accountId, ...rest }
  const onAbort = () => {
    running.cancel(callId)
  }
  signal?.addEventListener('abort', onAbort, { once: true })
  try {
    // A thread may lack the definition, and a way to the sandbox; the next attempt may be another's.
    for (let attempt = 0; attempt < threads.maxThreads + MAX_TOLD; attempt += 1) {
      const outcome = await runTask(threads, task, onProgress)
      if (outcome.type === 'result') return outcome
      if (outcome.type === 'needs-sandbox') attach(outcome.port)
      // Most threads know most definitions: the text is sent only to one that says it does not.
      if (outcome.type === 'unknown-definition') task = { ...task, definition }
      // The cancellation was spent on this attempt.
      if (!running.has(callId)) return describeWait('cancelled', task.timeoutMs)
    }
    throw new Error('A thread does not know what it was just told')
  } finally {
    running.remove(callId)
    signal?.removeEventListener('abort', onAbort)
  }
}

/** With a port of its own for what the upstream says, where somebody wants to know. */
async function runTask(
  threads: CallThreads,
  task: CallTask,
  onProgress: Call['onProgress'],
): Promise<CallOutcome> {
  if (onProgress === undefined) return (await threads.run(task)) as CallOutcome
  const { port1, port2 } = new MessageChannel()
  port1.on('message', onProgress)
  try {
    // Piscina types the list as what `postMessage` takes in its place in newer types of Node's.
    const transferList = [port2] as never
    return (await threads.run({ ...task, progressPort: port2 }, { transferList })) as CallOutcome
  } finally {
    // The outcome took another way, and may have overtaken what was said before it.
    for (let said = receiveMessageOnPort(port1); said; said = receiveMessageOnPort(port1)) {
      onProgress(said.message as CallProgress)
    }
    port1.close()
  }
}

/** A call that ended before any thread had it. */
function describeWait(entry: Exclude<Entry, 'entered'>, timeoutMs: number): CallResult {
  const isTimeout = entry === 'timeout'
  const text = isTimeout
    ? `The call waited ${timeoutMs} ms for a free place; nothing was sent to the upstream`
    : 'The call was cancelled; nothing was sent to the upstream'
  const failure = isTimeout ? 'UPSTREAM_TIMEOUT' : 'CANCELLED'
  return { type: 'result', ...shapeError(text), failure, responseBytes: 0 }
}

async function openSource(
  threads: CallThreads,
  source: DocumentSource,
  egressAllow: string,
): Promise<DocumentBytes | ImportRefusal> {
  if (source.type === 'bytes') return source
  const outcome = await threads.run({ type: 'fetch', url: source.url, egressAllow })
  if (outcome.type === 'fetched' || outcome.type === 'refused') return outcome
  throw new Error('A thread took a document for a call')
}

type DocumentBytes = Exclude<DocumentSource | FetchOutcome, { type: 'url' | 'refused' }>

async function runImport(
  threads: ImportThreads,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<ImportOutcome> {
  const signal = AbortSignal.timeout(IMPORT_TIMEOUT_MS)
  // Piscina's types take the wrong overload of Node 26's postMessage: a list is what it wants.
  const transferList = [bytes.buffer] as object
  try {
    return await threads.run({ type: 'import', bytes }, { transferList, signal })
  } catch (error) {
    if (!signal.aborted && !isOutOfMemory(error)) throw error
    const message = `Reading the document takes more than ${IMPORT_TIMEOUT_MS / 1000} s or ${IMPORT_HEAP_MIB} MiB: it is too large or too entangled`
    return { type: 'refused', code: 'DOCUMENT_TOO_LARGE', message }
  }
}

function isOutOfMemory(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY'
}

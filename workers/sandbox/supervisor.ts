// Owns the sandbox processes, on the main thread: who runs where, who waits, who is killed. A guest
// can always ruin its own process, so nothing but its own run may depend on that process.
import { availableParallelism } from 'node:os'
import type { MessagePort } from 'node:worker_threads'
import { attachPort, type FindCode } from './attach-port.ts'
import type { Cause, Death } from './child.ts'
import { createFleet, type Fleet } from './fleet.ts'
import { MAX_PAYLOAD_BYTES, type Engine, type SandboxJob, type SandboxOutcome } from './messages.ts'
import { createQuarantine, type Quarantine } from './quarantine.ts'
import { createQueue, type Queue, type Ticket } from './queue.ts'
import { checkTicket, describeDeath, failed, runTicket } from './ticket.ts'

/** What differs between installations; every limit has a default. */
export interface SandboxOptions {
  /** The program and its arguments that speak the frames of messages.ts; see `sandboxCommand`. */
  readonly command: readonly string[]
  /** Processes that run at once. Default: the processors, at least 2. */
  readonly slots?: number
  /** CPU time after which the engine interrupts a guest by itself. */
  readonly softCpuMs?: number
  /** CPU time after which the process is killed. */
  readonly hardCpuMs?: number
  /** Time on the wall after which a process that sleeps or stands still is killed. */
  readonly wallMs?: number
  /** Of the engine's heap. */
  readonly memoryBytes?: number
  /** Of the whole process: above it, it is killed. */
  readonly rssBytes?: number
  /** How long a run waits to begin before it is INTERCEPTOR_BUSY. */
  readonly queueMs?: number
  /** Milliseconds of a clock that never goes back. */
  readonly now?: () => number
  /** For the operator; it never holds a payload. */
  readonly onLog?: (message: string) => void
}

/** Counters since the start, and what is there now. */
export interface SandboxStats {
  readonly runs: number
  /** Processes that ended while they were in use, by cause. */
  readonly kills: Readonly<Record<Cause, number>>
  readonly waiting: number
  readonly executing: number
  /** Ready processes, spares included. */
  readonly children: number
}

/** The sandbox, as the main thread uses it. */
export interface Sandbox {
  /** Boots the processes ahead of the first run. */
  readonly warm: () => void
  /** How the run ended; it never rejects. Aborting the signal gives CANCELLED at once. */
  readonly run: (job: SandboxJob, signal?: AbortSignal) => Promise<SandboxOutcome>
  /** `done` with no output, or INTERCEPTOR_INVALID with a position. */
  readonly check: (engine: Engine, code: string, accountId: string) => Promise<SandboxOutcome>
  /** Takes jobs from a thread until the port closes; see `createSandboxClient` for its other end. */
  readonly attach: (port: MessagePort, findCode: FindCode) => void
  /** Milliseconds for which the interceptor is still off; 0: it runs. */
  readonly quarantineOf: (interceptorId: string) => number
  /** Ends its quarantine: it was edited. */
  readonly release: (interceptorId: string) => void
  readonly stats: () => SandboxStats
  /** Kills every process; runs under way are INTERCEPTOR_BUSY. Resolves when they are gone. */
  readonly close: () => Promise<void>
}

const MIN_SLOTS = 2
const DEFAULT_SOFT_CPU_MS = 100
const DEFAULT_HARD_CPU_MS = 250
const WALL_MS = 1_000
const DEFAULT_MEMORY_BYTES = 16 * 1024 * 1024
const DEFAULT_RSS_BYTES = 200 * 1024 * 1024
const QUEUE_MS = 10_000
/** Runs that may wait, half of them one tenant's. */
const MAX_WAITING_RUNS = 1_024
const POLL_MS = 20

/** What the parts of one sandbox share. */
interface State {
  readonly queue: Queue
  readonly quarantine: Quarantine
  readonly fleet: Fleet
  readonly now: () => number
  readonly limits: Limits
  readonly kills: Record<Cause, number>
  /** Not yet settled. */
  readonly open: Set<Ticket>
  runs: number
  lastRunId: number
  isClosed: boolean
  timer: NodeJS.Timeout | undefined
}

interface Limits {
  readonly softCpuMs: number
  readonly hardCpuMs: number
  readonly wallMs: number
  readonly memoryBytes: number
  readonly rssBytes: number
  readonly queueMs: number
  readonly maxOutputBytes: number
}

/** A sandbox without a process: the first run, or `warm`, boots them. */
export function createSandbox(options: SandboxOptions): Sandbox {
  const state = createState(options)
  const run = (job: SandboxJob, signal?: AbortSignal) => runJob(state, job, signal)
  return {
    warm: state.fleet.boot,
    run,
    check: (engine, code, accountId) =>
      submit(state, (context) => checkTicket(engine, code, accountId, context)),
    attach(port, findCode) {
      attachPort(port, run, findCode)
    },
    quarantineOf: state.quarantine.leftMs,
    release: state.quarantine.release,
    stats: () => ({
      runs: state.runs,
      kills: { ...state.kills },
      waiting: state.queue.length(),
      executing: state.fleet.executing(),
      children: state.fleet.ready(),
    }),
    async close() {
      state.isClosed = true
      clearInterval(state.timer)
      for (const ticket of state.open)
        ticket.settle(failed('INTERCEPTOR_BUSY', `${ticket.subject}: the sandbox is closing`))
      await state.fleet.close()
    },
  }
}

function createState(options: SandboxOptions): State {
  const now = options.now ?? (() => performance.now())
  const limits: Limits = {
    softCpuMs: options.softCpuMs ?? DEFAULT_SOFT_CPU_MS,
    hardCpuMs: options.hardCpuMs ?? DEFAULT_HARD_CPU_MS,
    wallMs: options.wallMs ?? WALL_MS,
    memoryBytes: options.memoryBytes ?? DEFAULT_MEMORY_BYTES,
    rssBytes: options.rssBytes ?? DEFAULT_RSS_BYTES,
    queueMs: options.queueMs ?? QUEUE_MS,
    maxOutputBytes: MAX_PAYLOAD_BYTES,
  }
  const queue = createQueue()
  const fleet = createFleet({
    command: options.command,
    slots: options.slots ?? Math.max(MIN_SLOTS, availableParallelism()),
    limits,
    now,
    onLog: options.onLog ?? (() => {}),
    onFree: () => dispatch(state),
    onDeath: (death) => bury(state, death),
  })
  const kills = { cpu: 0, wall: 0, memory: 0, protocol: 0, exit: 0, close: 0 }
  const state: State = {
    queue,
    quarantine: createQuarantine(now),
    fleet,
    now,
    limits,
    kills,
    open: new Set(),
    runs: 0,
    lastRunId: 0,
    isClosed: false,
    timer: undefined,
  }
  return state
}

async function runJob(
  state: State,
  job: SandboxJob,
  signal: AbortSignal | undefined,
): Promise<SandboxOutcome> {
  const subject = `Interceptor ${JSON.stringify(job.interceptorName)}`
  if (signal?.aborted === true) return failed('CANCELLED', `${subject} was cancelled`)
  const bytes = typeof job.input === 'string' ? Buffer.byteLength(job.input) : job.input.length
  if (bytes > MAX_PAYLOAD_BYTES)
    return failed(
      'INTERCEPTOR_INPUT',
      `${subject} was not run: its input has ${bytes} bytes, the limit is ${MAX_PAYLOAD_BYTES}`,
    )
  return await submit(state, (context) => runTicket(job, context), signal)
}

function submit(
  state: State,
  create: (context: Parameters<typeof runTicket>[1]) => Ticket,
  signal?: AbortSignal,
): Promise<SandboxOutcome> {
  return new Promise((resolve) => {
    const onAbort = () => ticket.settle(failed('CANCELLED', `${ticket.subject} was cancelled`))
    const ticket = create({
      runId: ++state.lastRunId,
      limits: state.limits,
      now: state.now,
      onSettle(outcome) {
        signal?.removeEventListener('abort', onAbort)
        state.open.delete(ticket)
        state.queue.remove(ticket)
        resolve(outcome)
      },
    })
    state.runs += 1
    const refusal = findRefusal(state, ticket)
    if (refusal !== undefined) return resolve(refusal)
    signal?.addEventListener('abort', onAbort, { once: true })
    state.open.add(ticket)
    state.queue.add(ticket)
    state.timer ??= setInterval(poll, POLL_MS, state)
    state.fleet.boot()
    dispatch(state)
  })
}

function findRefusal(state: State, { subject, interceptorId, tenant }: Ticket) {
  const { queue, isClosed } = state
  if (isClosed) return failed('INTERCEPTOR_BUSY', `${subject}: the sandbox is closing`)
  const quarantined = findQuarantine(state, subject, interceptorId)
  if (quarantined !== undefined) return quarantined
  if (queue.length() < MAX_WAITING_RUNS && queue.lengthOf(tenant) < MAX_WAITING_RUNS / 2)
    return undefined
  return failed('INTERCEPTOR_BUSY', `${subject} was not run: too many interceptors are waiting`)
}

function findQuarantine(state: State, subject: string, interceptorId: string | undefined) {
  const leftMs = interceptorId === undefined ? 0 : state.quarantine.leftMs(interceptorId)
  if (leftMs === 0) return undefined
  return failed(
    'INTERCEPTOR_QUARANTINED',
    `${subject} is off for ${Math.ceil(leftMs / 1000)} s: it had to be killed too often; edit it to turn it on at once`,
  )
}

/** Sends what waits to where there is room. */
function dispatch(state: State): void {
  const { queue, fleet } = state
  while (!state.isClosed && queue.length() > 0) {
    const next = queue.take((ticket) => fleet.place(ticket, queue.hasOther(ticket.tenant)))
    if (next === undefined) return
    const { ticket, place } = next
    const refusal = findQuarantine(state, ticket.subject, ticket.interceptorId)
    if (refusal === undefined) place.send(ticket)
    else ticket.settle(refusal)
  }
}

/** The end of a process: what ran fails, what waited in its pipe is sent elsewhere. */
function bury(state: State, death: Death): void {
  const { cause, executing, waiting } = death
  if (death.wasReady) state.kills[cause] += 1
  if (executing !== undefined) {
    // A crash counts too: whoever can crash a process costs what a kill costs.
    if (executing.interceptorId !== undefined && cause !== 'close')
      state.quarantine.add(executing.interceptorId)
    executing.settle(describeDeath(executing, cause, state.limits))
  }
  const [first] = waiting
  // Nothing had begun: whatever is at the front may be why, so it gets one more process only.
  if (executing === undefined && first !== undefined) {
    first.losses += 1
    if (first.losses > 1) first.settle(describeDeath(first, cause, state.limits))
  }
  state.queue.addFirst(waiting.filter((ticket) => !ticket.isSettled))
  dispatch(state)
}

/** Looks after what executes and what waits; stands still while there is neither. */
function poll(state: State): void {
  if (state.open.size === 0 && state.fleet.executing() === 0) {
    clearInterval(state.timer)
    state.timer = undefined
    return
  }
  // After what has arrived was read: an answer may have waited while this thread was busy.
  setImmediate(() => {
    const problem = state.fleet.problem()
    const limitMs = state.fleet.waitLimitMs(state.limits.queueMs)
    for (const ticket of state.open) {
      if (state.fleet.hasBegun(ticket)) continue
      if (problem !== undefined)
        ticket.settle(
          failed('INTERCEPTOR_UNAVAILABLE', `${ticket.subject} was not run: ${problem}`),
        )
      else if (state.now() - ticket.enqueuedAt > limitMs)
        ticket.settle(
          failed('INTERCEPTOR_BUSY', `${ticket.subject} waited ${limitMs} ms for a free process`),
        )
    }
    state.queue.addFirst(state.fleet.recall())
    dispatch(state)
    void state.fleet.inspect()
  })
}

// One sandbox process and what was sent into its pipe. What it says is checked before it is believed;
// whatever is out of order ends it, and the end says who was running and who only waited.
import { createFrameReader, FrameError } from './frame.ts'
import { measureProcess } from './process-meter.ts'
import type { Ticket } from './queue.ts'
import { readHeader, type Header } from './read-header.ts'
import { spawnProcess, type SandboxProcess } from './spawn-process.ts'

/** Why a process ended. */
export type Cause = 'cpu' | 'wall' | 'memory' | 'protocol' | 'exit' | 'close'

/** What a process may use before it is killed. */
export interface HardLimits {
  readonly hardCpuMs: number
  readonly wallMs: number
  readonly rssBytes: number
  readonly maxOutputBytes: number
}

/** The end of a process: what ran fails, what waited goes elsewhere. */
export interface Death {
  readonly cause: Cause
  readonly wasReady: boolean
  /** What it was executing, if it had said so. */
  readonly executing: Ticket | undefined
  /** What waited in its pipe, oldest first. */
  readonly waiting: readonly Ticket[]
  /** For the log: how it ended and what it printed. */
  readonly detail: string
}

/** One process. */
export interface Child {
  readonly isReady: () => boolean
  /** Sent and not done, oldest first. */
  readonly tickets: readonly Ticket[]
  /** For how long the oldest has been at the front of the pipe, in milliseconds. */
  readonly headMs: () => number
  readonly send: (ticket: Ticket) => void
  /** Takes back what waits in the pipe; run twice is as good as run once, for a script is a pure function. */
  readonly recall: () => readonly Ticket[]
  /** Ends the process if what it executes is over a limit. */
  readonly inspect: () => Promise<void>
  readonly kill: (cause: Cause) => void
  /** Resolves when the process is gone. */
  readonly gone: Promise<void>
}

interface Handlers {
  readonly onReady: () => void
  /** The oldest ticket is done, `tookMs` after its start; it is no longer among the tickets. */
  readonly onDone: (ticket: Ticket, tookMs: number) => void
  readonly onDeath: (death: Death) => void
}

// Output and its limit's worth of console lines, in JSON.
const MAX_FRAME_BYTES = 2 * 1024 * 1024
const MAX_STDERR_CHARACTERS = 2_048
// What is read after the end of a process whose pipe somebody else holds open.
const CLOSE_WAIT_MS = 100

/** What is known of a process and of its pipe. */
interface State {
  readonly process: SandboxProcess
  readonly limits: HardLimits
  readonly now: () => number
  readonly handlers: Handlers
  readonly tickets: Ticket[]
  readonly onGone: () => void
  isReady: boolean
  isDead: boolean
  hasStarted: boolean
  headSince: number
  stderr: string
  /** The run whose CPU time is counted, and the process's CPU time when that began. */
  metered: { readonly ticket: Ticket; readonly cpuMs: number } | undefined
}

/** Starts a process; it takes tickets once it is ready. */
export function createChild(
  command: readonly string[],
  limits: HardLimits,
  now: () => number,
  handlers: Handlers,
): Child {
  const { promise: gone, resolve: onGone } = Promise.withResolvers<void>()
  const state: State = {
    process: spawnProcess(command),
    limits,
    now,
    handlers,
    tickets: [],
    onGone,
    isReady: false,
    isDead: false,
    hasStarted: false,
    headSince: now(),
    stderr: '',
    metered: undefined,
  }
  listen(state)
  const { tickets } = state
  return {
    isReady: () => state.isReady && !state.isDead,
    tickets,
    headMs: () => now() - state.headSince,
    send(ticket) {
      if (tickets.length === 0) state.headSince = now()
      tickets.push(ticket)
      state.process.stdin.write(ticket.encode())
    },
    recall() {
      const recalled = tickets.slice(1).filter((ticket) => !ticket.isSettled)
      tickets.splice(1, tickets.length, ...tickets.slice(1).map(toGhost))
      return recalled
    },
    inspect: () => inspect(state),
    kill: (cause) => die(state, cause, 'it was killed'),
    gone,
  }
}

/** The process will still execute it, and nobody waits for that. */
function toGhost(ticket: Ticket): Ticket {
  return { ...ticket, isSettled: true, settle() {}, finish() {} }
}

function listen(state: State): void {
  const { process } = state
  const read = createFrameReader({ maxFrameBytes: MAX_FRAME_BYTES }, (header, payload) => {
    if (!state.isDead) accept(state, readHeader(header), payload as Uint8Array<ArrayBuffer>)
  })
  process.stdout.on('data', (chunk: Buffer) => {
    if (state.isDead) return
    try {
      read(chunk)
    } catch (error) {
      if (!(error instanceof FrameError)) throw error
      die(state, 'protocol', 'it sent what is no frame')
    }
  })
  process.stderr.on('data', (chunk: Buffer) => {
    state.stderr = (state.stderr + chunk.toString()).slice(0, MAX_STDERR_CHARACTERS)
  })
  // Its end is told by `exit`.
  for (const stream of [process.stdin, process.stdout, process.stderr]) stream.on('error', () => {})
  process.on('error', (error) => die(state, 'exit', error.message))
  process.on('exit', (code, signal) => {
    state.onGone()
    if (state.isDead) return
    const how = signal === null ? `it ended with code ${code}` : `it was ended by ${signal}`
    // What it said last is still to be read.
    const timer = setTimeout(die, CLOSE_WAIT_MS, state, 'exit', how)
    process.on('close', () => {
      clearTimeout(timer)
      die(state, 'exit', how)
    })
  })
}

function accept(state: State, frame: Header | undefined, payload: Uint8Array<ArrayBuffer>): void {
  const { tickets, handlers, now } = state
  const [head] = tickets
  if (frame?.type === 'ready' && !state.isReady) {
    state.isReady = true
    return handlers.onReady()
  }
  const isOfHead = frame !== undefined && head !== undefined && frame.runId === head.runId
  if (!state.isReady || !isOfHead) return die(state, 'protocol', 'it sent a frame out of order')
  if (frame.type === 'started' && !state.hasStarted) {
    state.hasStarted = true
    state.headSince = now()
    return
  }
  if (frame.type !== 'done' || !(state.hasStarted || head.isCheck))
    return die(state, 'protocol', 'it sent a frame out of order')
  if (payload.length > state.limits.maxOutputBytes)
    return die(state, 'protocol', 'its output is over the limit')
  const startedAt = state.headSince
  tickets.shift()
  state.hasStarted = false
  state.headSince = now()
  head.finish(frame.done, payload, startedAt)
  handlers.onDone(head, state.headSince - startedAt)
}

async function inspect(state: State): Promise<void> {
  const { tickets, limits, process } = state
  const [head] = tickets
  if (state.isDead || process.pid === undefined || head === undefined) return
  const usage = await measureProcess(process.pid)
  // Measuring may have taken a while.
  if (state.isDead || usage === undefined || tickets[0] !== head) return
  if (usage.rssBytes > limits.rssBytes) return die(state, 'memory', 'it was killed')
  if (state.now() - state.headSince > limits.wallMs) return die(state, 'wall', 'it was killed')
  if (!state.hasStarted) return
  if (state.metered?.ticket !== head) state.metered = { ticket: head, cpuMs: usage.cpuMs }
  if (usage.cpuMs - state.metered.cpuMs > limits.hardCpuMs) die(state, 'cpu', 'it was killed')
}

function die(state: State, cause: Cause, how: string): void {
  if (state.isDead) return
  state.isDead = true
  const { process, tickets, hasStarted, isReady, stderr } = state
  process.kill('SIGKILL')
  for (const stream of [process.stdin, process.stdout, process.stderr]) stream.destroy()
  if (process.pid === undefined) state.onGone()
  state.handlers.onDeath({
    cause,
    wasReady: isReady,
    executing: hasStarted ? tickets[0] : undefined,
    waiting: hasStarted ? tickets.slice(1) : [...tickets],
    detail: stderr === '' ? how : `${how}: ${stderr.trim()}`,
  })
}

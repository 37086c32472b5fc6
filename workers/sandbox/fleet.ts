// The processes of a sandbox: as many as run at once, one spare that is booted already, and the
// choice of the one that takes a run. Several runs may wait in one pipe, because the turn of a pipe
// costs more than a small script; but only scripts known to be quick, so that nobody waits long.
import { createChild, type Child, type Death, type HardLimits } from './child.ts'
import type { Ticket } from './queue.ts'

/** The processes, as the supervisor uses them. */
export interface Fleet {
  /** Starts the missing processes, unless the last ones failed a short time ago. */
  readonly boot: () => void
  /** The process that takes the run now, or undefined: it has to wait. */
  readonly place: (ticket: Ticket, isOtherWaiting: boolean) => Child | undefined
  /** What waits in the pipe of a process that is stuck; it no longer counts as sent. */
  readonly recall: () => readonly Ticket[]
  readonly hasBegun: (ticket: Ticket) => boolean
  readonly executing: () => number
  readonly ready: () => number
  /** Why nothing can run, where nothing can. */
  readonly problem: () => string | undefined
  /** `queueMs`, or the time for a boot while there is no process at all. */
  readonly waitLimitMs: (queueMs: number) => number
  readonly inspect: () => Promise<void>
  readonly close: () => Promise<void>
}

interface FleetOptions {
  readonly command: readonly string[]
  readonly slots: number
  readonly limits: HardLimits
  readonly now: () => number
  readonly onLog: (message: string) => void
  /** There may be room for a run. */
  readonly onFree: () => void
  readonly onDeath: (death: Death) => void
}

/** Runs that wait in the pipe of a process behind the one that executes. */
const MAX_PIPE_RUNS = 8
const SPARES = 1
// What may be ahead of a run in a pipe, by what its script took lately.
const PIPE_MS = 20
// A script nobody has seen yet is taken to be slow.
const UNKNOWN_MS = 20
// What waits behind a run that takes this long is sent elsewhere.
const STUCK_MS = 50
const MAX_KNOWN_SCRIPTS = 4_096
/** A process that is not ready by then is killed. */
const BOOT_TIMEOUT_MS = 10_000
const FIRST_BACKOFF_MS = 100
const MAX_BACKOFF_MS = 30_000

/** No process runs yet. */
export function createFleet(options: FleetOptions): Fleet {
  const known = createKnown()
  const crew = createCrew(options, known)
  const { children } = crew
  const ready = () => [...children].filter((child) => child.isReady())
  return {
    boot: crew.boot,
    place: (ticket, isOtherWaiting) =>
      choose(ready(), ticket, isOtherWaiting, options.slots, known),
    recall: () =>
      ready()
        .filter((child) => child.tickets.length > 1 && child.headMs() > STUCK_MS)
        .flatMap((child) => child.recall()),
    hasBegun: (ticket) => [...children].some((child) => child.tickets[0] === ticket),
    executing: () => ready().filter((child) => child.tickets.length > 0).length,
    ready: () => ready().length,
    problem: () => (ready().length === 0 ? crew.problem() : undefined),
    waitLimitMs: (queueMs) => (ready().length === 0 ? BOOT_TIMEOUT_MS : queueMs),
    async inspect() {
      await Promise.all([...children].map((child) => child.inspect()))
    },
    close: crew.close,
  }
}

/** The processes alone: booted, buried and replaced. */
interface Crew {
  readonly children: ReadonlySet<Child>
  readonly boot: () => void
  /** Why the last boot failed, until one succeeds. */
  readonly problem: () => string | undefined
  readonly close: () => Promise<void>
}

function createCrew(options: FleetOptions, known: Known): Crew {
  const children = new Set<Child>()
  // Killed, and not yet gone.
  const leaving = new Set<Child>()
  const state: BootState = { isClosed: false, failures: 0, problem: undefined, retry: undefined }
  const boot = () => {
    if (state.isClosed || state.retry !== undefined) return
    while (children.size < options.slots + SPARES) start()
  }
  const start = () => {
    const timer = setTimeout(() => child.kill('exit'), BOOT_TIMEOUT_MS)
    const child: Child = createChild(options.command, options.limits, options.now, {
      onReady() {
        clearTimeout(timer)
        state.failures = 0
        state.problem = undefined
        options.onFree()
      },
      onDone(ticket, tookMs) {
        known.add(ticket.scriptKey, child, tookMs)
        options.onFree()
      },
      onDeath(death) {
        clearTimeout(timer)
        children.delete(child)
        leaving.add(child)
        void child.gone.then(() => leaving.delete(child))
        known.forget(death.executing)
        if (!death.wasReady) failBoot(state, death.detail, options.onLog, boot)
        options.onDeath(death)
        boot()
      },
    })
    children.add(child)
  }
  return {
    children,
    boot,
    problem: () => state.problem,
    async close() {
      state.isClosed = true
      clearTimeout(state.retry)
      const all = [...children, ...leaving]
      for (const child of children) child.kill('close')
      await Promise.all(all.map((child) => child.gone))
    },
  }
}

interface BootState {
  isClosed: boolean
  failures: number
  problem: string | undefined
  retry: NodeJS.Timeout | undefined
}

/** The next boots wait, longer each time. */
function failBoot(
  state: BootState,
  detail: string,
  onLog: (message: string) => void,
  boot: () => void,
): void {
  if (state.retry !== undefined || state.isClosed) return
  state.problem = 'the sandbox process does not start on this machine; the log says why'
  onLog(`A sandbox process does not start: ${detail}`)
  const backoffMs = Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** state.failures++)
  state.retry = setTimeout(() => {
    state.retry = undefined
    boot()
  }, backoffMs)
}

/** What is known of scripts: how long they took, and which process has them compiled. */
interface Known {
  readonly add: (scriptKey: string, child: Child, tookMs: number) => void
  readonly msOf: (scriptKey: string) => number
  readonly childOf: (scriptKey: string) => Child | undefined
  readonly forget: (ticket: Ticket | undefined) => void
}

function createKnown(): Known {
  const scripts = new Map<string, { readonly child: WeakRef<Child>; readonly ms: number }>()
  return {
    add(scriptKey, child, tookMs) {
      const before = scripts.get(scriptKey)
      // Up at once, down slowly: a script that is slow now and then is a slow one.
      const ms = Math.max(tookMs, before === undefined ? 0 : before.ms * 0.9 + tookMs * 0.1)
      scripts.delete(scriptKey)
      scripts.set(scriptKey, { child: new WeakRef(child), ms })
      const [oldest] = scripts.keys()
      if (scripts.size > MAX_KNOWN_SCRIPTS && oldest !== undefined) scripts.delete(oldest)
    },
    msOf: (scriptKey) => scripts.get(scriptKey)?.ms ?? UNKNOWN_MS,
    childOf: (scriptKey) => scripts.get(scriptKey)?.child.deref(),
    forget(ticket) {
      if (ticket !== undefined) scripts.delete(ticket.scriptKey)
    },
  }
}

function choose(
  ready: readonly Child[],
  ticket: Ticket,
  isOtherWaiting: boolean,
  slots: number,
  known: Known,
): Child | undefined {
  const busy = ready.filter((child) => child.tickets.length > 0)
  const isFull = busy.length >= slots
  const held = busy.filter((child) => child.tickets.some(({ tenant }) => tenant === ticket.tenant))
  const isOverShare = isOtherWaiting && held.length >= Math.max(1, Math.floor(slots / 2))
  const favourite = known.childOf(ticket.scriptKey)
  if (!isFull && !isOverShare) {
    const idle = ready.filter((child) => child.tickets.length === 0)
    const found = idle.find((child) => child === favourite) ?? idle[0]
    if (found !== undefined) return found
  }
  // Behind others in a pipe, where it is short: the favourite wins among equals.
  const open = (isOverShare ? held : busy)
    .filter((child) => child.tickets.length <= MAX_PIPE_RUNS)
    .map((child) => ({ child, ms: backlogMs(child, known) }))
    .filter(({ ms }) => ms < PIPE_MS && known.msOf(ticket.scriptKey) < PIPE_MS)
    .toSorted(
      (a, b) => a.ms - b.ms || Number(b.child === favourite) - Number(a.child === favourite),
    )
  return open[0]?.child
}

function backlogMs(child: Child, known: Known): number {
  const sinceMs = child.headMs()
  const ahead = child.tickets.reduce((ms, { scriptKey }) => ms + known.msOf(scriptKey), 0)
  return Math.max(ahead, sinceMs)
}

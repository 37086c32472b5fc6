// Turns a job into a ticket: the frame to send, and the one place where a run's outcome is decided.
import { createHash, randomBytes } from 'node:crypto'
import type { Cause } from './child.ts'
import { encodeFrame } from './frame.ts'
import type {
  CheckFrame,
  Engine,
  RunFrame,
  SandboxFailure,
  SandboxJob,
  SandboxLimits,
  SandboxOutcome,
} from './messages.ts'
import type { Ticket } from './queue.ts'

/** What every ticket needs besides its job. */
export interface TicketContext {
  readonly runId: number
  readonly limits: SandboxLimits
  readonly now: () => number
  /** Called once, with the outcome. */
  readonly onSettle: (outcome: SandboxOutcome) => void
}

// Children never learn an account's id, and labels of two starts cannot be joined.
const LABEL_SALT = randomBytes(32)

/** A failed outcome with nothing but a code and a message. */
export function failed(code: SandboxFailure, message: string): SandboxOutcome {
  return { type: 'failed', code, message, console: [] }
}

/** The ticket of a run. */
export function runTicket(job: SandboxJob, context: TicketContext): Ticket {
  const { accountId, engine, code, scriptHash, globals, input } = job
  const frame = (): RunFrame => ({
    type: 'run',
    runId: context.runId,
    tenant: createHash('sha256').update(LABEL_SALT).update(accountId).digest('hex').slice(0, 32),
    engine,
    scriptHash,
    code,
    globals,
    seed: randomBytes(32).toString('hex'),
    limits: context.limits,
  })
  return {
    ...createTicket(context, engine),
    tenant: accountId,
    scriptKey: `${accountId} ${scriptHash}`,
    interceptorId: job.interceptorId,
    subject: `Interceptor ${JSON.stringify(job.interceptorName)}`,
    isCheck: false,
    encode: () => encodeFrame(frame(), input),
  }
}

/** The ticket of a check: it compiles and runs nothing. */
export function checkTicket(
  engine: Engine,
  code: string,
  accountId: string,
  context: TicketContext,
): Ticket {
  const frame: CheckFrame = { type: 'check', runId: context.runId, engine, code }
  return {
    ...createTicket(context, engine),
    tenant: accountId,
    scriptKey: `${accountId} check`,
    interceptorId: undefined,
    subject: 'The code',
    isCheck: true,
    encode: () => encodeFrame(frame, ''),
  }
}

type Common = Omit<
  Ticket,
  'tenant' | 'scriptKey' | 'interceptorId' | 'subject' | 'isCheck' | 'encode'
>

function createTicket({ runId, now, onSettle }: TicketContext, engine: Engine): Common {
  const enqueuedAt = now()
  return {
    runId,
    engine,
    enqueuedAt,
    losses: 0,
    isSettled: false,
    settle(outcome) {
      if (this.isSettled) return
      this.isSettled = true
      onSettle(outcome)
    },
    finish({ error, console, cpuMs }, output, startedAt) {
      const waitedMs = Math.max(0, startedAt - enqueuedAt)
      this.settle(
        error === undefined
          ? { type: 'done', output, console, cpuMs, waitedMs }
          : { type: 'failed', ...error, console },
      )
    },
  }
}

/** What the death of its process means for the run that was executing. */
export function describeDeath(
  ticket: Ticket,
  cause: Cause,
  limits: { readonly hardCpuMs: number; readonly wallMs: number; readonly rssBytes: number },
): SandboxOutcome {
  const { subject } = ticket
  switch (cause) {
    case 'cpu':
      return failed(
        'INTERCEPTOR_TIMEOUT',
        `${subject} was stopped: it used more than ${limits.hardCpuMs} ms of CPU time`,
      )
    case 'wall':
      return failed(
        'INTERCEPTOR_TIMEOUT',
        `${subject} was stopped: it did not finish within ${limits.wallMs} ms`,
      )
    case 'memory':
      return failed(
        'INTERCEPTOR_MEMORY',
        `${subject} was stopped: its process used more than ${limits.rssBytes / 1024 ** 2} MiB of memory`,
      )
    case 'protocol':
    case 'exit':
      return failed('INTERCEPTOR_CRASHED', `${subject} crashed the process that ran it`)
    case 'close':
      return failed('INTERCEPTOR_BUSY', `${subject} did not finish: the sandbox is closing`)
  }
}

// The two ends of the port by which a call thread reaches the supervisor on the main thread.
import type { MessagePort } from 'node:worker_threads'
import type {
  OutcomeMessage,
  SandboxJob,
  SandboxOutcome,
  ThreadJob,
  ToSupervisor,
} from './messages.ts'

/** Runs a job; aborting the signal gives CANCELLED. */
export type RunJob<Job = SandboxJob> = (job: Job, signal?: AbortSignal) => Promise<SandboxOutcome>

/** The code with that hash; undefined where nobody needs it any more. */
export type FindCode = (scriptHash: string) => string | undefined

/** The supervisor's end: runs what comes; when the port closes, what it sent is cancelled. */
export function attachPort(port: MessagePort, run: RunJob, findCode: FindCode): void {
  const running = new Map<number, AbortController>()
  const answer = async (jobId: number, job: ThreadJob) => {
    const controller = new AbortController()
    running.set(jobId, controller)
    const code = findCode(job.scriptHash)
    const outcome = code === undefined ? CALL_OVER : await run({ ...job, code }, controller.signal)
    running.delete(jobId)
    const message: OutcomeMessage = { type: 'outcome', jobId, outcome }
    port.postMessage(message, outcome.type === 'done' ? [outcome.output.buffer] : [])
  }
  port.on('message', (message: ToSupervisor) => {
    if (message.type === 'run') void answer(message.jobId, message.job)
    else running.get(message.jobId)?.abort()
  })
  port.on('close', () => {
    for (const controller of running.values()) controller.abort()
  })
  port.unref()
}

// Code is known as long as a call needs it: the call was answered, and its thread has not heard.
const CALL_OVER: SandboxOutcome = {
  type: 'failed',
  code: 'CANCELLED',
  message: 'The call is over',
  console: [],
}

/** The thread's end. Input bytes are transferred: the caller cannot read them afterwards. */
export function createSandboxClient(port: MessagePort): { readonly run: RunJob<ThreadJob> } {
  const waiting = new Map<number, (outcome: SandboxOutcome) => void>()
  let lastJobId = 0
  const post = (message: ToSupervisor, transfer: readonly ArrayBuffer[] = []) => {
    port.postMessage(message, [...transfer])
  }
  port.on('message', ({ jobId, outcome }: OutcomeMessage) => {
    waiting.get(jobId)?.(outcome)
    waiting.delete(jobId)
  })
  port.on('close', () => {
    for (const settle of waiting.values())
      settle({
        type: 'failed',
        code: 'INTERCEPTOR_BUSY',
        message: 'The sandbox is closing',
        console: [],
      })
    waiting.clear()
  })
  return {
    run: (job, signal) =>
      new Promise((resolve) => {
        const jobId = ++lastJobId
        const onAbort = () => post({ type: 'cancel', jobId })
        waiting.set(jobId, (outcome) => {
          signal?.removeEventListener('abort', onAbort)
          resolve(outcome)
        })
        const { input } = job
        const isWhole =
          typeof input !== 'string' &&
          input.buffer instanceof ArrayBuffer &&
          input.byteLength === input.buffer.byteLength
        post({ type: 'run', jobId, job }, isWhole ? [input.buffer] : [])
        signal?.addEventListener('abort', onAbort, { once: true })
        if (signal?.aborted === true) onAbort()
      }),
  }
}

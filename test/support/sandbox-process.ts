// A sandbox process under a test's own supervision: no queue, no spares, and a kill of its own at the
// limits that the product's supervisor has.
import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createFrameReader, encodeFrame } from '../../workers/sandbox/frame.ts'
import type {
  DoneFrame,
  Engine,
  FromSandbox,
  ReadyFrame,
  SandboxEngine,
  SandboxLimits,
  ScriptError,
} from '../../workers/sandbox/messages.ts'
import { ROOT, RUNTIMES, type Runtime } from './product.ts'

export const LIMITS: SandboxLimits = {
  softCpuMs: 100,
  memoryBytes: 16_777_216,
  maxOutputBytes: 1_048_576,
}

const HARD_CPU_MS = 250
const HARD_RSS_BYTES = 200 * 1_048_576
const POLL_MS = 20

export interface Script {
  readonly engine?: Engine
  readonly code: string
  /** A value, printed as JSON; or JSON text, where `inputText` is given. */
  readonly input?: unknown
  readonly inputText?: string
  readonly globals?: Readonly<Record<string, unknown>>
  readonly tenant?: string
  readonly seed?: string
  readonly limits?: Partial<SandboxLimits>
}

export interface Outcome {
  readonly output: string
  readonly error?: ScriptError
  readonly console: readonly string[]
  readonly cpuMs: number
  /** The process had to be killed. */
  readonly isKilled: boolean
}

export interface SandboxProcess {
  readonly ready: ReadyFrame
  readonly child: ChildProcess
  readonly stderr: () => string
  run(script: Script): Promise<Outcome>
  check(engine: Engine, code: string): Promise<ScriptError | undefined>
  close(): Promise<void>
}

/** CPU time of a process since it began, and the memory it has; Linux. */
function meter(pid: number): { readonly cpuMs: number; readonly rssBytes: number } {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
    return {
      cpuMs: (Number(fields[11]) + Number(fields[12])) * 10,
      rssBytes: Number(fields[21]) * 4096,
    }
  } catch {
    return { cpuMs: 0, rssBytes: 0 }
  }
}

interface Waiting {
  readonly resolve: (outcome: Outcome) => void
  startedCpuMs?: number
}

/** Boots a process. */
export async function openSandboxProcess(
  engine: SandboxEngine,
  runtime: Runtime = 'node',
): Promise<SandboxProcess> {
  const [command, ...before] = RUNTIMES[runtime]
  const child = spawn(
    command,
    [...before, join(ROOT, 'workers/sandbox/sandbox-process.ts'), engine],
    {
      cwd: ROOT,
      env: { TZ: 'UTC', LANG: 'en_US.UTF-8' },
      stdio: ['pipe', 'pipe', 'pipe'],
    },
  )
  const exited = once(child, 'exit')
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk))
  child.stdin.on('error', () => {})
  const waiting = new Map<number, Waiting>()
  let kill: ScriptError | undefined
  let nextRunId = 1
  const { promise: ready, resolve: setReady, reject } = Promise.withResolvers<ReadyFrame>()
  const read = createFrameReader({ maxFrameBytes: 4 * 1_048_576 }, (header, payload) => {
    const frame = header as FromSandbox
    if (frame.type === 'ready') return setReady(frame)
    const run = waiting.get(frame.runId)
    assert(run !== undefined, `an answer to run ${frame.runId}, which nobody asked for`)
    if (frame.type === 'started') {
      run.startedCpuMs = meter(child.pid ?? 0).cpuMs
      return
    }
    waiting.delete(frame.runId)
    const { error, console, cpuMs }: DoneFrame = frame
    const output = Buffer.from(payload).toString()
    run.resolve({ output, ...(error && { error }), console, cpuMs, isKilled: false })
  })
  child.stdout.on('data', read)
  const poll = setInterval(() => {
    const { cpuMs, rssBytes } = meter(child.pid ?? 0)
    for (const { startedCpuMs } of waiting.values()) {
      if (startedCpuMs === undefined) continue
      if (rssBytes > HARD_RSS_BYTES) kill = { code: 'INTERCEPTOR_MEMORY', message: 'killed' }
      else if (cpuMs - startedCpuMs > HARD_CPU_MS)
        kill = { code: 'INTERCEPTOR_TIMEOUT', message: 'killed' }
      if (kill !== undefined) child.kill('SIGKILL')
    }
  }, POLL_MS)
  void exited.then(() => {
    clearInterval(poll)
    reject(new Error(`the process ended before it was ready: ${stderr}`))
    const error = kill ?? { code: 'INTERCEPTOR_FAILED' as const, message: `crashed: ${stderr}` }
    for (const run of waiting.values())
      run.resolve({ output: '', error, console: [], cpuMs: 0, isKilled: true })
  })
  function ask(frame: object, payload: string): Promise<Outcome> {
    const runId = nextRunId++
    return new Promise((resolve) => {
      waiting.set(runId, { resolve })
      child.stdin.write(encodeFrame({ ...frame, runId }, payload))
    })
  }
  return {
    ready: await ready,
    child,
    stderr: () => stderr,
    run: ({ engine: language = 'javascript', code, input = null, ...rest }) =>
      ask(
        {
          type: 'run',
          tenant: rest.tenant ?? 'acc_1',
          engine: language,
          scriptHash: createHash('sha256').update(`${language}\0${code}`).digest('hex'),
          code,
          globals: JSON.stringify(rest.globals ?? {}),
          seed: rest.seed ?? randomBytes(32).toString('hex'),
          limits: { ...LIMITS, ...rest.limits },
        },
        rest.inputText ?? JSON.stringify(input),
      ),
    check: async (language, code) =>
      (await ask({ type: 'check', engine: language, code }, '')).error,
    close: async () => {
      child.stdin.end()
      if (child.exitCode === null && child.signalCode === null) await exited
    },
  }
}

// A sandbox process: it holds nothing but engines, takes frames on stdin, runs them strictly one after
// the other and writes frames to stdout. It ends when stdin ends. Whoever breaks out of an engine is
// in here, and here is nothing.
import { writeSync } from 'node:fs'
import { createFrameReader, encodeFrame } from './frame.ts'
import { createIsolatedVmEngine } from './engine-isolated-vm.ts'
import { createQuickJsEngine } from './engine-quickjs.ts'
import type { GuestEngine } from './engine.ts'
import type { FromSandbox, RunFrame, SandboxEngine, ToSandbox } from './messages.ts'

/** A frame to a sandbox process: a script, an input, and their escapes. */
const MAX_FRAME_BYTES = 4 * 1_048_576

/** Frames that wait here; what is more waits in the pipe. */
const MAX_WAITING_FRAMES = 8

/** How long to wait for a reader that has its pipe full, a time. */
const FULL_PIPE_MS = 1

interface Job {
  readonly frame: ToSandbox
  readonly payload: Uint8Array
}

// At once, and not by way of a stream: `started` has to be out before the guest has the thread.
function send(frame: FromSandbox, payload: Uint8Array | string = ''): void {
  const bytes = encodeFrame(frame, payload)
  const pause = new Int32Array(new SharedArrayBuffer(4))
  for (let at = 0; at < bytes.length;) {
    try {
      at += writeSync(1, bytes, at)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') process.exit(0)
      Atomics.wait(pause, 0, 0, FULL_PIPE_MS)
    }
  }
}

async function execute(engine: GuestEngine, { frame, payload }: Job): Promise<void> {
  const { runId } = frame
  send({ type: 'started', runId })
  const before = process.cpuUsage()
  const readCpuMs = () => {
    const { user, system } = process.cpuUsage(before)
    return (user + system) / 1000
  }
  if (frame.type === 'check') {
    const error = await engine.check(frame.engine, frame.code)
    send({ type: 'done', runId, ...(error && { error }), console: [], cpuMs: readCpuMs() })
    return
  }
  const input = Buffer.from(payload.buffer, payload.byteOffset, payload.length).toString()
  const { error, output, console } = await engine.run(frame, input)
  send({ type: 'done', runId, ...(error && { error }), console, cpuMs: readCpuMs() }, output)
}

/** Runs each language once, so that the first call is not the one that finds everything cold. */
async function warmUp(engine: GuestEngine): Promise<void> {
  const frame: Omit<RunFrame, 'engine' | 'code' | 'scriptHash'> = {
    type: 'run',
    runId: 0,
    tenant: '',
    globals: '{}',
    seed: '0'.repeat(64),
    limits: { softCpuMs: 1000, memoryBytes: 16_777_216, maxOutputBytes: 1024 },
  }
  for (const [language, code] of [['javascript', 'input'] as const, ['jmespath', '@'] as const]) {
    const { error } = await engine.run(
      { ...frame, engine: language, code, scriptHash: language },
      '{}',
    )
    if (error !== undefined) throw new Error(`${language}: ${error.message}`)
  }
}

async function main(name: string | undefined): Promise<void> {
  const isNative = name === 'isolated-vm'
  if (!isNative && name !== 'quickjs') throw new Error(`no engine ${name}`)
  const engine = await (isNative ? createIsolatedVmEngine() : createQuickJsEngine())
  await warmUp(engine)
  const sandboxEngine: SandboxEngine = isNative ? 'isolated-vm' : 'quickjs'
  const jobs: Job[] = []
  let isRunning = false
  async function runAll(): Promise<void> {
    isRunning = true
    for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) {
      if (jobs.length < MAX_WAITING_FRAMES) process.stdin.resume()
      await execute(engine, job)
      engine.tidy()
    }
    isRunning = false
  }
  const read = createFrameReader({ maxFrameBytes: MAX_FRAME_BYTES }, (frame, payload) => {
    jobs.push({ frame: frame as ToSandbox, payload })
  })
  process.stdin.on('data', (chunk: Uint8Array) => {
    read(chunk)
    if (jobs.length >= MAX_WAITING_FRAMES) process.stdin.pause()
    if (!isRunning) void runAll()
  })
  process.stdin.on('end', () => process.exit(0))
  process.stdin.on('error', () => process.exit(0))
  send({ type: 'ready', sandboxEngine, engineVersion: engine.version })
}

await main(process.argv[2])

// JavaScript in isolates of V8: one isolate a tenant and script, a fresh context a call. An isolate
// that met a limit is thrown away. What V8 does not stop by itself (loops of native code, memory
// outside its heap) the process's owner stops, by ending the process.
import { readFileSync } from 'node:fs'
import type IsolatedVmModule from 'isolated-vm'
import type { Context, Isolate, Reference, Script } from 'isolated-vm'
import {
  checkLength,
  createScriptError,
  LIMIT_ERRORS,
  openEnvelope,
  type GuestEngine,
  type GuestOutcome,
} from './engine.ts'
import { PRELUDE, type CodeShape } from './guest-prelude.ts'
import { readJmespathScript } from './jmespath-guest.ts'
import { createMemory } from './remember.ts'
import type { RunFrame, ScriptError } from './messages.ts'

type IsolatedVm = typeof IsolatedVmModule

interface Room {
  readonly isolate: Isolate
  readonly prelude: Script
  readonly shape: CodeShape
  /** How many were in it. */
  runs: number
}

interface JmespathRoom {
  readonly isolate: Isolate
  readonly context: Context
  readonly guest: Reference<Record<string, unknown>>
}

/** Isolates that are kept for their compiled code. */
const MAX_ISOLATES = 16

/** Heap of the isolate that checks and of the one of JMESPath, MiB; a call's own is in its frame. */
const OWN_HEAP_MIB = 16

/** Resident memory over which kept isolates are given up, so that garbage is not taken for an attack. */
const MAX_IDLE_RSS_BYTES = 160 * 1_048_576

/** Contexts are large: a new isolate costs less than finding in an old one what is left of them. */
const MAX_RUNS = 32

/** Runs between two looks at it. */
const RUNS_PER_TIDY = 64

/** Time in which a script of 64 KiB has to be compiled, or the parser is under attack. */
const CHECK_TIMEOUT_MS = 100

/** `new Function` puts two lines before a body. */
const LINES_BEFORE_BODY = 2

const asBody = (code: string) => `(function anonymous(\n) {\n${code}\n})`

function explainFailure(error: unknown, limits: RunFrame['limits']): GuestOutcome {
  const { message } = error as Error
  if (message.includes('timed out'))
    return { error: LIMIT_ERRORS.timeout(limits.softCpuMs), output: '', console: [] }
  if (message.includes('disposed') || message.includes('memory'))
    return { error: LIMIT_ERRORS.memory(limits.memoryBytes), output: '', console: [] }
  const failed = createScriptError('INTERCEPTOR_FAILED', message, '', 0)
  return { error: failed, output: '', console: [] }
}

function explainCompilation(error: unknown, linesBefore: number): ScriptError {
  const { message } = error as Error
  const [place = '', text = message] =
    /^([\s\S]*?) \[interceptor\.js:\d+:\d+\]$/.exec(message) ?? []
  return createScriptError('INTERCEPTOR_INVALID', text, place, linesBefore)
}

/** How the code is to be run, or why it cannot be. */
function findShape(isolate: Isolate, code: string): CodeShape | ScriptError {
  const filename = 'interceptor.js'
  try {
    isolate.compileScriptSync(code, { filename }).release()
    return 'script'
  } catch (scriptError) {
    const asScript = explainCompilation(scriptError, 0)
    if (!/return/i.test(asScript.message)) return asScript
    try {
      isolate.compileScriptSync(asBody(code), { filename }).release()
      return 'function'
    } catch (bodyError) {
      return explainCompilation(bodyError, LINES_BEFORE_BODY)
    }
  }
}

function createIsolate(ivm: IsolatedVm, memoryLimit: number): Isolate {
  // V8 has lost control: nothing that this process says is to be believed.
  return new ivm.Isolate({ memoryLimit, onCatastrophicError: () => process.exit(70) })
}

function runInRoom(room: Room, frame: RunFrame, input: string): string {
  const { limits } = frame
  const context = room.isolate.createContextSync()
  try {
    const guest = room.prelude.runSync(context, { reference: true })
    const values = [frame.code, room.shape, input, frame.globals, frame.seed, limits.maxOutputBytes]
    const envelope: unknown = guest.applySync(undefined, values, { timeout: limits.softCpuMs })
    // What is not released keeps the whole context, and soon the heap is full of them.
    guest.release()
    return String(envelope)
  } finally {
    if (!room.isolate.isDisposed) context.release()
  }
}

function dispose({ isolate }: { readonly isolate: Isolate }): void {
  if (!isolate.isDisposed) isolate.dispose()
}

function createJavascript(ivm: IsolatedVm) {
  const rooms = createMemory<Room>(MAX_ISOLATES, dispose)
  function openRoom(key: string, frame: RunFrame): Room | ScriptError {
    const known = rooms.get(key)
    if (known !== undefined && known.runs < MAX_RUNS) return known
    rooms.delete(key)
    const isolate = createIsolate(
      ivm,
      Math.max(8, Math.round(frame.limits.memoryBytes / 1_048_576)),
    )
    const shape = checkLength('javascript', frame.code) ?? findShape(isolate, frame.code)
    if (typeof shape !== 'string') {
      isolate.dispose()
      return shape
    }
    const room = { isolate, shape, prelude: isolate.compileScriptSync(PRELUDE), runs: 0 }
    rooms.set(key, room)
    return room
  }
  const run = (frame: RunFrame, input: string): GuestOutcome => {
    const key = `${frame.tenant}\0${frame.scriptHash}\0${frame.limits.memoryBytes}`
    const room = openRoom(key, frame)
    if ('code' in room) return { error: room, output: '', console: [] }
    try {
      room.runs += 1
      const envelope = runInRoom(room, frame, input)
      return openEnvelope(envelope, frame.limits, room.shape === 'function' ? LINES_BEFORE_BODY : 0)
    } catch (error) {
      rooms.delete(key)
      return explainFailure(error, frame.limits)
    }
  }
  let runs = 0
  const tidy = () => {
    runs += 1
    // Memory that was given up is not given back at once: looking each time would give up everything.
    if (runs % RUNS_PER_TIDY === 0 && process.memoryUsage.rss() > MAX_IDLE_RSS_BYTES) rooms.clear()
  }
  return { run, tidy }
}

function createJmespath(ivm: IsolatedVm) {
  const script = readJmespathScript()
  let room: JmespathRoom | undefined
  function openRoom(): JmespathRoom {
    if (room !== undefined) return room
    const isolate = createIsolate(ivm, OWN_HEAP_MIB)
    const context = isolate.createContextSync()
    const guest = isolate.compileScriptSync(script).runSync(context, { reference: true })
    room = { isolate, context, guest }
    return room
  }
  return (name: 'run' | 'check', values: readonly unknown[], timeout: number): string => {
    try {
      const method = openRoom().guest.getSync(name, { reference: true })
      const envelope: unknown = method.applySync(undefined, [...values], { timeout })
      method.release()
      return String(envelope)
    } catch (error) {
      if (room !== undefined) dispose(room)
      room = undefined
      throw error
    }
  }
}

/**
 * The engine of Node.
 *
 * @throws {Error} when isolated-vm is not installed or does not load
 */
export async function createIsolatedVmEngine(): Promise<GuestEngine> {
  const { default: ivm } = await import('isolated-vm')
  const { run: runJavascript, tidy } = createJavascript(ivm)
  const askJmespath = createJmespath(ivm)
  const manifest = new URL('package.json', import.meta.resolve('isolated-vm'))
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { readonly version: string }
  function runJmespath({ code, limits }: RunFrame, input: string): GuestOutcome {
    const tooLong = checkLength('jmespath', code)
    if (tooLong !== undefined) return { error: tooLong, output: '', console: [] }
    try {
      const values = [code, input, limits.maxOutputBytes]
      return openEnvelope(askJmespath('run', values, limits.softCpuMs), limits)
    } catch (error) {
      return explainFailure(error, limits)
    }
  }
  function checkJavascript(code: string): ScriptError | undefined {
    const isolate = createIsolate(ivm, OWN_HEAP_MIB)
    try {
      const shape = findShape(isolate, code)
      return typeof shape === 'string' ? undefined : shape
    } finally {
      dispose({ isolate })
    }
  }
  return {
    version: `isolated-vm ${version}, V8 ${process.versions.v8}`,
    run: (frame, input) =>
      frame.engine === 'jmespath' ? runJmespath(frame, input) : runJavascript(frame, input),
    tidy,
    check: (engine, code) => {
      const tooLong = checkLength(engine, code)
      if (tooLong !== undefined || engine === 'javascript') return tooLong ?? checkJavascript(code)
      const limits = {
        softCpuMs: CHECK_TIMEOUT_MS,
        memoryBytes: OWN_HEAP_MIB * 1_048_576,
        maxOutputBytes: 0,
      }
      const { error } = openEnvelope(askJmespath('check', [code], CHECK_TIMEOUT_MS), limits)
      return error && { ...error, code: 'INTERCEPTOR_INVALID' }
    },
  }
}

// JavaScript in QuickJS-NG, compiled to WebAssembly: one call is one instance, restored from a memory
// image that was made at boot, and thrown away. An instance has a memory of its own, so that not even
// an overflow in the engine reaches the next call.
import { readFileSync } from 'node:fs'
import { Intrinsics, EvalFlags, QuickJS, type JSValueHandle, type Snapshot } from 'quickjs-wasi'
import { createGarbageCounter } from './collect-garbage.ts'
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

/** Scripts whose shape is remembered. */
const MAX_SHAPES = 1024

/** Native stack of the guest: half of what the instance has. */
const MAX_STACK_BYTES = 262_144

/** Limits of a check, which runs none of the author's code. */
const CHECK_LIMITS = { softCpuMs: 100, memoryBytes: 16_777_216, maxOutputBytes: 0 } as const

/** `new Function` puts two lines before a body. */
const LINES_BEFORE_BODY = 2

/** A memory image, and where in it the realm's functions are. */
interface Image {
  readonly snapshot: Snapshot
  readonly functions: Readonly<Record<string, number>>
}

interface Machine {
  readonly module: WebAssembly.Module
  readonly onGarbage: (bytes: number) => void
}

interface Stopwatch {
  readonly isOver: () => boolean
  wasOver: boolean
}

// CPU time, and not the clock's: on a busy machine the innocent are slow as well. Asking for it takes
// a microsecond, so the clock, which CPU time cannot run ahead of by much, is asked before.
function startStopwatch(softCpuMs: number): Stopwatch {
  const startedAt = performance.now()
  const before = process.cpuUsage()
  const watch = {
    wasOver: false,
    isOver: () => {
      if (performance.now() - startedAt < softCpuMs) return false
      const { user, system } = process.cpuUsage(before)
      if ((user + system) / 1000 >= softCpuMs) watch.wasOver = true
      return watch.wasOver
    },
  }
  return watch
}

function createOptions(
  module: WebAssembly.Module,
  onMemory: (memory: WebAssembly.Memory) => void = () => {},
) {
  return {
    wasm: module,
    intrinsics: Intrinsics.ALL & ~Intrinsics.PERFORMANCE,
    maxStackSize: MAX_STACK_BYTES,
    timezoneOffset: 0,
    // Nothing of the engine's own reaches our stdout, which carries frames.
    wasi: (memory: WebAssembly.Memory) => {
      onMemory(memory)
      return { fd_write: () => 8 }
    },
  }
}

async function takeImage(module: WebAssembly.Module, script: string, names: readonly string[]) {
  const vm = await QuickJS.create(createOptions(module))
  const guest = vm.evalCode(script)
  const find = (name: string) => (name === '' ? guest : guest.getProp(name))
  const functions = Object.fromEntries(names.map((name) => [name, vm.exportHandle(find(name))]))
  const image: Image = { snapshot: vm.snapshot(), functions }
  const version = vm.versions['quickjs'] ?? ''
  vm.dispose()
  return { image, version }
}

function explainFailure(error: unknown, limits: RunFrame['limits'], watch: Stopwatch): ScriptError {
  if (watch.wasOver) return LIMIT_ERRORS.timeout(limits.softCpuMs)
  let message = ''
  try {
    message = String((error as Error).message)
  } catch {
    // A trap in the engine leaves an error that cannot be read.
  }
  if (message.includes('memory') || message.includes('malloc'))
    return LIMIT_ERRORS.memory(limits.memoryBytes)
  return createScriptError('INTERCEPTOR_FAILED', message || 'the engine gave up', '', 0)
}

/** Restores an instance for one use of at most `limits`, and throws it away. */
async function useInstance<T>(
  { module, onGarbage }: Machine,
  { snapshot }: Image,
  limits: RunFrame['limits'],
  use: (vm: QuickJS, watch: Stopwatch) => T,
): Promise<T | ScriptError> {
  const watch = startStopwatch(limits.softCpuMs)
  let vm: QuickJS | undefined
  let memory: WebAssembly.Memory | undefined
  try {
    vm = await QuickJS.restore(snapshot, {
      ...createOptions(module, (given) => (memory = given)),
      memoryLimit: limits.memoryBytes,
      interruptHandler: watch.isOver,
    })
    return use(vm, watch)
  } catch (error) {
    return explainFailure(error, limits, watch)
  } finally {
    onGarbage(memory?.buffer.byteLength ?? 0)
    vm?.dispose()
  }
}

/** Calls a function of an image's realm, and answers the string it gives. */
function callGuest(
  machine: Machine,
  image: Image,
  name: string,
  values: readonly (string | number)[],
  limits: RunFrame['limits'],
): Promise<string | ScriptError> {
  return useInstance(machine, image, limits, (vm, watch) => {
    const handles = values.map((value): JSValueHandle =>
      typeof value === 'string' ? vm.newString(value) : vm.newNumber(value),
    )
    const guest = vm.importHandle(image.functions[name] ?? 0)
    const result = vm.callFunction(guest, vm.undefined, ...handles)
    // A guest that swallowed its interruption ran too long all the same.
    if (watch.wasOver) return LIMIT_ERRORS.timeout(limits.softCpuMs)
    if (!result.isString) throw new Error('the engine gave up')
    return result.toString()
  })
}

function explainCompilation(error: unknown, linesBefore: number): ScriptError {
  const { message, stack } = error as Error
  return createScriptError('INTERCEPTOR_INVALID', message, stack ?? '', linesBefore)
}

/** How the code is to be run, or why it cannot be. */
function findShape(machine: Machine, image: Image, code: string): Promise<CodeShape | ScriptError> {
  return useInstance<CodeShape | ScriptError>(machine, image, CHECK_LIMITS, (vm) => {
    const compile = (text: string) =>
      vm.evalCode(text, 'interceptor.js', EvalFlags.COMPILE_ONLY).dispose()
    try {
      compile(code)
      return 'script'
    } catch (scriptError) {
      const asScript = explainCompilation(scriptError, 0)
      if (!/return/i.test(asScript.message)) return asScript
      try {
        compile(`(function anonymous(\n) {\n${code}\n})`)
        return 'function'
      } catch (bodyError) {
        return explainCompilation(bodyError, LINES_BEFORE_BODY)
      }
    }
  })
}

/** The engine of Bun and Deno, and of those who host strangers. */
export async function createQuickJsEngine(): Promise<GuestEngine> {
  const wasm = readFileSync(new URL(import.meta.resolve('quickjs-wasi/quickjs.wasm')))
  const module = await WebAssembly.compile(wasm)
  const { image: javascript, version } = await takeImage(module, PRELUDE, [''])
  const { image: jmespath } = await takeImage(module, readJmespathScript(), ['run', 'check'])
  const garbage = createGarbageCounter()
  const machine: Machine = { module, onGarbage: garbage.add }
  const shapes = createMemory<CodeShape>(MAX_SHAPES)
  async function run(frame: RunFrame, input: string): Promise<GuestOutcome> {
    const { code, limits } = frame
    const fail = (error: ScriptError): GuestOutcome => ({ error, output: '', console: [] })
    const tooLong = checkLength(frame.engine, code)
    if (tooLong !== undefined) return fail(tooLong)
    if (frame.engine === 'jmespath') {
      const envelope = await callGuest(
        machine,
        jmespath,
        'run',
        [code, input, limits.maxOutputBytes],
        limits,
      )
      return typeof envelope === 'string' ? openEnvelope(envelope, limits) : fail(envelope)
    }
    const shape = shapes.get(frame.scriptHash) ?? (await findShape(machine, javascript, code))
    if (typeof shape !== 'string') return fail(shape)
    shapes.set(frame.scriptHash, shape)
    const values = [code, shape, input, frame.globals, frame.seed, limits.maxOutputBytes]
    const envelope = await callGuest(machine, javascript, '', values, limits)
    if (typeof envelope !== 'string') return fail(envelope)
    return openEnvelope(envelope, limits, shape === 'function' ? LINES_BEFORE_BODY : 0)
  }
  return {
    version: `QuickJS-NG ${version}`,
    run,
    tidy: garbage.collect,
    check: async (engine, code) => {
      const tooLong = checkLength(engine, code)
      if (tooLong !== undefined) return tooLong
      if (engine === 'javascript') {
        const shape = await findShape(machine, javascript, code)
        return typeof shape === 'string' ? undefined : shape
      }
      const envelope = await callGuest(machine, jmespath, 'check', [code], CHECK_LIMITS)
      if (typeof envelope !== 'string') return { ...envelope, code: 'INTERCEPTOR_INVALID' }
      const { error } = openEnvelope(envelope, CHECK_LIMITS)
      return error && { ...error, code: 'INTERCEPTOR_INVALID' }
    },
  }
}

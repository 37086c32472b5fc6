// What the two JavaScript engines have in common: what they are asked, and how the one string that
// leaves a guest's realm becomes an outcome. That string is the guest's in all but its form.
import type { Engine, RunFrame, ScriptError } from './messages.ts'

/** What a run came to: JSON text, or why there is none. */
export interface GuestOutcome {
  readonly error?: ScriptError
  /** Empty where there is an error. */
  readonly output: string
  readonly console: readonly string[]
}

/** A machine that runs scripts one after the other, each in a realm that no other script has seen. */
export interface GuestEngine {
  /** With its version, `QuickJS-NG 0.17.0`. */
  readonly version: string
  run(frame: RunFrame, input: string): GuestOutcome | Promise<GuestOutcome>
  /** Why the code cannot be compiled, if it cannot. Runs none of it. */
  check(engine: Engine, code: string): ScriptError | undefined | Promise<ScriptError | undefined>
  /** Called between runs, when nobody's time is counted. */
  tidy(): void
}

/** UTF-8 bytes of an interceptor in JavaScript. */
export const MAX_JAVASCRIPT_BYTES = 65_536

/** UTF-8 bytes of a JMESPath expression. */
export const MAX_JMESPATH_BYTES = 8192

/** Levels of arrays and objects in an output: as many as an OpenAPI document may have. */
export const MAX_OUTPUT_DEPTH = 128

const MAX_CONSOLE_LINES = 100
const MAX_CONSOLE_CHARACTERS = 1024
const MAX_MESSAGE_BYTES = 1024

/** The messages of the limits that an engine meets by itself. */
export const LIMIT_ERRORS = {
  timeout: (softCpuMs: number): ScriptError => ({
    code: 'INTERCEPTOR_TIMEOUT',
    message: `it ran for over ${softCpuMs} ms`,
  }),
  memory: (memoryBytes: number): ScriptError => ({
    code: 'INTERCEPTOR_MEMORY',
    message: `it needs over ${Math.round(memoryBytes / 1_048_576)} MiB of memory`,
  }),
} as const

/** A text of at most so many bytes of UTF-8, cut between characters. */
function cutText(text: string, maxBytes: number): string {
  const bytes = Buffer.from(text)
  if (bytes.length <= maxBytes) return bytes.toString()
  return bytes.toString('utf8', 0, maxBytes - 3).replace(/\uFFFD$/, '')
}

/** Deepest nesting of arrays and objects in JSON text. */
function measureDepth(json: string): number {
  let depth = 0
  let deepest = 0
  for (let at = 0; at < json.length; at++) {
    const character = json.charCodeAt(at)
    if (character === 0x22) {
      for (at += 1; json.charCodeAt(at) !== 0x22; at++) if (json.charCodeAt(at) === 0x5c) at += 1
    } else if (character === 0x5b || character === 0x7b) {
      depth += 1
      if (depth > deepest) deepest = depth
    } else if (character === 0x5d || character === 0x7d) depth -= 1
  }
  return deepest
}

function failOutput(message: string, console: readonly string[]): GuestOutcome {
  return { error: { code: 'INTERCEPTOR_OUTPUT', message }, output: '', console }
}

/** The place in the author's code that a stack names first, from 1; lines before the code are subtracted. */
export function findPlace(
  stack: string,
  linesBefore: number,
): { readonly line?: number; readonly column?: number } {
  const [, line = '', column = ''] =
    /(?:interceptor\.js|interceptor\.jmespath|<evalScript>|<input>):(\d{1,7}):(\d{1,7})/.exec(
      stack,
    ) ?? []
  const number = Number(line) - linesBefore
  return line === '' || number < 1 ? {} : { line: number, column: Number(column) }
}

/** An error of the author's making, its text bounded. */
export function createScriptError(
  code: ScriptError['code'],
  message: string,
  stack: string,
  linesBefore: number,
): ScriptError {
  return {
    code,
    message: cutText(message, MAX_MESSAGE_BYTES),
    ...findPlace(stack, linesBefore),
  }
}

/**
 * What an envelope says: a letter (`o` output, `f` failed, `m` out of memory, `l` too long), the length
 * of the console's lines, the lines, and the output or a message with its stack.
 */
export function openEnvelope(
  envelope: string,
  limits: RunFrame['limits'],
  linesBefore = 0,
): GuestOutcome {
  const [prefix = '', kind = '', length = ''] = /^([ofml])(\d{1,7}):/.exec(envelope) ?? []
  const end = prefix.length + Number(length)
  const console =
    Number(length) === 0
      ? []
      : envelope
          .slice(prefix.length, end)
          .split('\0', MAX_CONSOLE_LINES)
          .map((line) => line.slice(0, MAX_CONSOLE_CHARACTERS).toWellFormed())
  const rest = envelope.slice(end)
  if (kind === 'o') {
    if (Buffer.byteLength(rest) > limits.maxOutputBytes)
      return failOutput(`the result is over ${limits.maxOutputBytes} bytes of JSON`, console)
    if (measureDepth(rest) > MAX_OUTPUT_DEPTH)
      return failOutput(`the result is nested over ${MAX_OUTPUT_DEPTH} levels deep`, console)
    return { output: rest, console }
  }
  if (kind === 'l')
    return failOutput(`the result is over ${limits.maxOutputBytes} bytes of JSON`, console)
  const [message = '', stack = ''] = rest.split('\0', 2)
  const error =
    kind === 'm'
      ? LIMIT_ERRORS.memory(limits.memoryBytes)
      : createScriptError('INTERCEPTOR_FAILED', message, stack, linesBefore)
  return { error, output: '', console }
}

/** Why the code is longer than its language allows, if it is. */
export function checkLength(engine: Engine, code: string): ScriptError | undefined {
  const limit = engine === 'jmespath' ? MAX_JMESPATH_BYTES : MAX_JAVASCRIPT_BYTES
  const bytes = Buffer.byteLength(code)
  if (bytes <= limit) return undefined
  return {
    code: 'INTERCEPTOR_INVALID',
    message: `the code is ${bytes} bytes, the limit is ${limit}`,
  }
}

// Compiling a script before it is stored: whoever saves one that cannot run is told the line at once,
// and no model later.
import { BusyError } from '../workers/error.ts'
import type { Engine, SandboxFailure, SandboxOutcome } from '../workers/sandbox/messages.ts'
import { viewerOf, type Context } from './context.ts'
import { invalid, type InputPath } from './validate.ts'

/** A script does not compile, or fails where it is tried. */
export class ScriptError extends Error {
  override readonly name = 'ScriptError'
  readonly code: SandboxFailure
  /** From 1; undefined where the place is not known. So the next one. */
  readonly line: number | undefined
  readonly column: number | undefined
  constructor({ code, message, line, column }: Extract<SandboxOutcome, { type: 'failed' }>) {
    super(message)
    this.code = code
    this.line = line
    this.column = column
  }
}

/** The sandbox's name of a language. */
export function toEngine(engine: 'JMESPATH' | 'JAVASCRIPT'): Engine {
  return engine === 'JMESPATH' ? 'jmespath' : 'javascript'
}

/**
 * What a failed run means to whoever asked for it.
 */
export function toScriptError(
  outcome: Extract<SandboxOutcome, { type: 'failed' }>,
): ScriptError | BusyError {
  const isOurs = outcome.code === 'INTERCEPTOR_BUSY' || outcome.code === 'INTERCEPTOR_UNAVAILABLE'
  return isOurs ? new BusyError(outcome.message) : new ScriptError(outcome)
}

/**
 * The code, which compiles.
 *
 * @throws {ScriptError} INTERCEPTOR_INVALID with its place when it does not
 * @throws {InvalidError} INVALID when there is none, or it is no text
 * @throws {BusyError} BUSY when no process is free to compile it
 */
export async function checkScript(
  context: Context,
  path: InputPath,
  engine: 'JMESPATH' | 'JAVASCRIPT',
  code: string,
): Promise<string> {
  if (code.trim() === '') throw invalid(path, 'is empty; expected a script')
  if (!code.isWellFormed() || code.includes('\0')) {
    throw invalid(path, 'has a NUL or half of a surrogate pair; expected text')
  }
  const { accountId } = viewerOf(context)
  const outcome = await context.sandbox.check(toEngine(engine), code, accountId)
  if (outcome.type === 'failed') throw toScriptError(outcome)
  return code
}

// One tool call from its arguments to the members of its result. Failures come back as results: a
// model can read a sentence, not an exception.
import { request } from '../egress/client.ts'
import { EgressError } from '../egress/error.ts'
import type { CallFailure, CallOutcome, CallTask } from '../messages.ts'
import { buildRequest } from './build-request.ts'
import { ArgumentsError, VariableError } from './error.ts'
import { isRecord, parseKeepingIntegers } from './number.ts'
import { redact, toNeedles } from './redact.ts'
import { shapeError, shapeResponse } from './shape-result.ts'
import { findTool, type Tool } from './tool.ts'

/** The outcome of the task. Aborting the signal aborts the upstream request: CANCELLED. */
export async function callTool(task: CallTask, signal: AbortSignal): Promise<CallOutcome> {
  const startedAt = performance.now()
  const tool = findTool(task.definitionHash, task.definition)
  if (tool === undefined) return { type: 'unknown-definition' }
  try {
    const built = buildRequest(tool.definition, task, readArguments(tool, task.argumentsText))
    const response = await request({
      ...built,
      method: tool.definition.method,
      // What was spent on the arguments counts, too.
      timeoutMs: Math.ceil(task.timeoutMs - (performance.now() - startedAt)),
      maxBodyBytes: task.maxResponseBytes,
      egressAllow: task.egressAllow,
      signal,
      ...(task.partition === undefined ? {} : { partition: task.partition }),
    })
    const { status, body } = response
    const needles = toNeedles(task.variables)
    const shown = needles === undefined ? response : { ...response, body: redact(body, needles) }
    return {
      type: 'result',
      ...shapeResponse(shown, built.url),
      status,
      responseBytes: body.length,
    }
  } catch (error) {
    if (
      error instanceof ArgumentsError ||
      error instanceof VariableError ||
      error instanceof EgressError
    ) {
      return describe(error.code, error.message)
    }
    if (error instanceof RangeError) {
      return describe('ARGUMENTS_INVALID', 'Invalid arguments: they are nested too deeply')
    }
    throw error
  }
}

function describe(failure: CallFailure, message: string): CallOutcome {
  return { type: 'result', ...shapeError(message), failure, responseBytes: 0 }
}

/**
 * The arguments, checked. `null` for an argument that may be left out is taken as leaving it out:
 * models write it for "none".
 */
function readArguments(tool: Tool, text: string): Readonly<Record<string, unknown>> {
  const { inputSchema } = tool.definition
  const checked = parseObject(text, JSON.parse)
  const kept = parseObject(text, parseKeepingIntegers)
  const required = new Set(inputSchema.required)
  for (const [name, value] of Object.entries(checked)) {
    if (value !== null || required.has(name)) continue
    delete checked[name]
    delete kept[name]
  }
  tool.check(checked)
  return kept
}

function parseObject(text: string, parse: (text: string) => unknown): Record<string, unknown> {
  let value: unknown
  try {
    value = parse(text)
  } catch (error) {
    if (error instanceof RangeError) throw error
    throw new ArgumentsError('Invalid arguments: they are no JSON', { cause: error })
  }
  if (!isRecord(value)) throw new ArgumentsError('Invalid arguments: they must be an object')
  return value
}

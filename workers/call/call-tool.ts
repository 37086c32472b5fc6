// One tool call from its arguments to the members of its result. Failures come back as results: a
// model can read a sentence, not an exception.
import { type EgressRequest, type EgressResponse, request } from '../egress/client.ts'
import { EgressError } from '../egress/error.ts'
import type { CallFailure, CallOutcome, CallTask } from '../messages.ts'
import type { RunJob } from '../sandbox/attach-port.ts'
import type { ThreadJob } from '../sandbox/messages.ts'
import { buildRequest } from './build-request.ts'
import { ArgumentsError, InterceptorError, VariableError } from './error.ts'
import { openInterceptors, type Interceptors, type Rewritten } from './intercept.ts'
import { isRecord, parseKeepingIntegers } from './number.ts'
import { redact, toNeedles } from './redact.ts'
import { createReporter } from './report-progress.ts'
import { shapeResource, shapeResourceText } from './shape-resource.ts'
import { shapeMcpResult } from './shape-mcp-result.ts'
import {
  isTextType,
  readText,
  shapeError,
  shapeResponse,
  shapeText,
  type Shaped,
} from './shape-result.ts'
import { findTool, type Tool } from './tool.ts'

type CallResult = Extract<CallOutcome, { type: 'result' }>

/** How a call reaches the sandbox; a call without interceptors needs none. */
export type RunInterceptor = RunJob<ThreadJob>

/** The outcome of the task. Aborting the signal aborts the upstream request: CANCELLED. */
export async function callTool(
  task: CallTask,
  signal: AbortSignal,
  run?: RunInterceptor,
): Promise<CallOutcome> {
  const startedAt = performance.now()
  const tool = findTool(task.definitionHash, task.definition)
  if (tool === undefined) return { type: 'unknown-definition' }
  const needles = toNeedles(task.variables)
  const interceptors = openChain(task, signal, run, needles)
  const uses = interceptors && { interceptors: interceptors.uses }
  try {
    const checked = readArguments(tool, task.argumentsText)
    const args = interceptors === undefined ? checked : await rewrite(tool, task, interceptors)
    const built = buildRequest(tool.definition, task, args)
    const response = await request({
      ...built,
      method: tool.definition.method,
      // What was spent on the arguments counts, too.
      timeoutMs: Math.max(1, Math.ceil(task.timeoutMs - (performance.now() - startedAt))),
      maxBodyBytes: task.maxResponseBytes,
      egressAllow: task.egressAllow,
      signal,
      ...(task.partition === undefined ? {} : { partition: task.partition }),
      mayCut: (headers) => mayCut(task, headers),
      ...(task.progressPort && { onResponse: listenTo(task, needles) }),
    })
    const { status, body } = response
    const shown = needles === undefined ? response : { ...response, body: redact(body, needles) }
    const rewritten = await interceptors?.rewriteResponse(shown)
    return {
      type: 'result',
      ...shape(task, shown, built.url, rewritten),
      status,
      responseBytes: body.length,
      ...uses,
    }
  } catch (error) {
    return { ...describeFailure(error), ...uses }
  } finally {
    interceptors?.end()
  }
}

/** A text that is too long is of use up to there, where nobody has to read it as a whole. */
function mayCut(
  { resource, isMcpResult = false, interception }: CallTask,
  headers: EgressResponse['headers'],
): boolean {
  const isReadAsWhole = (interception?.response.length ?? 0) > 0 || isMcpResult
  return resource === undefined && !isReadAsWhole && isTextType(headers)
}

/** Tells the main thread what an upstream says while it streams its answer. */
function listenTo(
  { progressPort, interception }: CallTask,
  needles: readonly Buffer[] | undefined,
): NonNullable<EgressRequest['onResponse']> {
  return (headers) =>
    createReporter(headers, {
      // What an interceptor would take out of the answer must not be told before it.
      isVerbose: (interception?.response.length ?? 0) === 0,
      mask: maskBy(needles),
      report: (progress) => progressPort?.postMessage(progress),
    })
}

function maskBy(needles: readonly Buffer[] | undefined): (text: string) => string {
  if (needles === undefined) return (text) => text
  return (text) => Buffer.from(redact(Buffer.from(text), needles)).toString()
}

/** What the caller sees of the answer, in the shape that it asked for. */
function shape(
  { resource, isMcpResult = false }: CallTask,
  response: EgressResponse,
  url: URL,
  rewritten: Rewritten | undefined,
): Shaped {
  const { status } = response
  const isError = status < 200 || status >= 300
  if (isMcpResult && resource === undefined && !isError) {
    return shapeMcpResult(rewritten?.text ?? readText(response) ?? '')
  }
  if (rewritten === undefined) {
    return resource === undefined
      ? shapeResponse(response, url)
      : shapeResource(response, resource, url)
  }
  const { text, structured } = rewritten
  return resource === undefined || isError
    ? shapeText(text, status, structured)
    : shapeResourceText(text, resource)
}

/** @throws whatever is no failure of a call */
function describeFailure(error: unknown): CallResult {
  if (
    error instanceof ArgumentsError ||
    error instanceof VariableError ||
    error instanceof InterceptorError ||
    error instanceof EgressError
  ) {
    return describe(error.code, error.message)
  }
  if (error instanceof RangeError) {
    return describe('ARGUMENTS_INVALID', 'Invalid arguments: they are nested too deeply')
  }
  throw error
}

function describe(failure: CallFailure, message: string): CallResult {
  return { type: 'result', ...shapeError(message), failure, responseBytes: 0 }
}

function openChain(
  { interception, partition = '', timeoutMs }: CallTask,
  signal: AbortSignal,
  run: RunInterceptor | undefined,
  needles: readonly Buffer[] | undefined,
): Interceptors | undefined {
  if (interception === undefined) return undefined
  // Unreachable: the thread asks for the sandbox first. Without it no interceptor may be left out.
  if (run === undefined) throw new Error('A call with interceptors needs a sandbox')
  const options = { run, accountId: partition, signal, timeoutMs }
  return openInterceptors(interception, options, maskBy(needles))
}

/** The arguments as the interceptors leave them, checked again: a script may be wrong, too. */
async function rewrite(
  tool: Tool,
  { argumentsText }: CallTask,
  interceptors: Interceptors,
): Promise<Readonly<Record<string, unknown>>> {
  const text = await interceptors.rewriteRequest(argumentsText)
  try {
    return readArguments(tool, text)
  } catch (error) {
    if (!(error instanceof ArgumentsError || error instanceof RangeError)) throw error
    const reason = error instanceof RangeError ? 'they are nested too deeply' : error.message
    const message = `What the request interceptors made of the arguments cannot be sent: ${reason}`
    throw new InterceptorError('INTERCEPTOR_OUTPUT', message)
  }
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

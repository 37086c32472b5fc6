// Runs the interceptors of one call, one after the other, in the sandbox. What an interceptor should
// have changed and did not never goes on as it was, unless its owner said so.
import type { IncomingHttpHeaders } from 'node:http'
import type { EgressResponse } from '../egress/client.ts'
import { estimateTokens } from '../estimate-tokens.ts'
import type { CallInterceptor, Interception, InterceptorUse } from '../messages.ts'
import type { RunJob } from '../sandbox/attach-port.ts'
import { MAX_PAYLOAD_BYTES, type SandboxOutcome, type ThreadJob } from '../sandbox/messages.ts'
import { InterceptorError } from './error.ts'
import { findOutputProblem } from './check-output.ts'
import { outputSchemaOf } from './output-schema.ts'
import { readText } from './shape-result.ts'

/** The interceptors of a call under way. */
export interface Interceptors {
  /** What each did so far. */
  readonly uses: readonly InterceptorUse[]
  /**
   * The arguments as the request's interceptors leave them, JSON text.
   * @throws {InterceptorError} INTERCEPTOR_… when one ends the call, CANCELLED when `signal` did
   */
  rewriteRequest(argumentsText: string): Promise<string>
  /**
   * The body as the response's interceptors leave it; undefined where none changed it.
   * @throws {InterceptorError} INTERCEPTOR_… when one ends the call, CANCELLED when `signal` did
   */
  rewriteResponse(response: EgressResponse): Promise<Rewritten | undefined>
  /** The call is over: leaves no timer. */
  end(): void
}

/** What the response's interceptors made of the body. */
export interface Rewritten {
  readonly text: string
  /** The same as JSON text of an object, where the last of them has a schema for it. */
  readonly structured: string | undefined
}

/** What runs them. */
export interface InterceptOptions {
  readonly run: RunJob<ThreadJob>
  readonly accountId: string
  /** Of the call: its cancellation. */
  readonly signal: AbortSignal
  /** Of the whole call, in milliseconds from now. */
  readonly timeoutMs: number
}

// What tells of the answer and of nobody's session.
const SHOWN_HEADERS = [
  'content-type',
  'content-language',
  'etag',
  'last-modified',
  'link',
  'retry-after',
  'x-total-count',
  'x-ratelimit-limit',
  'x-ratelimit-remaining',
  'x-ratelimit-reset',
] as const

interface State extends InterceptOptions {
  /** Aborted when the call is cancelled or its time is over. */
  readonly stop: AbortSignal
  readonly uses: InterceptorUse[]
}

/** The call's interceptors, of which none has run yet. `mask` takes secrets out of a text. */
export function openInterceptors(
  { request, response, tool }: Interception,
  options: InterceptOptions,
  mask: (text: string) => string,
): Interceptors {
  // Not AbortSignal.timeout: it would outlive its call, by as long as a call may take.
  const controller = new AbortController()
  const onStop = () => {
    controller.abort()
  }
  const timer = setTimeout(onStop, options.timeoutMs)
  options.signal.addEventListener('abort', onStop, { once: true })
  if (options.signal.aborted) onStop()
  const state: State = { ...options, stop: controller.signal, uses: [] }
  return {
    uses: state.uses,
    async rewriteRequest(argumentsText) {
      let text = argumentsText
      for (const one of request) {
        text = (await runOne(state, one, 'REQUEST', text, `{"tool":${tool}}`)) ?? text
      }
      return text
    },
    async rewriteResponse(answer) {
      const isError = answer.status < 200 || answer.status >= 300
      const chain = isError ? response.filter(({ seesErrors }) => seesErrors) : response
      if (chain.length === 0) return undefined
      const { status } = answer
      const headers = mask(JSON.stringify(pickHeaders(answer.headers)))
      const globals = `{"status":${status},"headers":${headers},"tool":${tool}}`
      let json = toJson(answer)
      let isChanged = false
      for (const one of chain) {
        const output = await runOne(state, one, 'RESPONSE', json, globals)
        isChanged ||= output !== undefined
        json = output ?? json
      }
      if (!isChanged || json === undefined) return undefined
      const structured = outputSchemaOf(chain) === undefined ? undefined : json
      return { text: toText(json), structured }
    },
    end() {
      clearTimeout(timer)
      options.signal.removeEventListener('abort', onStop)
    },
  }
}

function pickHeaders(headers: IncomingHttpHeaders): Readonly<Record<string, string>> {
  const shown = SHOWN_HEADERS.flatMap((name) => {
    const value = headers[name]
    return typeof value === 'string' ? [[name, value] as const] : []
  })
  return Object.fromEntries(shown)
}

/** The body as JSON text: as it is, or as a string where it is no JSON. Undefined where it is no text. */
function toJson(response: EgressResponse): string | undefined {
  if (response.body.length === 0) return 'null'
  const text = readText(response)
  // The sandbox refuses so large an input, whatever it is.
  if (text === undefined || Buffer.byteLength(text) > MAX_PAYLOAD_BYTES) return text
  try {
    JSON.parse(text)
    return text
  } catch {
    return JSON.stringify(text)
  }
}

/** A string is shown as it is, everything else as JSON. */
function toText(json: string): string {
  return json.startsWith('"') ? (JSON.parse(json) as string) : json
}

/** The interceptor's output; undefined where the input stays as it is. */
async function runOne(
  state: State,
  one: CallInterceptor,
  phase: InterceptorUse['phase'],
  input: string | undefined,
  globals: string,
): Promise<string | undefined> {
  const bytes = new TextEncoder().encode(input ?? '')
  const [bytesBefore, tokensBefore] = [bytes.length, estimateTokens(bytes)]
  const outcome = input === undefined ? noText(one) : await runJob(state, one, bytes, globals)
  const { id: interceptorId, isAudit, passesThrough } = one
  const before = { interceptorId, phase, bytesBefore, tokensBefore }
  if (outcome.type === 'done') {
    const { output, cpuMs } = outcome
    const text = new TextDecoder().decode(output)
    const problem = isAudit ? undefined : findOutputProblem(one.outputSchema, text)
    const after = { bytesAfter: output.length, tokensAfter: estimateTokens(output), cpuMs }
    state.uses.push({ ...before, ...after, ...(problem && { failure: 'INTERCEPTOR_OUTPUT' }) })
    if (problem !== undefined) throw refuseOutput(one, problem)
    return isAudit ? undefined : text
  }
  if (outcome.code === 'CANCELLED') throw describeEnd(state, one)
  const unchanged = { bytesAfter: bytesBefore, tokensAfter: tokensBefore }
  state.uses.push({ ...before, ...unchanged, failure: outcome.code })
  if (isAudit || passesThrough) return undefined
  throw new InterceptorError(
    outcome.code,
    `${describe(one, phase, outcome)}; ${consequences[phase]}`,
  )
}

/** The result is not what its owner declared. */
function refuseOutput({ name }: CallInterceptor, problem: string): InterceptorError {
  const message = `Interceptor ${JSON.stringify(name)} made what does not fit its outputSchema: ${problem}; ${consequences.RESPONSE}`
  return new InterceptorError('INTERCEPTOR_OUTPUT', message)
}

const consequences = {
  REQUEST: 'nothing was sent to the upstream',
  RESPONSE: 'the upstream was called, and its answer is withheld',
} as const

async function runJob(
  state: State,
  { id, name, engine, scriptHash }: CallInterceptor,
  bytes: Uint8Array,
  globals: string,
): Promise<SandboxOutcome> {
  const { run, accountId, stop } = state
  const job = { accountId, interceptorId: id, interceptorName: name, engine, scriptHash, globals }
  // On a buffer of its own: it is transferred.
  return await run({ ...job, input: bytes.slice() }, stop)
}

function noText({ name }: CallInterceptor): SandboxOutcome {
  const message = `Interceptor ${JSON.stringify(name)} was not run: the answer is no text`
  return { type: 'failed', code: 'INTERCEPTOR_INPUT', message, console: [] }
}

function describe(
  { name }: CallInterceptor,
  phase: InterceptorUse['phase'],
  { code, message, line, column }: Extract<SandboxOutcome, { type: 'failed' }>,
): string {
  const place = line === undefined ? '' : ` (line ${line}, column ${column ?? 1})`
  // What a script throws over an answer may quote it: `JSON.parse` does.
  if (phase === 'RESPONSE' && code === 'INTERCEPTOR_FAILED') {
    return `Interceptor ${JSON.stringify(name)} failed${place}`
  }
  // The supervisor's own messages name it already.
  const isNamed = message.startsWith('Interceptor ')
  return `${isNamed ? '' : `Interceptor ${JSON.stringify(name)}: `}${message}${place}`
}

function describeEnd({ signal, timeoutMs }: State, { name }: CallInterceptor): InterceptorError {
  if (signal.aborted) return new InterceptorError('CANCELLED', 'The call was cancelled')
  const message = `The call took longer than ${timeoutMs} ms: its time was over in interceptor ${JSON.stringify(name)}`
  return new InterceptorError('INTERCEPTOR_TIMEOUT', message)
}

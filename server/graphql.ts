// The GraphQL endpoint as a function of a Request. Whoever shows no valid credential is refused
// before a byte of the body is parsed: nothing of this API is public, not even its introspection.
import { parse, validate, type ValidationRule } from 'graphql'
import { createYoga } from 'graphql-yoga'
import type { Plugin } from 'graphql-yoga'
import { runUnder } from '../db/abort.ts'
import { UnauthenticatedError } from '../schema/refusal.ts'
import type { Context, People, Viewer } from '../schema/context.ts'
import { costRule } from '../schema/limit-cost.ts'
import { introspectionRule } from '../schema/limit-introspection.ts'
import { shapeRule } from '../schema/limit-shape.ts'
import { schema } from '../schema/schema.ts'
import { ClientGoneError, clientGoneResponse } from './client-gone.ts'
import { printCursor, readCursor } from './cursor.ts'
import { startDeadline, type Deadline } from './deadline.ts'
import { findCause, refuse, statusOf, toAnsweredError, toGraphqlError } from './graphql-error.ts'

/** What the endpoint needs of the process. */
export interface GraphqlDeps extends Pick<
  Context,
  'db' | 'vault' | 'sandbox' | 'importDocument' | 'callTool' | 'deriveBytes' | 'mcpUrl' | 'tickets'
> {
  /** `setCookie` is given the `Set-Cookie` of the response. */
  readonly createPeople: (setCookie: (text: string) => void) => People
  /** Who sent the request; undefined where nobody valid did. */
  readonly authenticate: (request: Request) => Promise<Viewer | undefined>
  /** Signs the cursors of lists; the same in every process, or pages end where the process changes. */
  readonly cursorKey: Uint8Array
  /** Default: true. Whoever asks holds a key in any case. */
  readonly isIntrospectionOn?: boolean
  /** Default: 10 s. */
  readonly operationTimeoutMs?: number
  /** Told of every error that the client sees masked. */
  readonly onError: (error: unknown, requestId: string) => void
}

// The longest sensible operation, an introspection, has about 250; parsing 1,000 takes under a millisecond.
const MAX_TOKENS = 1000

// From the whole body to the answer. The slowest operation that is allowed takes under a second.
const OPERATION_TIMEOUT_MS = 10_000

const HINT = ' Did you mean '

/** Answers `POST /graphql`. `requestId` stands in every error. */
export function createGraphql(
  deps: GraphqlDeps,
): (request: Request, requestId: string) => Promise<Response> {
  const { tickets } = deps
  const { db, vault, sandbox, importDocument, callTool, deriveBytes, mcpUrl, cursorKey, onError } =
    deps
  const yoga = openYoga(deps)
  const answer = async (
    request: Request,
    requestId: string,
    { signal, withOwnBound }: Deadline,
  ): Promise<Response> => {
    const viewer = await deps.authenticate(request)
    if (viewer === undefined) throw new UnauthenticatedError()
    const cursors = cursorsOf(cursorKey, viewer.accountId ?? '')
    const cookies: string[] = []
    const response = await yoga.fetch(request, {
      requestId,
      db,
      vault,
      sandbox,
      callTool,
      signal,
      withOwnBound,
      viewer,
      authenticateAgain: () => deps.authenticate(request),
      importDocument,
      deriveBytes,
      mcpUrl,
      tickets,
      people: deps.createPeople((text) => cookies.push(text)),
      ...cursors,
    })
    for (const text of cookies) response.headers.append('set-cookie', text)
    return response
  }
  return async (request, requestId) => {
    const refusal = refuseForm(request, requestId)
    if (refusal !== undefined) return refusal
    const deadline = startDeadline(deps.operationTimeoutMs ?? OPERATION_TIMEOUT_MS, request.signal)
    try {
      const { signal } = deadline
      return await deadline.race(runUnder(signal, () => answer(request, requestId, deadline)))
    } catch (error) {
      if (error instanceof ClientGoneError) return clientGoneResponse()
      const known = toGraphqlError(error)
      if (known.code === 'INTERNAL') onError(error, requestId)
      return refuse(known, requestId, headersOf(known.httpStatus))
    } finally {
      deadline.end()
    }
  }
}

function openYoga({ isIntrospectionOn = true, onError }: GraphqlDeps) {
  const rules = [costRule, shapeRule, ...(isIntrospectionOn ? [] : [introspectionRule])]
  return createYoga<Context>({
    schema,
    graphqlEndpoint: '/graphql',
    logging: false,
    graphiql: false,
    landingPage: false,
    multipart: false,
    batching: false,
    cors: false,
    // `errorPlugin` does it, and knows the request's id.
    maskedErrors: false,
    plugins: [limitPlugin(rules), errorPlugin(onError, isIntrospectionOn)],
    // Otherwise Yoga answers with a Response class of its own, which the runtimes do not know.
    fetchAPI: { Request, Response, Headers, ReadableStream, URL, TextEncoder, TextDecoder },
  })
}

/** Cursors that are good for lists of this account only. */
function cursorsOf(
  key: Uint8Array,
  accountId: string,
): Pick<Context, 'printCursor' | 'readCursor'> {
  return {
    printCursor: (list, id) => printCursor(key, `${accountId} ${list}`, id),
    readCursor: (list, cursor) => readCursor(key, `${accountId} ${list}`, cursor),
  }
}

/** Only what a page of another origin cannot send without a preflight, which nothing here answers. */
function refuseForm(request: Request, requestId: string): Response | undefined {
  if (request.method !== 'POST') {
    const message = `The method is ${request.method}; expected POST`
    return refuse({ code: 'METHOD_NOT_ALLOWED', message, httpStatus: 405 }, requestId, {
      allow: 'POST',
    })
  }
  const type = request.headers.get('content-type') ?? ''
  if (/^application\/json\s*(?:;|$)/i.test(type)) return undefined
  const message = 'The Content-Type must be application/json'
  return refuse({ code: 'INVALID', message, httpStatus: 415 }, requestId)
}

function limitPlugin(rules: readonly ValidationRule[]): Plugin {
  return {
    onParse({ setParseFn }) {
      setParseFn((source, options) => parse(source, { ...options, maxTokens: MAX_TOKENS }))
    },
    // Before the others, which take longer over what is too large anyway.
    onValidate({ validateFn, setValidationFn }) {
      setValidationFn((...args: Parameters<typeof validate>) => {
        const refusals = validate(args[0], args[1], rules)
        return refusals.length > 0 ? refusals : validateFn(...args)
      })
    },
  }
}

function errorPlugin(onError: GraphqlDeps['onError'], hasHints: boolean): Plugin<object, Context> {
  return {
    onResultProcess(payload) {
      const { result } = payload
      const { requestId } = payload.serverContext
      if (Array.isArray(result) || !('errors' in result) || !result.errors?.length) return
      const known = result.errors.map((error) => {
        const one = toGraphqlError(error)
        return hasHints ? one : { ...one, message: withoutHint(one.message) }
      })
      const errors = result.errors.map((error, index) => {
        const one = known[index] ?? toGraphqlError(error)
        if (one.code === 'INTERNAL') onError(findCause(error), requestId)
        return toAnsweredError(error, one, requestId)
      })
      const data: unknown = 'data' in result ? result.data : undefined
      const status = statusOf(data !== undefined && data !== null, known)
      const answer = {
        ...(data !== undefined && { data }),
        errors,
        extensions: { http: { status, headers: headersOf(status) } },
      }
      // Yoga prints errors that are no GraphQLErrors as they are, which is the point of it.
      payload.setResult(answer as unknown as typeof result)
    },
  }
}

/** Hints name what introspection would. The last one is GraphQL's; a value before it may hold the same words. */
function withoutHint(message: string): string {
  const index = message.endsWith('?') ? message.lastIndexOf(HINT) : -1
  return index === -1 ? message : message.slice(0, index)
}

function headersOf(status: number): Readonly<Record<string, string>> {
  // RFC 9110, section 11.6.1: a 401 names the scheme.
  if (status === 401) return { 'www-authenticate': 'Bearer realm="hasmcp"' }
  return status === 503 ? { 'retry-after': '1' } : {}
}

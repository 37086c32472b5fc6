// The GraphQL endpoint as a function of a Request. Whoever shows no valid credential is refused
// before a byte of the body is parsed: nothing of this API is public, not even its introspection.
import { parse } from 'graphql'
import { createYoga } from 'graphql-yoga'
import type { Plugin } from 'graphql-yoga'
import { UnauthenticatedError } from '../schema/context.ts'
import type { Context, Viewer } from '../schema/context.ts'
import { costRule } from '../schema/limit-cost.ts'
import { schema } from '../schema/schema.ts'
import { findCause, refuse, statusOf, toAnsweredError, toGraphqlError } from './graphql-error.ts'

/** What the endpoint needs of the process. */
export interface GraphqlDeps extends Pick<Context, 'db' | 'importDocument' | 'mcpUrl'> {
  /** Who sent the request; undefined where nobody valid did. */
  readonly authenticate: (request: Request) => Promise<Viewer | undefined>
  /** Told of every error that the client sees masked. */
  readonly onError: (error: unknown, requestId: string) => void
}

// The longest sensible operation, an introspection, has about 250; parsing 1,000 takes under a millisecond.
const MAX_TOKENS = 1000

/** Answers `POST /graphql`. `requestId` stands in every error. */
export function createGraphql(
  deps: GraphqlDeps,
): (request: Request, requestId: string) => Promise<Response> {
  const { db, importDocument, mcpUrl, onError } = deps
  const yoga = createYoga<Context>({
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
    plugins: [limitPlugin, errorPlugin(onError)],
    // Otherwise Yoga answers with a Response class of its own, which the runtimes do not know.
    fetchAPI: { Request, Response, Headers, ReadableStream, URL, TextEncoder, TextDecoder },
  })
  return async (request, requestId) => {
    try {
      const refusal = refuseForm(request, requestId)
      if (refusal !== undefined) return refusal
      const viewer = await deps.authenticate(request)
      if (viewer === undefined) throw new UnauthenticatedError()
      return await yoga.fetch(request, { requestId, db, viewer, importDocument, mcpUrl })
    } catch (error) {
      const known = toGraphqlError(error)
      if (known.code === 'INTERNAL') onError(error, requestId)
      return refuse(known, requestId, headersOf(known.httpStatus))
    }
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

const limitPlugin: Plugin = {
  onParse({ setParseFn }) {
    setParseFn((source, options) => parse(source, { ...options, maxTokens: MAX_TOKENS }))
  },
  onValidate({ addValidationRule }) {
    addValidationRule(costRule)
  },
}

function errorPlugin(onError: GraphqlDeps['onError']): Plugin<object, Context> {
  return {
    onResultProcess(payload) {
      const { result } = payload
      const { requestId } = payload.serverContext
      if (Array.isArray(result) || !('errors' in result) || !result.errors?.length) return
      const known = result.errors.map(toGraphqlError)
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

function headersOf(status: number): Readonly<Record<string, string>> {
  // RFC 9110, section 11.6.1: a 401 names the scheme.
  if (status === 401) return { 'www-authenticate': 'Bearer realm="hasmcp"' }
  return status === 503 ? { 'retry-after': '1' } : {}
}

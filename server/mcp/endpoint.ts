// POST /mcp/{serverId} as a function from Request to Response. No SDK server object stands behind
// it: building one for each request costs more than all the rest of a call.
import type { Events } from '../../db/events.ts'
import { SuspendedError } from '../../schema/refusal.ts'
import { errorResponse, toPublicError } from '../errors.ts'
import { readToken, unauthenticated } from './authenticate.ts'
import { preflightResponse, withCors } from './cors.ts'
import { answerBody, withStatus, type MessageDeps } from './answer-body.ts'
import { createChangeHub } from './change-hub.ts'
import type { ContentStore } from './content-store.ts'
import { createLegacyEra } from './legacy.ts'
import { createModernEra } from './modern.ts'
import { type Reply, errorReply, toResponse } from './reply.ts'
import { createRequestStates, type UseOnce } from './request-state.ts'
import { createInterestBudget } from './interest-budget.ts'
import type { RouteStore } from './route.ts'
import { RpcError } from './rpc-error.ts'
import { createSessions } from './session.ts'
import { answerSession, isOfSession } from './session-request.ts'
import { createStreamHouse, type StreamHouse } from './stream-house.ts'
import type { CallTool } from './tool.ts'
import { createToolPages } from './tool-page.ts'

/** What the endpoint needs of the process. */
export interface McpDeps {
  readonly routes: RouteStore
  readonly call: CallTool
  readonly content: ContentStore
  /** Told of what is our own fault, before it is masked. */
  readonly onError: (error: unknown, requestId: string) => void
  /** The product's version, as clients are shown it. */
  readonly version: string
  /** Whether pages of that origin may speak to us. */
  readonly allowedOrigins: (origin: string) => boolean
  /** What the control plane changes, for notices. */
  readonly events: Pick<Events, 'subscribe' | 'onDistrust' | 'isTrusted'>
  /** Signs the cursors of lists: the same in all processes and after a restart. */
  readonly cursorKey: Uint8Array
  /** Signs the ids of sessions, likewise. */
  readonly sessionKey: Uint8Array
  /** Seals what calls know between rounds of questions, likewise: 32 bytes. */
  readonly stateKey: Uint8Array
  readonly useOnce: UseOnce
}

/** MCP over HTTP. */
export interface McpEndpoint {
  /** Answers one HTTP request to the server of that id. It never rejects. */
  readonly answer: (request: Request, serverId: string, requestId: string) => Promise<Response>
  /** How many streams are open. */
  readonly countStreams: () => number
  /** Ends all streams, each with its farewell. */
  readonly close: () => void
}

/** Only of {@link refuseOrigin} and of suspended accounts, which a page need not read either. */
const ORIGIN_DENIED_STATUS = 403
/** How long to wait after a 503, in seconds: a busy queue moves on, a database restarts. */
const RETRY_AFTER_SECONDS = '1'

/** Speaks MCP in every revision from 2024-11-05 to 2026-07-28. */
export function createMcpEndpoint(deps: McpDeps): McpEndpoint {
  const house = createHouse(deps)
  return {
    async answer(request, serverId, requestId) {
      const origin = request.headers.get('origin')
      if (origin === null) return await answer(house, request, serverId, requestId)
      // Whose pages may speak to a server only who opens it is told. A preflight opens nothing.
      if (request.method === 'OPTIONS') return withCors(preflightResponse(), origin)
      const isAllowed = (allowed: readonly string[]) =>
        deps.allowedOrigins(origin) || allowed.includes(origin)
      const response = await answer(house, request, serverId, requestId, isAllowed)
      return response.status === ORIGIN_DENIED_STATUS ? response : withCors(response, origin)
    },
    countStreams: house.streams.count,
    close: house.streams.close,
  }
}

interface House extends MessageDeps {
  readonly deps: McpDeps
  readonly streams: StreamHouse
}

function createHouse(deps: McpDeps): House {
  const { events, routes, onError, cursorKey, sessionKey, stateKey, useOnce } = deps
  const onHubError = (error: unknown) => {
    onError(error, 'change notices')
  }
  const hub = createChangeHub({
    events,
    findRoute: (accountId, serverId) => routes.find(accountId, serverId),
    onError: onHubError,
  })
  const interest = createInterestBudget()
  const streams = createStreamHouse(hub, routes, interest)
  const sessions = createSessions(sessionKey, interest)
  const states = createRequestStates(stateKey, useOnce)
  const eraDeps = { ...deps, pages: createToolPages(cursorKey), sessions, states, streams }
  const eras = { legacy: createLegacyEra(eraDeps), modern: createModernEra(eraDeps) }
  return { deps, eras, sessions, streams }
}

async function answer(
  house: House,
  request: Request,
  serverId: string,
  requestId: string,
  isAllowed: IsAllowed = () => true,
): Promise<Response> {
  const { method } = request
  if (method !== 'POST' && !isOfSession(request)) return refuseMethod(method, requestId)
  const bearer = readToken(request)
  if (bearer.type !== 'token') {
    return isAllowed([]) ? unauthenticated(bearer.type, requestId) : refuseOrigin(requestId)
  }
  const fail = (error: unknown): RpcError => toRpcError(house.deps, error, requestId)
  try {
    const opening = await house.deps.routes.open(serverId, bearer.token, bearer.isInUrl)
    if (!isAllowed(opening.type === 'opened' ? opening.route.allowedOrigins : [])) {
      return refuseOrigin(requestId)
    }
    if (opening.type === 'refused') return unauthenticated('token', requestId)
    if (opening.type === 'suspended') {
      return errorResponse(toPublicError(new SuspendedError()), requestId)
    }
    const { headers, signal } = request
    const { route, tokenId } = opening
    const { token, isInUrl: isTokenInUrl } = bearer
    const caller = { route, tokenId, token, isTokenInUrl, headers, signal, toRpcError: fail }
    if (method === 'POST') return respond(await answerBody(house, caller, request))
    return respond(answerSession(house.sessions, house.streams, caller, method))
  } catch (error) {
    return respond(errorReply(undefined, ...withStatus('modern', fail(error))))
  }
}

/** Whether pages of the request's origin may speak to a server that allows these. */
type IsAllowed = (allowed: readonly string[]) => boolean

/** "If the Origin header is present and invalid, servers MUST respond with HTTP 403 Forbidden." */
function refuseOrigin(requestId: string): Response {
  const message = 'Pages of this origin may not use this server'
  return errorResponse({ code: 'ORIGIN_DENIED', message }, requestId)
}

function refuseMethod(method: string, requestId: string): Response {
  const message = `The method is ${method}, expected POST; GET and DELETE are for sessions: send the Mcp-Session-Id that initialize answered with`
  return errorResponse({ code: 'METHOD_NOT_ALLOWED', message }, requestId, { allow: 'POST' })
}

function toRpcError(deps: McpDeps, error: unknown, requestId: string): RpcError {
  if (error instanceof RpcError) return error
  const known = toPublicError(error)
  if (known.code !== 'INTERNAL') {
    return new RpcError(known.jsonRpcCode, known.message, { httpStatus: known.httpStatus })
  }
  deps.onError(error, requestId)
  return new RpcError(known.jsonRpcCode, known.message, {
    httpStatus: known.httpStatus,
    data: { requestId },
  })
}

function respond(reply: Reply): Response {
  switch (reply.status) {
    case 413:
      // What is left of the body would have to be read before the next request.
      return toResponse(reply, { connection: 'close' })
    case 503:
      return toResponse(reply, { 'retry-after': RETRY_AFTER_SECONDS })
    default:
      return toResponse(reply)
  }
}

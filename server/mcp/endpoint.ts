// POST /mcp/{serverId} as a function from Request to Response. No SDK server object stands behind
// it: building one for each request costs more than all the rest of a call.
import type { Events } from '../../db/events.ts'
import { SuspendedError } from '../../schema/context.ts'
import { errorResponse, toPublicError } from '../errors.ts'
import { readBearer, unauthenticated } from './authenticate.ts'
import { preflightResponse, withCors } from './cors.ts'
import { runBatch } from './batch.ts'
import { createChangeHub } from './change-hub.ts'
import type { ContentStore } from './content-store.ts'
import type { AnswerMessage, Caller } from './era.ts'
import { type Message, type RequestId, parseBody } from './json-rpc.ts'
import { createLegacyEra } from './legacy.ts'
import { openStream } from './legacy-stream.ts'
import { readsStreams } from './live-reply.ts'
import { checkMediaTypes } from './media-type.ts'
import { createModernEra } from './modern.ts'
import {
  BATCH_VERSION,
  type Era,
  LEGACY_VERSIONS,
  SESSION_HEADER,
  VERSION_HEADER,
  errorStatus,
  hasClaim,
  readEra,
} from './protocol.ts'
import { readBody } from './read-body.ts'
import { type Reply, batchReply, errorReply, toResponse } from './reply.ts'
import type { RouteStore } from './route.ts'
import { INVALID_REQUEST, RpcError } from './rpc-error.ts'
import { createSessions, type Session, type Sessions } from './session.ts'
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
  /** Signs the ids of sessions, likewise. */
  readonly sessionKey: Uint8Array
  /** Signs the cursors of lists: the same in all processes and after a restart. */
  readonly cursorKey: Uint8Array
}

/** MCP over HTTP. */
export interface McpEndpoint {
  /** Answers one HTTP request to the server of that id. It never rejects. */
  readonly answer: (request: Request, serverId: string, requestId: string) => Promise<Response>
  /** Ends all streams, each with its farewell. */
  readonly close: () => void
}

/** How long to wait after a 503, in seconds: a busy queue moves on, a database restarts. */
const RETRY_AFTER_SECONDS = '1'

type Eras = Readonly<Record<Era, AnswerMessage>>

/** Speaks MCP in every revision from 2024-11-05 to 2026-07-28. */
export function createMcpEndpoint(deps: McpDeps): McpEndpoint {
  const house = createHouse(deps)
  return {
    async answer(request, serverId, requestId) {
      const origin = request.headers.get('origin')
      // "If the Origin header is present and invalid, servers MUST respond with HTTP 403 Forbidden."
      if (origin !== null && !deps.allowedOrigins(origin)) {
        const message = 'Pages of this origin may not use this server'
        return errorResponse({ code: 'ORIGIN_DENIED', message }, requestId)
      }
      const response = await answer(house, request, serverId, requestId)
      return origin === null ? response : withCors(response, origin)
    },
    close: house.streams.close,
  }
}

interface House {
  readonly deps: McpDeps
  readonly eras: Eras
  readonly sessions: Sessions
  readonly streams: StreamHouse
}

function createHouse(deps: McpDeps): House {
  const { events, routes, onError, cursorKey, sessionKey } = deps
  const onHubError = (error: unknown) => {
    onError(error, 'change notices')
  }
  const hub = createChangeHub({
    events,
    findRoute: (accountId, serverId) => routes.find(accountId, serverId),
    onError: onHubError,
  })
  const streams = createStreamHouse(hub, routes)
  const sessions = createSessions(sessionKey)
  const eraDeps = { ...deps, pages: createToolPages(cursorKey), sessions, streams }
  const eras = { legacy: createLegacyEra(eraDeps), modern: createModernEra(eraDeps) }
  return { deps, eras, sessions, streams }
}

async function answer(
  house: House,
  request: Request,
  serverId: string,
  requestId: string,
): Promise<Response> {
  const { method } = request
  if (method === 'OPTIONS' && request.headers.has('origin')) return preflightResponse()
  if (method !== 'POST' && !isOfSession(request)) return refuseMethod(method, requestId)
  const bearer = readBearer(request.headers)
  if (bearer.type !== 'token') return unauthenticated(bearer.type, requestId)
  const fail = (error: unknown): RpcError => toRpcError(house.deps, error, requestId)
  try {
    const opening = await house.deps.routes.open(serverId, bearer.token)
    if (opening.type === 'refused') return unauthenticated('token', requestId)
    if (opening.type === 'suspended') {
      return errorResponse(toPublicError(new SuspendedError()), requestId)
    }
    const { headers, signal } = request
    const { route, tokenId } = opening
    const caller = { route, tokenId, token: bearer.token, headers, signal }
    if (method === 'POST') return respond(await answerBody(house, fail, caller, request))
    return respond(answerSession(house, caller, method))
  } catch (error) {
    return respond(errorReply(undefined, ...withStatus('modern', fail(error))))
  }
}

/** GET and DELETE are a legacy session's; without one there is nothing to stream and to end. */
function isOfSession({ method, headers }: Request): boolean {
  if (method !== 'GET' && method !== 'DELETE') return false
  const version = headers.get(VERSION_HEADER)
  return headers.has(SESSION_HEADER) && (version === null || LEGACY_VERSIONS.includes(version))
}

function refuseMethod(method: string, requestId: string): Response {
  const message = `The method is ${method}, expected POST; GET and DELETE are for sessions: send the Mcp-Session-Id that initialize answered with`
  return errorResponse({ code: 'METHOD_NOT_ALLOWED', message }, requestId, { allow: 'POST' })
}

function answerSession({ sessions, streams }: House, caller: Caller, method: string): Reply {
  const session = findSession(sessions, caller)
  if (session === undefined) throw new RpcError(INVALID_REQUEST, 'The session is missing')
  if (method === 'DELETE') {
    sessions.end(session.id)
    return { status: 204 }
  }
  if (!readsStreams(caller.headers)) {
    const message = 'The Accept header lacks text/event-stream, which the answer is'
    throw new RpcError(INVALID_REQUEST, message, { httpStatus: 406 })
  }
  return openStream(streams, sessions, caller, session)
}

/**
 * The session that the caller names; undefined where none is named.
 *
 * @throws {RpcError} -32600 with HTTP status 404 when it is not one of the token's, or was ended: "the
 *   client MUST start a new session".
 */
function findSession(sessions: Sessions, { route, tokenId, headers }: Caller): Session | undefined {
  const id = headers.get(SESSION_HEADER)
  if (id === null) return undefined
  const session = sessions.find(route.serverId, tokenId, id)
  if (session !== undefined) return session
  const message = 'There is no such session: it was ended, or is not of this server and token'
  throw new RpcError(INVALID_REQUEST, message, { httpStatus: 404 })
}

async function answerBody(
  house: House,
  fail: (error: unknown) => RpcError,
  caller: Caller,
  request: Request,
): Promise<Reply> {
  checkMediaTypes(caller.headers)
  const body = parseBody(await readBody(request))
  if (body.kind === 'single') return await answerMessage(house, fail, caller, body.message)
  return await answerBatch(house, fail, caller, body.messages)
}

async function answerBatch(
  house: House,
  fail: (error: unknown) => RpcError,
  outer: Caller,
  messages: readonly Message[],
): Promise<Reply> {
  checkBatch(outer.headers, messages)
  const headers = new Headers(outer.headers)
  // The answers of a batch are one array: none of them can be a stream.
  headers.set('accept', 'application/json')
  const caller = { ...outer, headers }
  const replies = await runBatch(messages, async (message) => {
    if (!isInitialize(message) || message.kind !== 'request') {
      return await answerMessage(house, fail, caller, message)
    }
    // 2025-03-26: "the initialize request MUST NOT be part of a JSON-RPC batch"
    const error = new RpcError(INVALID_REQUEST, 'initialize must not be part of a batch')
    return refuse(message.id, error)
  })
  const reply = batchReply(replies)
  return messages.every(({ kind }) => kind === 'invalid') ? { ...reply, status: 400 } : reply
}

/** One message's answer; it never rejects, so that one of a batch does not take the others along. */
async function answerMessage(
  { eras, sessions }: House,
  fail: (error: unknown) => RpcError,
  caller: Caller,
  message: Message,
): Promise<Reply> {
  if (message.kind === 'invalid') {
    return refuse(message.id, new RpcError(INVALID_REQUEST, message.message))
  }
  const id = message.kind === 'request' ? message.id : undefined
  // Until it is known otherwise; what goes wrong before has the same status in both.
  let era: Era = 'modern'
  try {
    era = readEra(caller.headers, message)
    if (era === 'modern') return await eras.modern(caller, message)
    const session = isInitialize(message) ? undefined : findSession(sessions, caller)
    return await eras.legacy(session === undefined ? caller : { ...caller, session }, message)
  } catch (error) {
    return errorReply(id, ...withStatus(era, fail(error)))
  }
}

/** It begins a session, whatever the client had before. */
function isInitialize(message: Message): boolean {
  return message.kind === 'request' && message.method === 'initialize'
}

/** @throws {RpcError} -32600 when the request is not of the one revision that has batches. */
function checkBatch(headers: Headers, messages: readonly Message[]): void {
  const version = headers.get(VERSION_HEADER) ?? BATCH_VERSION
  const isModern = messages.some((message) => 'params' in message && hasClaim(message.params))
  if (version === BATCH_VERSION && !isModern) return
  throw new RpcError(
    INVALID_REQUEST,
    `The request body is an array, expected one message: only revision ${BATCH_VERSION} has batches`,
  )
}

function refuse(id: RequestId | undefined, error: RpcError): Reply {
  return errorReply(id, ...withStatus('modern', error))
}

function withStatus(era: Era, error: RpcError): [RpcError, number] {
  return [error, errorStatus(era, error)]
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

// POST /mcp/{serverId} as a function from Request to Response. No SDK server object stands behind
// it: building one for each request costs more than all the rest of a call.
import { SuspendedError } from '../../schema/context.ts'
import { errorResponse, toPublicError } from '../errors.ts'
import { readBearer, unauthenticated } from './authenticate.ts'
import { preflightResponse, withCors } from './cors.ts'
import { runBatch } from './batch.ts'
import type { ContentStore } from './content-store.ts'
import type { AnswerMessage, Caller } from './era.ts'
import { type Message, type RequestId, parseBody } from './json-rpc.ts'
import { createLegacyEra } from './legacy.ts'
import { checkMediaTypes } from './media-type.ts'
import { createModernEra } from './modern.ts'
import {
  BATCH_VERSION,
  type Era,
  VERSION_HEADER,
  errorStatus,
  hasClaim,
  readEra,
} from './protocol.ts'
import { readBody } from './read-body.ts'
import { type Reply, batchReply, errorReply, toResponse } from './reply.ts'
import type { RouteStore } from './route.ts'
import { INVALID_REQUEST, RpcError } from './rpc-error.ts'
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
  /** Signs the cursors of lists: the same in all processes and after a restart. */
  readonly cursorKey: Uint8Array
}

/** Answers one HTTP request to the server of that id. It never rejects. */
export type McpEndpoint = (
  request: Request,
  serverId: string,
  requestId: string,
) => Promise<Response>

/** How long to wait after a 503, in seconds: a busy queue moves on, a database restarts. */
const RETRY_AFTER_SECONDS = '1'

type Eras = Readonly<Record<Era, AnswerMessage>>

/** Speaks MCP in every revision from 2024-11-05 to 2026-07-28. The result never rejects. */
export function createMcpEndpoint(deps: McpDeps): McpEndpoint {
  const pages = createToolPages(deps.cursorKey)
  const eraDeps = { ...deps, pages }
  const eras: Eras = { legacy: createLegacyEra(eraDeps), modern: createModernEra(eraDeps) }
  return async (request, serverId, requestId) => {
    const origin = request.headers.get('origin')
    // "If the Origin header is present and invalid, servers MUST respond with HTTP 403 Forbidden."
    if (origin !== null && !deps.allowedOrigins(origin)) {
      const message = 'Pages of this origin may not use this server'
      return errorResponse({ code: 'ORIGIN_DENIED', message }, requestId)
    }
    const response = await answer(deps, eras, request, serverId, requestId)
    return origin === null ? response : withCors(response, origin)
  }
}

async function answer(
  deps: McpDeps,
  eras: Eras,
  request: Request,
  serverId: string,
  requestId: string,
): Promise<Response> {
  if (request.method === 'OPTIONS' && request.headers.has('origin')) return preflightResponse()
  if (request.method !== 'POST') {
    const message = `The method is ${request.method}, expected POST: there are no streams and no sessions here`
    return errorResponse({ code: 'METHOD_NOT_ALLOWED', message }, requestId, { allow: 'POST' })
  }
  const bearer = readBearer(request.headers)
  if (bearer.type !== 'token') return unauthenticated(bearer.type, requestId)
  try {
    const opening = await deps.routes.open(serverId, bearer.token)
    if (opening.type === 'refused') return unauthenticated('token', requestId)
    if (opening.type === 'suspended') {
      return errorResponse(toPublicError(new SuspendedError()), requestId)
    }
    const { headers, signal } = request
    const caller = { route: opening.route, tokenId: opening.tokenId, headers, signal }
    const fail = (error: unknown): RpcError => toRpcError(deps, error, requestId)
    return respond(await answerBody(eras, fail, caller, request))
  } catch (error) {
    return respond(
      errorReply(undefined, ...withStatus('modern', toRpcError(deps, error, requestId))),
    )
  }
}

async function answerBody(
  eras: Eras,
  fail: (error: unknown) => RpcError,
  caller: Caller,
  request: Request,
): Promise<Reply> {
  checkMediaTypes(caller.headers)
  const body = parseBody(await readBody(request))
  if (body.kind === 'single') return await answerMessage(eras, fail, caller, body.message)
  return await answerBatch(eras, fail, caller, body.messages)
}

async function answerBatch(
  eras: Eras,
  fail: (error: unknown) => RpcError,
  caller: Caller,
  messages: readonly Message[],
): Promise<Reply> {
  checkBatch(caller.headers, messages)
  const replies = await runBatch(messages, async (message) => {
    if (message.kind !== 'request' || message.method !== 'initialize') {
      return await answerMessage(eras, fail, caller, message)
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
  eras: Eras,
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
    return await eras[era](caller, message)
  } catch (error) {
    return errorReply(id, ...withStatus(era, fail(error)))
  }
}

/** @throws {RpcError} -32600 when the request is not of the one revision that has batches. */
function checkBatch(headers: Headers, messages: readonly Message[]): void {
  const version = headers.get(VERSION_HEADER) ?? BATCH_VERSION
  const isModern = messages.some(
    (message) => message.kind !== 'invalid' && hasClaim(message.params),
  )
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

// One body of the endpoint: a message, or an array of them, each answered by its era. What goes wrong
// becomes an error of the message that it is about.
import { runBatch } from './batch.ts'
import type { AnswerMessage, Caller } from './era.ts'
import { type Message, type RequestId, parseBody } from './json-rpc.ts'
import { checkMediaTypes } from './media-type.ts'
import {
  BATCH_VERSION,
  type Era,
  VERSION_HEADER,
  errorStatus,
  hasClaim,
  readEra,
} from './protocol.ts'
import { readBody } from './read-body.ts'
import { type Reply, batchReply, errorReply } from './reply.ts'
import { INVALID_REQUEST, RpcError } from './rpc-error.ts'
import type { Sessions } from './session.ts'
import { findSession } from './session-request.ts'

/** What answering messages needs. */
export interface MessageDeps {
  readonly eras: Readonly<Record<Era, AnswerMessage>>
  readonly sessions: Sessions
}

/**
 * The reply to the request's body.
 *
 * @throws {RpcError} when the body is no message at all
 */
export async function answerBody(
  deps: MessageDeps,
  caller: Caller,
  request: Request,
): Promise<Reply> {
  checkMediaTypes(caller.headers)
  const body = parseBody(await readBody(request))
  if (body.kind === 'single') return await answerMessage(deps, caller, body.message)
  return await answerBatch(deps, caller, body.messages)
}

async function answerBatch(
  deps: MessageDeps,
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
      return await answerMessage(deps, caller, message)
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
  { eras, sessions }: MessageDeps,
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
    return errorReply(id, ...withStatus(era, caller.toRpcError(error)))
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

/** The status of the error, in that era. */
export function withStatus(era: Era, error: RpcError): [RpcError, number] {
  return [error, errorStatus(era, error)]
}

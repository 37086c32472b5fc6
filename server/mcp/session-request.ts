// What an HTTP request has to do with a legacy session: the one that its header names, its stream by GET,
// and its end by DELETE.
import type { Caller } from './era.ts'
import { openStream } from './legacy-stream.ts'
import { checkReadsStreams } from './media-type.ts'
import { LEGACY_VERSIONS, SESSION_HEADER, VERSION_HEADER } from './protocol.ts'
import type { Reply } from './reply.ts'
import { INVALID_REQUEST, RpcError } from './rpc-error.ts'
import type { Session, Sessions } from './session.ts'
import type { StreamHouse } from './stream-house.ts'

/** GET and DELETE are a session's; without one there is nothing to stream and to end. */
export function isOfSession({ method, headers }: Request): boolean {
  if (method !== 'GET' && method !== 'DELETE') return false
  const version = headers.get(VERSION_HEADER)
  return headers.has(SESSION_HEADER) && (version === null || LEGACY_VERSIONS.includes(version))
}

/**
 * The session that the caller names; undefined where none is named.
 *
 * @throws {RpcError} -32600 with HTTP status 404 when it is not one of the token's, or was ended: "the
 *   client MUST start a new session".
 */
export function findSession(
  sessions: Sessions,
  { route, tokenId, headers }: Caller,
): Session | undefined {
  const id = headers.get(SESSION_HEADER)
  if (id === null) return undefined
  const session = sessions.find(route, tokenId, id)
  if (session !== undefined) return session
  const message = 'There is no such session: it was ended, or is not of this server and token'
  throw new RpcError(INVALID_REQUEST, message, { httpStatus: 404 })
}

/**
 * The reply to a request of {@link isOfSession}.
 *
 * @throws {RpcError} -32600 as {@link findSession} does, or with HTTP status 406.
 * @throws {BusyError} BUSY when there are too many streams.
 */
export function answerSession(
  sessions: Sessions,
  streams: StreamHouse,
  caller: Caller,
  method: string,
): Reply {
  const session = findSession(sessions, caller)
  if (session === undefined) throw new RpcError(INVALID_REQUEST, 'The session is missing')
  if (method === 'DELETE') {
    sessions.end(session)
    return { status: 204 }
  }
  checkReadsStreams(caller.headers)
  return openStream(streams, sessions, caller, session)
}

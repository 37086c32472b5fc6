// What a session of the legacy era has open: one stream for notices, by GET, and the resources that it
// wants to be told of.
import { BusyError } from '../../workers/error.ts'
import type { Caller } from './era.ts'
import type { JsonObject } from './json-rpc.ts'
import { LISTS } from './list-change.ts'
import { printChange } from './notice.ts'
import { type Reply, streamReply } from './reply.ts'
import { findResource } from './resource.ts'
import {
  INVALID_PARAMS,
  INVALID_REQUEST,
  RESOURCE_NOT_FOUND,
  RpcError,
  kindOf,
  shown,
} from './rpc-error.ts'
import type { Session, Sessions } from './session.ts'
import type { StreamHouse } from './stream-house.ts'
import { MAX_SUBSCRIPTIONS } from './subscription.ts'

/** RFC 5424, from the most to the least talkative. */
const LEVELS = [
  'debug',
  'info',
  'notice',
  'warning',
  'error',
  'critical',
  'alert',
  'emergency',
] as const

/**
 * The session's stream of notices; one that it had before is over.
 *
 * @throws {BusyError} BUSY when there are too many streams.
 */
export function openStream(
  streams: StreamHouse,
  sessions: Sessions,
  caller: Caller,
  session: Session,
): Reply {
  const state = sessions.keep(session)
  const stream = streams.open(caller, {
    onChange(change, { templates }) {
      const interest = { lists: new Set(LISTS), uris: state.subscriptions }
      for (const notice of printChange(change, interest, templates)) stream.send(notice)
    },
    onEnd() {
      if (state.stream === stream) state.stream = undefined
    },
  })
  const before = state.stream
  state.stream = stream
  before?.end()
  // Headers alone would wait for a first byte in some proxies.
  stream.beat()
  return streamReply(stream.body)
}

/**
 * `resources/subscribe`.
 *
 * @throws {RpcError} -32600 without a session; -32602 when `uri` is no text, or there are too many;
 *   -32002 when the server has nothing there.
 * @throws {BusyError} BUSY when the account watches too much.
 */
export function subscribe(
  sessions: Sessions,
  { route, session }: Caller,
  { uri }: JsonObject,
): void {
  const own = required(session)
  const checked = checkUri(uri)
  if (findResource(route, checked) === undefined) {
    throw new RpcError(RESOURCE_NOT_FOUND, `Resource not found: ${shown(checked)}`)
  }
  const { size } = sessions.keep(own).subscriptions
  if (size >= MAX_SUBSCRIPTIONS) {
    throw new RpcError(INVALID_PARAMS, `The session has ${size} subscriptions, which is the limit`)
  }
  if (sessions.watch(own, checked)) return
  throw new BusyError('The account watches too many resources; unsubscribe from some')
}

/** `resources/unsubscribe`; of what was not subscribed it does nothing. */
export function unsubscribe(sessions: Sessions, { session }: Caller, { uri }: JsonObject): void {
  sessions.unwatch(required(session), checkUri(uri))
}

/**
 * `logging/setLevel`: whether the session is told what an API says while it streams its answer. Without
 * a session there is nothing to remember it by, and nothing is sent.
 *
 * @throws {RpcError} -32602 when `level` is none.
 */
export function setLogLevel(sessions: Sessions, { session }: Caller, { level }: JsonObject): void {
  const at = LEVELS.findIndex((one) => one === level)
  if (at === -1) {
    const found = typeof level === 'string' ? shown(level) : kindOf(level)
    throw new RpcError(INVALID_PARAMS, `params.level is ${found}, expected ${LEVELS.join(', ')}`)
  }
  if (session !== undefined) {
    sessions.keep(session).wantsLog = at <= LEVELS.indexOf('info')
  }
}

function required(session: Session | undefined): Session {
  if (session !== undefined) return session
  throw new RpcError(
    INVALID_REQUEST,
    'This needs a session: send the Mcp-Session-Id that initialize answered with',
  )
}

function checkUri(uri: unknown): string {
  if (typeof uri === 'string') return uri
  throw new RpcError(INVALID_PARAMS, `params.uri is ${kindOf(uri)}, expected a URI`)
}

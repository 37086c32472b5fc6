// Sessions of the legacy era. An id is not a key to anything stored: it says what the client can do, and
// is signed for one token at one server, so that every process knows it, also after a restart. What a
// session does need to have kept (a stream, subscriptions, questions that wait) is kept by the process
// that has its stream, for as long as it has.
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { EventStream } from './event-stream.ts'
import type { RequestId } from './json-rpc.ts'
import { createLru } from './lru.ts'

/** What a client said at `initialize` that matters later. */
export interface ClientCapabilities {
  /** It can show its user a form. */
  readonly canFillForms: boolean
  /** It can send its user to a URL. */
  readonly canOpenUrls: boolean
}

/** A session of a caller who may. */
export interface Session extends ClientCapabilities {
  readonly id: string
}

/** What a process keeps of a session. */
export interface SessionState {
  /** The newest of its GET streams: "the server MUST send each message on only one of the streams". */
  stream: EventStream | undefined
  /** Whether log messages are wanted at level info. */
  wantsLog: boolean
  /** URIs of resources. */
  readonly subscriptions: Set<string>
  /** Questions to the user, by the id of our request. */
  readonly questions: Map<RequestId, (response: unknown) => void>
}

/** Sessions by their ids. */
export interface Sessions {
  /** A new id for a client with that token at that server. */
  create(serverId: string, tokenId: string, capabilities: ClientCapabilities): string
  /** The session; undefined when the id is not one of that token's, or was ended. */
  find(serverId: string, tokenId: string, id: string): Session | undefined
  /** From now on the id is unknown to this process, and its stream is over. */
  end(id: string): void
  /** What is kept of it: made now, if nothing was. */
  keep(id: string): SessionState
  /** The same; undefined where nothing was. */
  kept(id: string): SessionState | undefined
}

// 128 bits each.
const MAC_BYTES = 16
const RANDOM_BYTES = 15
const ID_BYTES = MAC_BYTES + 1 + RANDOM_BYTES
/** States without a stream, and ids that were ended: the oldest goes first. */
export const MAX_SESSIONS = 10_000

const FORMS = 1
const URLS = 2

/** `key` signs the ids. */
export function createSessions(key: Uint8Array): Sessions {
  const states = new Map<string, SessionState>()
  const ended = createLru<true>(MAX_SESSIONS, MAX_SESSIONS)
  return {
    create(serverId, tokenId, { canFillForms, canOpenUrls }) {
      const flags = (canFillForms ? FORMS : 0) | (canOpenUrls ? URLS : 0)
      const payload = Buffer.concat([Buffer.of(flags), randomBytes(RANDOM_BYTES)])
      const mac = macOf(key, serverId, tokenId, payload)
      return Buffer.concat([mac, payload]).toString('base64url')
    },
    find(serverId, tokenId, id) {
      const bytes = Buffer.from(id, 'base64url')
      if (bytes.length !== ID_BYTES || bytes.toString('base64url') !== id) return undefined
      const payload = bytes.subarray(MAC_BYTES)
      const mac = macOf(key, serverId, tokenId, payload)
      if (!timingSafeEqual(mac, bytes.subarray(0, MAC_BYTES)) || ended.has(id)) return undefined
      const flags = payload[0] ?? 0
      return { id, canFillForms: (flags & FORMS) !== 0, canOpenUrls: (flags & URLS) !== 0 }
    },
    end(id) {
      ended.set(id, true, 1)
      states.get(id)?.stream?.end()
      states.delete(id)
    },
    keep(id) {
      const present = states.get(id)
      if (present !== undefined) return present
      const state: SessionState = {
        stream: undefined,
        wantsLog: false,
        subscriptions: new Set(),
        questions: new Map(),
      }
      states.set(id, state)
      if (states.size > MAX_SESSIONS) forgetOne(states)
      return state
    },
    kept: (id) => states.get(id),
  }
}

/** The oldest that has no stream: streams are bounded by themselves. */
function forgetOne(states: Map<string, SessionState>): void {
  for (const [id, { stream }] of states) {
    if (stream === undefined) return void states.delete(id)
  }
}

function macOf(key: Uint8Array, serverId: string, tokenId: string, payload: Buffer): Buffer {
  const mac = createHmac('sha256', key).update(`${serverId} ${tokenId}\n`).update(payload).digest()
  return mac.subarray(0, MAC_BYTES)
}

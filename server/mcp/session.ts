// Sessions of the legacy era. An id is not a key to anything stored: it says what the client can do, and
// is signed for one token at one server, so that every process knows it, also after a restart. What a
// session does need to have kept (a stream, subscriptions, questions that wait) is kept by the process
// that has its stream, for as long as it has.
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { AccountBudget } from './account-budget.ts'
import type { Route } from './build-route.ts'
import type { ClientCapabilities } from './client-capability.ts'
import { createLru } from './lru.ts'
import { createSessionStates, type SessionStates } from './session-state.ts'

/** A session of a caller who may. */
export interface Session extends ClientCapabilities {
  readonly id: string
  readonly accountId: string
}

/** Sessions by their ids. */
export interface Sessions extends SessionStates {
  /** A new id for a client with that token at that server. */
  create(serverId: string, tokenId: string, capabilities: ClientCapabilities): string
  /** The session; undefined when the id is not one of that token's, or was ended. */
  find(
    route: Pick<Route, 'accountId' | 'serverId'>,
    tokenId: string,
    id: string,
  ): Session | undefined
  /** From now on its id is unknown to this process, and its stream is over. */
  end(session: Session): void
}

// 128 bits each.
const MAC_BYTES = 16
const RANDOM_BYTES = 15
const ID_BYTES = MAC_BYTES + 1 + RANDOM_BYTES
/** Ids that were ended: the one of longest ago is forgotten. */
const MAX_ENDED = 10_000

const FORMS = 1
const URLS = 2

/** `key` signs the ids; `interest` is what all of them may watch. */
export function createSessions(key: Uint8Array, interest: AccountBudget): Sessions {
  const states = createSessionStates(interest)
  const ended = createLru<true>(MAX_ENDED, MAX_ENDED)
  return {
    ...states,
    create(serverId, tokenId, { canFillForms, canOpenUrls }) {
      const flags = (canFillForms ? FORMS : 0) | (canOpenUrls ? URLS : 0)
      const payload = Buffer.concat([Buffer.of(flags), randomBytes(RANDOM_BYTES)])
      const mac = macOf(key, serverId, tokenId, payload)
      return Buffer.concat([mac, payload]).toString('base64url')
    },
    find({ accountId, serverId }, tokenId, id) {
      const bytes = Buffer.from(id, 'base64url')
      if (bytes.length !== ID_BYTES || bytes.toString('base64url') !== id) return undefined
      const payload = bytes.subarray(MAC_BYTES)
      const mac = macOf(key, serverId, tokenId, payload)
      if (!timingSafeEqual(mac, bytes.subarray(0, MAC_BYTES)) || ended.has(id)) return undefined
      const flags = payload[0] ?? 0
      const canFillForms = (flags & FORMS) !== 0
      return { id, accountId, canFillForms, canOpenUrls: (flags & URLS) !== 0 }
    },
    end(session) {
      ended.set(session.id, true, 1)
      states.forget(session)
    },
  }
}

function macOf(key: Uint8Array, serverId: string, tokenId: string, payload: Buffer): Buffer {
  const mac = createHmac('sha256', key).update(`${serverId} ${tokenId}\n`).update(payload).digest()
  return mac.subarray(0, MAC_BYTES)
}

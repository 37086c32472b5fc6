// From a server id and a token to the route, or to one refusal for every reason: who cannot open a
// server must not learn whether it exists, nor whether the token ever did. Only who could open it is
// told that its account is suspended.
import type { Database } from '../../db/client.ts'
import { hashCredential, isCredential } from '../../db/credential.ts'
import { isId } from '../../db/id.ts'
import type { Route } from './build-route.ts'
import { type Elapsed, createOutage } from './outage.ts'
import { createRouteCache } from './route-cache.ts'
import { type TokenRecord, createTokenCache } from './token-cache.ts'

/** The route for a token; that its account is suspended; or one refusal for every other reason. */
export type Opening =
  | { readonly type: 'opened'; readonly route: Route; readonly tokenId: string }
  | { readonly type: 'suspended' }
  | { readonly type: 'refused' }

/** Opens servers for tokens. */
export interface RouteStore {
  /**
   * The server's route, if `token` opens it now, and may stand in a URL where it does (`isInUrl`). A
   * warm answer reads no database; a malformed token or id never does.
   *
   * @throws {UnavailableError} UNAVAILABLE when the database cannot be reached and what is known is
   *   missing or too old.
   */
  open(serverId: string, token: string, isInUrl?: boolean): Promise<Opening>
  /**
   * The account's server as it is now, for whoever opened it before; undefined where it is gone.
   *
   * @throws {UnavailableError} UNAVAILABLE as `open` does.
   */
  find(accountId: string, serverId: string): Promise<Route | undefined>
}

/** Clocks and bounds, as parameters so that a test can turn them. */
export interface RouteStoreOptions {
  /** How long tokens and routes serve while the database cannot be reached. Default: 5 min. */
  readonly staleMs?: number
  /** Milliseconds since 1970, for the expiry of tokens. Default: the system's clock. */
  readonly now?: () => number
  /** Milliseconds that only go forward, for all else. Default: `performance.now`. */
  readonly elapsed?: Elapsed
}

/** 5 min: longer than a restart or fail-over of PostgreSQL takes, short for a revoked token. */
export const STALE_MS = 300_000

const REFUSED: Opening = { type: 'refused' }
const SUSPENDED: Opening = { type: 'suspended' }

/** Empty at first; it listens to the database's events. */
export function createRouteStore(db: Database, options: RouteStoreOptions = {}): RouteStore {
  const { staleMs = STALE_MS, now = Date.now, elapsed = () => performance.now() } = options
  const outage = createOutage(elapsed)
  const tokens = createTokenCache(db, { outage, elapsed, staleMs })
  const routes = createRouteCache(db, { outage, elapsed, staleMs })
  // The connection that tells of changes is back, so questions are answered again: the first use
  // of each entry waits for its answer instead of standing in for it.
  db.events.onDistrust(() => {
    if (db.events.isTrusted()) outage.clear()
  })
  return {
    async open(serverId, token, isInUrl = false) {
      if (!isCredential('hms', token) || !isId('srv', serverId)) return REFUSED
      const record = await tokens.find(hashCredential(token))
      if (record?.serverId !== serverId || !isValidAt(record, now())) return REFUSED
      if (isInUrl && !record.isUrlAllowed) return REFUSED
      if (record.isSuspended) return SUSPENDED
      const route = await routes.find(record.accountId, serverId)
      return route === undefined ? REFUSED : { type: 'opened', route, tokenId: record.tokenId }
    },
    find: (accountId, serverId) => routes.find(accountId, serverId),
  }
}

function isValidAt(record: TokenRecord, now: number): boolean {
  return !record.isRevoked && (record.expiresAt === undefined || now < record.expiresAt)
}

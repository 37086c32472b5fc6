// Which server a token opens. Only tokens that exist are remembered, revoked ones included: a caller
// that guesses cannot fill the cache, a new token works at once, and a revoked one is refused even
// while the database cannot be asked.
import type { Database } from '../../db/client.ts'
import { findServerTokenByHash } from '../../db/server-token.ts'
import { type CheckedCacheOptions, createCheckedCache } from './checked-cache.ts'

/** What authentication needs to know of a token. */
export interface TokenRecord {
  readonly tokenId: string
  readonly accountId: string
  readonly serverId: string
  readonly isRevoked: boolean
  /** It may stand in the URL. */
  readonly isUrlAllowed: boolean
  /** The account is suspended: a token that holds opens nothing now. */
  readonly isSuspended: boolean
  /** Milliseconds since 1970; undefined: it does not expire. */
  readonly expiresAt: number | undefined
}

/** The tokens that were used lately, by their hashes. */
export interface TokenCache {
  /**
   * The token with that SHA-256, whether or not it still holds.
   *
   * @throws {UnavailableError} UNAVAILABLE when nobody can tell now.
   */
  find(hash: Buffer): Promise<TokenRecord | undefined>
}

// Five short fields each: a few MB in all.
const MAX_TOKENS = 10_000

/** Empty at first; it listens to the database's events. */
export function createTokenCache(
  db: Database,
  options: Omit<CheckedCacheOptions<TokenRecord>, 'events' | 'maxEntries'>,
): TokenCache {
  const cache = createCheckedCache<TokenRecord>({
    ...options,
    events: db.events,
    maxEntries: MAX_TOKENS,
  })
  db.events.subscribe((event) => {
    if (event.noun === 'server-token') cache.drop((token) => token.tokenId === event.id)
    if (event.noun === 'account') cache.drop((token) => token.accountId === event.accountId)
  })
  return { find: (hash) => cache.get(hash.toString('latin1'), () => loadToken(db, hash)) }
}

async function loadToken(db: Database, hash: Buffer): Promise<TokenRecord | undefined> {
  const row = await findServerTokenByHash(db, hash)
  if (row === undefined) return undefined
  return {
    tokenId: row.id,
    accountId: row.account_id,
    serverId: row.server_id,
    isRevoked: row.revoked_at !== null,
    isUrlAllowed: row.is_url_allowed,
    isSuspended: row.account_suspended_at !== null,
    expiresAt: row.expires_at?.getTime(),
  }
}

// Who sends a request to the GraphQL API. Keys are looked up by their hash at every request: one
// indexed read, so that a revoked key is refused from the next request on without a cache to clear.
import { timingSafeEqual } from 'node:crypto'
import { findApiKeyByHash } from '../db/api-key.ts'
import type { Database } from '../db/client.ts'
import { hashCredential, isCredential } from '../db/credential.ts'
import { SuspendedError } from '../schema/context.ts'
import type { Viewer } from '../schema/context.ts'

/** Where keys are found. */
export interface ApiKeyAuthenticatorDeps {
  readonly db: Database
  /** A configured key beside those of the database, and whose it is. */
  readonly admin?: {
    /** `hashCredential` of it. */
    readonly keyHash: Buffer
    readonly accountId: string
  }
  /** Default: the clock. */
  readonly now?: () => Date
}

// RFC 6750, section 2.1; the scheme's name is in any case (RFC 9110, section 11.1). A configured key
// may hold other characters than a token's.
const BEARER = /^Bearer +([\x21-\x7E]{1,512})$/i

/**
 * The viewer of the request's `Authorization: Bearer …`; undefined where it is missing, malformed,
 * unknown, expired or revoked, without saying which. What cannot be a key is refused without a read.
 *
 * The function throws SuspendedError where the key holds and its account is suspended, and
 * UnavailableError where the database cannot be reached.
 */
export function createApiKeyAuthenticator({
  db,
  admin,
  now = () => new Date(),
}: ApiKeyAuthenticatorDeps): (request: Request) => Promise<Viewer | undefined> {
  return async (request) => {
    const key = BEARER.exec(request.headers.get('authorization') ?? '')?.[1]
    if (key === undefined) return undefined
    const hash = hashCredential(key)
    if (admin !== undefined && timingSafeEqual(hash, admin.keyHash)) {
      return { accountId: admin.accountId, apiKeyId: undefined, isAdministrator: true }
    }
    if (!isCredential('hmk', key)) return undefined
    const found = await findApiKeyByHash(db, hash)
    if (found === undefined || found.revoked_at !== null) return undefined
    if (found.expires_at !== null && found.expires_at <= now()) return undefined
    if (found.account_suspended_at !== null) throw new SuspendedError()
    return { accountId: found.account_id, apiKeyId: found.id, isAdministrator: false }
  }
}

// Who sends a request with an API key. Keys are looked up by their hash at every request: one indexed
// read, so that a key that was revoked, or whose person lost a right, is refused from the next request
// on without a cache to clear.
import { timingSafeEqual } from 'node:crypto'
import { findApiKeyByHash, type ApiKeyRecord } from '../db/api-key.ts'
import type { Database } from '../db/client.ts'
import { hashCredential, isCredential } from '../db/credential.ts'
import type { Role } from '../db/identity-tables.ts'
import type { AccountViewer } from '../schema/context.ts'
import { SuspendedError } from '../schema/refusal.ts'
import { covers, permissionsOf, type Permission } from '../schema/role.ts'

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

const ADMINISTRATOR: ReadonlySet<Permission> = new Set([
  ...permissionsOf('OWNER'),
  'account:administer',
  'signing-key:write',
  'account:create',
])

/**
 * The viewer of the request's `Authorization: Bearer …`; undefined where it is missing, malformed,
 * unknown, expired or revoked, or its person has left, without saying which. What cannot be a key is
 * refused without a read.
 *
 * The function throws SuspendedError where the key holds and its account is suspended, and
 * UnavailableError where the database cannot be reached.
 */
export function createApiKeyAuthenticator({
  db,
  admin,
  now = () => new Date(),
}: ApiKeyAuthenticatorDeps): (request: Request) => Promise<AccountViewer | undefined> {
  return async (request) => {
    const key = BEARER.exec(request.headers.get('authorization') ?? '')?.[1]
    if (key === undefined) return undefined
    const hash = hashCredential(key)
    if (admin !== undefined && timingSafeEqual(hash, admin.keyHash)) {
      return toViewer(admin.accountId, undefined, 'OWNER', {
        permissions: ADMINISTRATOR,
        isAdministrator: true,
      })
    }
    if (!isCredential('hmk', key)) return undefined
    const found = await findApiKeyByHash(db, hash)
    if (found === undefined || found.revoked_at !== null) return undefined
    if (found.expires_at !== null && found.expires_at <= now()) return undefined
    if (found.person_id !== null && found.member_role === null) return undefined
    if (found.account_suspended_at !== null) throw new SuspendedError()
    return toViewer(found.account_id, found.id, roleOfKey(found), {
      permissions: permissionsOfKey(found),
      // A key that was made to carry less does not carry what its person was lent.
      grants: found.carries_grants ? new Map(found.grants) : NO_GRANTS,
      carriesGrants: found.carries_grants,
      userId: found.person_id ?? undefined,
    })
  }
}

const NO_GRANTS: AccountViewer['grants'] = new Map()

function toViewer(
  accountId: string,
  apiKeyId: string | undefined,
  role: Role,
  rest: Pick<AccountViewer, 'permissions'> & Partial<AccountViewer>,
): AccountViewer {
  return {
    accountId,
    apiKeyId,
    role,
    grants: NO_GRANTS,
    carriesGrants: false,
    userId: undefined,
    session: undefined,
    isAdministrator: false,
    ...rest,
  }
}

/** The key's role, or its person's where that is less. */
function roleOfKey({ role, member_role: memberRole }: ApiKeyRecord): Role {
  return memberRole === null || covers(permissionsOf(memberRole), role) ? role : memberRole
}

/** What the key's role may do, as far as its person's may. */
function permissionsOfKey({ role, member_role: memberRole }: ApiKeyRecord) {
  const own = permissionsOf(role)
  if (memberRole === null || memberRole === role) return own
  const member = permissionsOf(memberRole)
  return new Set([...own].filter((permission) => member.has(permission)))
}

// Who sends a request with a session's cookie. A browser adds the cookie to whatever any page makes it
// send, so a cookie counts only together with what no other site's page can add: a header of our own,
// and our own origin.
import type { Database } from '../../db/client.ts'
import { hashCredential } from '../../db/credential.ts'
import { findSessionByHash } from '../../db/session.ts'
import type { Viewer } from '../../schema/context.ts'
import { ForbiddenError, SuspendedError } from '../../schema/refusal.ts'
import { PERSONAL, permissionsOf, type Permission } from '../../schema/role.ts'
import type { SessionCookie } from './session-cookie.ts'

/** Any value will do: that it is there says that a script of our own origin sent the request. */
export const CSRF_HEADER = 'x-hasmcp-csrf'

/** Where sessions are found. */
export interface SessionAuthenticatorDeps {
  readonly db: Database
  readonly cookie: SessionCookie
  /** The only origin whose pages may send requests with the cookie. */
  readonly publicUrl: () => string
  readonly isSignUpOpen: boolean
}

/** Finds out who sends requests with a session's cookie. */
export interface SessionAuthenticator {
  /**
   * The viewer of a request of a script; undefined without a cookie of a session that holds.
   *
   * The promise rejects with ForbiddenError where a cookie came without the header or from elsewhere.
   */
  readonly authenticate: (request: Request) => Promise<Viewer | undefined>
  /** The viewer of a browser that opens a page, which changes nothing. */
  readonly recognise: (request: Request) => Promise<Viewer | undefined>
  /** Whether one of our own pages sent the form. */
  readonly isOwnForm: (request: Request) => boolean
}

/** Looks each session up by the hash of its cookie: one that was revoked ends with the next request. */
export function createSessionAuthenticator({
  db,
  cookie,
  publicUrl,
  isSignUpOpen,
}: SessionAuthenticatorDeps): SessionAuthenticator {
  const isOwnForm = (request: Request) => request.headers.get('origin') === publicUrl()
  const recognise = async (request: Request) => {
    const credential = cookie.read(request)
    if (credential === undefined) return undefined
    const found = await findSessionByHash(db, hashCredential(credential))
    if (found === undefined) return undefined
    const { session, user, role, grants, account_suspended_at: suspendedAt } = found
    const isSuspended = suspendedAt !== null
    return {
      accountId: isSuspended ? undefined : (session.account_id ?? undefined),
      accountProblem: isSuspended ? new SuspendedError() : undefined,
      role: isSuspended ? undefined : (role ?? undefined),
      permissions: new Set<Permission>([
        ...PERSONAL,
        ...(isSignUpOpen ? (['account:create'] as const) : []),
        ...(role === null || isSuspended ? [] : permissionsOf(role)),
      ]),
      grants: new Map(grants),
      carriesGrants: true,
      userId: user.id,
      apiKeyId: undefined,
      session: { user, session },
      isAdministrator: false,
    }
  }
  return {
    recognise,
    isOwnForm,
    async authenticate(request) {
      if (cookie.read(request) === undefined) return undefined
      if (!request.headers.has(CSRF_HEADER)) {
        throw new ForbiddenError(
          `A request with a session's cookie needs the header "${CSRF_HEADER}: 1", which no other site can make a browser send`,
        )
      }
      if (!isOwnForm(request)) {
        throw new ForbiddenError(
          `A request with a session's cookie must come from a page of ${publicUrl()}, by its Origin header`,
        )
      }
      return await recognise(request)
    },
  }
}

// Why somebody may not do something: one class for each reason that a client can act on, and the
// sentences in terms of roles and permissions.
import { rolesOf, type Permission } from './role.ts'
import type { Role } from '../db/identity-tables.ts'

/** There is no viewer. */
export class UnauthenticatedError extends Error {
  override readonly name = 'UnauthenticatedError'
  readonly code = 'UNAUTHENTICATED'
  constructor() {
    super(
      'Not signed in: send the header "Authorization: Bearer hmk_…" with a valid API key, or sign in with a browser',
    )
  }
}

/** The viewer is none who may do this. */
export class ForbiddenError extends Error {
  override readonly name = 'ForbiddenError'
  readonly code = 'FORBIDDEN'
}

/** The credential is valid, but its account is suspended. */
export class SuspendedError extends Error {
  override readonly name = 'SuspendedError'
  readonly code = 'SUSPENDED'
  constructor() {
    super(
      'This account is suspended: its keys and tokens work again once the instance administrator reactivates it',
    )
  }
}

/** The refusal of whoever is not the instance administrator. */
export function notAdministrator(): ForbiddenError {
  return new ForbiddenError(
    "Accounts are managed by the instance administrator: send this installation's HASMCP_ADMIN_KEY instead of an API key",
  )
}

/** The refusal of a person who belongs to no account. */
export function noAccount(): ForbiddenError {
  return new ForbiddenError(
    'You act on behalf of no account: make one with createAccount, accept an invitation, or choose one with switchAccount',
  )
}

/** The refusal of a credential that lacks the permission. */
export function permissionError(role: Role | undefined, permission: Permission): ForbiddenError {
  if (permission === 'account:administer' || permission === 'signing-key:write')
    return notAdministrator()
  const roles = rolesOf(permission)
  if (permission === 'account:create' || roles.length === 0) return personalError(permission)
  if (role === undefined) return noAccount()
  const list = new Intl.ListFormat('en', { type: 'conjunction' }).format(roles)
  return new ForbiddenError(
    `The role ${role} lacks the permission ${permission}, which ${list} ${roles.length > 1 ? 'have' : 'has'}`,
  )
}

function personalError(permission: Permission): ForbiddenError {
  if (permission === 'account:create') {
    return new ForbiddenError(
      "Accounts are made by the instance administrator, who sends this installation's HASMCP_ADMIN_KEY, and where SIGN_UP is open by every person who is signed in",
    )
  }
  return new ForbiddenError(
    `The permission ${permission} is that of a person who is signed in with a browser; an API key never has it`,
  )
}

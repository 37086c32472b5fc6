// What each role may do, as one table. A permission is a noun and a verb; a field of the API names the
// one that it needs, and nothing else decides.
import type { Role } from '../db/identity-tables.ts'

const ALL = ['OWNER', 'ADMIN', 'DEVELOPER', 'ANALYST', 'BILLING', 'MEMBER'] as const
const MANAGERS = ['OWNER', 'ADMIN'] as const
const BUILDERS = ['OWNER', 'ADMIN', 'DEVELOPER'] as const
const READERS = ['OWNER', 'ADMIN', 'DEVELOPER', 'ANALYST'] as const
const NOBODY = [] as const

/**
 * Permission → the roles that have it. Those that no role has come with the credential: a person who
 * is signed in may end sessions, the instance administrator's key may suspend accounts.
 */
const TABLE = {
  'viewer:read': ALL,
  'ticket:create': ALL,
  'account:read': ALL,
  'account:write': MANAGERS,
  'account:create': NOBODY,
  'account:administer': NOBODY,
  'signing-key:write': NOBODY,
  'owner:write': ['OWNER'],
  'membership:read': READERS,
  'membership:write': MANAGERS,
  'membership:leave': NOBODY,
  'invitation:read': MANAGERS,
  'invitation:write': MANAGERS,
  'invitation:accept': NOBODY,
  'session:write': NOBODY,
  'server-grant:read': MANAGERS,
  'server-grant:write': MANAGERS,
  'api-key:read': ALL,
  'api-key:write': ALL,
  'api-key:administer': MANAGERS,
  'provider:read': READERS,
  'provider:write': BUILDERS,
  'tool:read': READERS,
  'tool:write': BUILDERS,
  'tool:call': BUILDERS,
  'variable:read': READERS,
  'variable:write': BUILDERS,
  // Of those that a role may not read, the list has the ones that a grant opens.
  'server:list': ALL,
  'server:read': READERS,
  'server:write': BUILDERS,
  'server-token:read': READERS,
  'server-token:write': BUILDERS,
  'interceptor:read': READERS,
  'interceptor:write': BUILDERS,
  'prompt:read': READERS,
  'prompt:write': BUILDERS,
  'resource:read': READERS,
  'resource:write': BUILDERS,
} as const satisfies Readonly<Record<string, readonly Role[]>>

/** What can be done, `noun:verb`. */
export type Permission = keyof typeof TABLE

/** All of them, in the table's order. */
export const PERMISSIONS = Object.keys(TABLE) as readonly Permission[]

/** All roles, the one that may do most first. */
export const ROLES: readonly Role[] = ALL

/** What a person who is signed in may do about themselves, in whatever account or none. */
export const PERSONAL: readonly Permission[] = [
  'viewer:read',
  'membership:leave',
  'invitation:accept',
  'session:write',
]

/** The roles that have the permission. */
export function rolesOf(permission: Permission): readonly Role[] {
  return TABLE[permission]
}

const BY_ROLE: ReadonlyMap<Role, ReadonlySet<Permission>> = new Map(
  ROLES.map((role) => [
    role,
    new Set(PERMISSIONS.filter((one) => (TABLE[one] as readonly Role[]).includes(role))),
  ]),
)

/** What the role may do. */
export function permissionsOf(role: Role): ReadonlySet<Permission> {
  return BY_ROLE.get(role) ?? new Set()
}

/** Whether who has these permissions has all of that role's: then they may give it, and take it. */
export function covers(permissions: ReadonlySet<Permission>, role: Role): boolean {
  return [...permissionsOf(role)].every((permission) => permissions.has(permission))
}

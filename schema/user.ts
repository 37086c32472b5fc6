// People as the members of their account see them: a name, an address and a picture, which is all that
// is known of them; and what they can be in an account.
import type { Role } from '../db/identity-tables.ts'
import { getUser, type User } from '../db/user.ts'
import { builder } from './builder.ts'
import { inAccountOnce, viewerOf, type Context } from './context.ts'
import { covers, ROLES } from './role.ts'
import { invalid, type InputPath } from './validate.ts'
import { ForbiddenError } from './refusal.ts'

/** The GraphQL enum `Role`. */
export const RoleRef = builder.enumType('Role', {
  description: 'What a member of an account may do. The README shows which permissions each has.',
  values: {
    OWNER: { description: 'Everything, other owners included.' },
    ADMIN: { description: 'Everything but what is about owners.' },
    DEVELOPER: { description: 'Builds: providers, tools, servers and what belongs to them.' },
    ANALYST: { description: 'Reads what developers build, and changes nothing.' },
    BILLING: { description: 'Reads the account, and nothing that is in it.' },
    MEMBER: { description: 'Uses, or edits, the servers that a grant opens, and sees no others.' },
  } satisfies Record<Role, { description: string }>,
})

/** The GraphQL type `User`. */
export const UserRef = builder.objectRef<User>('User')

builder.node(UserRef, {
  description: 'A person. Name, address and picture are what the last sign-in said.',
  id: { resolve: (user) => user.id },
  fields: (t) => ({
    email: t.exposeString('email', { description: 'The address, by which people are told apart.' }),
    name: t.exposeString('name', { description: 'The name.' }),
    pictureUrl: t.exposeString('picture_url', {
      nullable: true,
      description: 'Where a picture is; null: nobody said.',
    }),
    createdAt: t.expose('created_at', {
      type: 'DateTime',
      description: 'When they first signed in here.',
    }),
  }),
})

/** A person of the viewer's account; null where they have left it. */
export async function loadUser(context: Context, id: string): Promise<User | null> {
  const { session } = viewerOf(context)
  if (session?.user.id === id) return session.user
  return await inAccountOnce(context, id, (tx) => getUser(tx, id)).catch(() => null)
}

/**
 * The role, if the viewer may give it: they must have all of its permissions.
 *
 * @throws {InvalidError} INVALID when there is none
 * @throws {ForbiddenError} FORBIDDEN when it may do what the viewer may not
 */
export function checkRole(context: Context, path: InputPath, role: Role | undefined): Role {
  if (role === undefined || !ROLES.includes(role)) {
    throw invalid(path, `is no role; expected one of ${ROLES.join(', ')}`)
  }
  const { permissions, role: own } = viewerOf(context)
  if (covers(permissions, role)) return role
  throw new ForbiddenError(
    `The role ${role} may do what ${own ?? 'the viewer'} may not: nobody gives, changes or takes away more than they have`,
  )
}

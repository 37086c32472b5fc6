// Who belongs to the account and as what. Nobody gives or takes more than they have, and the last owner
// stays.
import {
  countMemberships,
  deleteMembership,
  findMembershipOfUser,
  lockMembership,
  listMemberships,
  updateMembership,
  type Membership,
} from '../db/membership.ts'
import { ConflictError, InvalidError, NotFoundError } from '../db/errors.ts'
import type { Role } from '../db/identity-tables.ts'
import { answer, builder } from './builder.ts'
import { connect, pageArgs } from './connection.ts'
import { asIdentity, inAccount, personOf, viewerOf } from './context.ts'
import { can, needs } from './need.ts'
import { covers, permissionsOf, ROLES } from './role.ts'
import { checkRole, loadUser, RoleRef, UserRef } from './user.ts'
import { checkId, checkText } from './validate.ts'
import { getUserById } from '../db/user.ts'

/** The GraphQL type `Membership`. */
export const MembershipRef = builder.objectRef<Membership>('Membership')

builder.node(MembershipRef, {
  description: 'That somebody belongs to the account, and as what.',
  id: { resolve: (membership) => membership.id },
  fields: (t) => ({
    user: t.field({
      ...needs('membership:read'),
      type: UserRef,
      description: 'Who.',
      resolve: async ({ person_id: id }, _args, context) =>
        (await loadUser(context, id)) ?? (await asIdentity(context, (tx) => getUserById(tx, id))),
    }),
    role: t.expose('role', { type: RoleRef, description: 'As what.' }),
    createdAt: t.expose('created_at', { type: 'DateTime', description: 'Since when.' }),
    viewerCanUpdate: t.boolean({
      description: 'Whether the viewer may change the role, or end the membership.',
      resolve: ({ role }, _args, context) =>
        can(context, 'membership:write') && covers(viewerOf(context).permissions, role),
    }),
  }),
})

const MembershipConnection = builder.connectionObject(
  { type: MembershipRef, name: 'MembershipConnection', description: 'A page of memberships.' },
  { name: 'MembershipEdge', description: 'A membership and its place in the list.' },
)

const MembershipFilter = builder.inputType('MembershipFilter', {
  description: 'Which memberships; all that is given must hold.',
  fields: (t) => ({
    contains: t.string({
      description: "Those with this in the user's name or address, in upper or lower case.",
    }),
    role: t.field({ type: RoleRef, description: 'Those with that role.' }),
  }),
})

builder.queryField('memberships', (t) =>
  t.field({
    ...needs('membership:read'),
    type: MembershipConnection,
    description: 'Who belongs to the account, in the order in which they joined.',
    args: {
      ...pageArgs,
      filter: t.arg({ type: MembershipFilter, description: 'Which ones. Default: all.' }),
    },
    resolve: (_root, args, context) => {
      const { contains, role } = args.filter ?? {}
      const filter = {
        ...(typeof contains === 'string' && {
          contains: checkText(['filter', 'contains'], contains),
        }),
        ...(role && { role }),
      }
      return connect(context, 'memberships', args, {
        list: (tx, page) => listMemberships(tx, { ...page, ...filter }),
        count: (tx) => countMemberships(tx, filter),
      })
    },
  }),
)

const UpdateMembershipInput = builder.inputType('UpdateMembershipInput', {
  description: 'The role to give.',
  fields: (t) => ({
    id: t.id({ required: true, description: 'Which membership.' }),
    role: t.field({ type: RoleRef, required: true, description: 'What they are from now on.' }),
  }),
})

builder.mutationField('updateMembership', (t) =>
  t.field({
    ...needs('membership:write'),
    type: MembershipRef,
    description:
      'Gives a member another role. Their sessions in this account end, so that they sign in again with the new one; so do the server tokens and pending invitations that they made, where the new role may not make such, and pending invitations of themselves. Nobody gives or takes more than they have, and the last OWNER stays one.',
    errors: answer('The membership.', [InvalidError, NotFoundError, ConflictError]),
    args: {
      input: t.arg({ type: UpdateMembershipInput, required: true, description: 'What to do.' }),
    },
    resolve: async (_root, { input }, context) => {
      const id = checkId(['input', 'id'], 'mbr', input.id)
      const role: Role = checkRole(context, ['input', 'role'], input.role)
      const kept = {
        keepsTokens: permissionsOf(role).has('server-token:write'),
        invitationRoles: permissionsOf(role).has('invitation:write')
          ? ROLES.filter((one) => covers(permissionsOf(role), one))
          : [],
      }
      return await inAccount(context, async (tx) => {
        checkRole(context, ['input', 'id'], (await lockMembership(tx, id)).role)
        return await updateMembership(tx, id, role, kept)
      })
    },
  }),
)

builder.mutationField('deleteMembership', (t) =>
  t.field({
    ...needs('membership:write'),
    type: 'ID',
    description:
      'Ends a membership, at once: with it end the sessions of the person in this account, their API keys, the server tokens that they made, their grants, and pending invitations by them or of them. The last OWNER stays.',
    errors: answer('The id of what is gone.', [InvalidError, NotFoundError, ConflictError]),
    args: { id: t.arg.id({ required: true, description: 'Which membership.' }) },
    resolve: async (_root, args, context) => {
      const id = checkId(['id'], 'mbr', args.id)
      return await inAccount(context, async (tx) => {
        checkRole(context, ['id'], (await lockMembership(tx, id)).role)
        return (await deleteMembership(tx, id)).id
      })
    },
  }),
)

builder.mutationField('leaveAccount', (t) =>
  t.field({
    ...needs('membership:leave'),
    type: 'ID',
    description:
      "Ends the viewer's own membership in the account that they act for, as `deleteMembership` does. The last OWNER cannot leave.",
    errors: answer('The id of the membership that is gone.', [NotFoundError, ConflictError]),
    resolve: async (_root, _args, context) => {
      const { user } = personOf(context)
      return await inAccount(context, async (tx) => {
        const membership = await findMembershipOfUser(tx, user.id)
        if (membership === undefined) throw new NotFoundError('You belong to no account any more')
        return (await deleteMembership(tx, membership.id)).id
      })
    },
  }),
)

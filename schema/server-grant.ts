// Lending a member one server: to use it, or to edit it too, whatever their role.
import { InvalidError, NotFoundError } from '../db/errors.ts'
import { getMembership, listMembershipsById } from '../db/membership.ts'
import {
  deleteServerGrant,
  listServerGrants,
  upsertServerGrant,
  type ServerGrant,
} from '../db/server-grant.ts'
import { getServer } from '../db/server.ts'
import { loadOne, loadServer } from './batch.ts'
import { answer, builder } from './builder.ts'
import { inAccount } from './context.ts'
import { MembershipRef } from './membership.ts'
import { needs } from './need.ts'
import { permissionsOf } from './role.ts'
import { ServerRef } from './server.ts'
import { checkRole } from './user.ts'
import { checkId } from './validate.ts'

const GrantLevelRef = builder.enumType('GrantLevel', {
  description: 'What a grant lets a member do with its server.',
  values: {
    USE: {
      description:
        'See it, its tools and the names of the variables that they use, and make and revoke own tokens for it.',
    },
    EDIT: {
      description:
        'The same, and change it: its texts, how it shows its tools, its prompts, its interceptors, and resources that are stored. Not which tools it has.',
    },
  } as const,
})

const ServerGrantRef = builder.objectRef<ServerGrant>('ServerGrant').implement({
  description: 'That a member may use or edit one server, whatever their role.',
  fields: (t) => ({
    server: t.field({
      ...needs('server:read', { level: 'USE', at: 'parent.server_id' }),
      type: ServerRef,
      description: 'Which server.',
      resolve: ({ server_id: id }, _args, context) => loadServer(context, id),
    }),
    membership: t.field({
      ...needs('membership:read'),
      type: MembershipRef,
      description: 'Whose membership.',
      resolve: async ({ membership_id: id }, _args, context) =>
        (await loadOne(context, 'membership', id, listMembershipsById)) ??
        (await inAccount(context, (tx) => getMembership(tx, id))),
    }),
    level: t.expose('level', { type: GrantLevelRef, description: 'What they may do.' }),
    createdAt: t.expose('created_at', { type: 'DateTime', description: 'Since when.' }),
  }),
})

builder.objectField(MembershipRef, 'serverGrants', (t) =>
  t.field({
    ...needs('server-grant:read'),
    type: [ServerGrantRef],
    description: 'What the member may do with single servers, beyond their role.',
    resolve: async ({ id }, _args, context) => [
      ...((await loadOne(context, 'server grants', id, listServerGrants)) ?? []),
    ],
  }),
)

const GrantServerInput = builder.inputType('GrantServerInput', {
  description: 'What to lend to whom.',
  fields: (t) => ({
    serverId: t.id({ required: true, description: 'Which server.' }),
    membershipId: t.id({ required: true, description: 'To which member.' }),
    level: t.field({ type: GrantLevelRef, required: true, description: 'What for.' }),
  }),
})

builder.mutationField('grantServer', (t) =>
  t.field({
    ...needs('server-grant:write'),
    type: ServerGrantRef,
    description:
      'Lends a member one server, or changes what for. Their sessions in this account end, so that they sign in again with the new right.',
    errors: answer('The grant.', [InvalidError, NotFoundError]),
    args: { input: t.arg({ type: GrantServerInput, required: true, description: 'What to do.' }) },
    resolve: async (_root, { input }, context) => {
      const serverId = checkId(['input', 'serverId'], 'srv', input.serverId)
      const membershipId = checkId(['input', 'membershipId'], 'mbr', input.membershipId)
      return await inAccount(context, async (tx) => {
        await getServer(tx, serverId)
        checkRole(context, ['input', 'membershipId'], (await getMembership(tx, membershipId)).role)
        return await upsertServerGrant(tx, { serverId, membershipId, level: input.level })
      })
    },
  }),
)

const RevokeServerGrantInput = builder.inputType('RevokeServerGrantInput', {
  description: 'What to take back from whom.',
  fields: (t) => ({
    serverId: t.id({ required: true, description: 'Which server.' }),
    membershipId: t.id({ required: true, description: 'From which member.' }),
  }),
})

builder.mutationField('revokeServerGrant', (t) =>
  t.field({
    ...needs('server-grant:write'),
    type: ServerGrantRef,
    description:
      "Takes a grant back, at once: the member's sessions in this account end, and so do, unless their role may make such, the tokens that they made for the server.",
    errors: answer('The grant that is no more.', [InvalidError, NotFoundError]),
    args: {
      input: t.arg({ type: RevokeServerGrantInput, required: true, description: 'What to do.' }),
    },
    resolve: async (_root, { input }, context) => {
      const serverId = checkId(['input', 'serverId'], 'srv', input.serverId)
      const membershipId = checkId(['input', 'membershipId'], 'mbr', input.membershipId)
      return await inAccount(context, async (tx) => {
        const { role } = await getMembership(tx, membershipId)
        checkRole(context, ['input', 'membershipId'], role)
        const keepsTokens = permissionsOf(role).has('server-token:write')
        return await deleteServerGrant(tx, { serverId, membershipId, keepsTokens })
      })
    },
  }),
)

// Who asks, on behalf of which account, and what they may do there.
import { getAccount } from '../db/account.ts'
import { getApiKey } from '../db/api-key.ts'
import { listMembershipsOfUser, type MembershipOfUser } from '../db/membership.ts'
import { AccountRef } from './account.ts'
import { ApiKeyRef } from './api-key.ts'
import { builder } from './builder.ts'
import { anyViewerOf, asIdentity, inAccountOnce } from './context.ts'
import type { Viewer } from './context.ts'
import { needs } from './need.ts'
import { loadUser, RoleRef, UserRef } from './user.ts'

/** The GraphQL type `Viewer`. */
export const ViewerRef = builder.objectRef<Viewer>('Viewer')

const ViewerAccountRef = builder.objectRef<MembershipOfUser>('ViewerAccount').implement({
  description: 'An account that the viewer belongs to.',
  fields: (t) => ({
    id: t.id({
      description: "The account's id, for `switchAccount`.",
      resolve: ({ account }) => account.id,
    }),
    name: t.string({
      description: 'What it is called.',
      resolve: ({ account }) => account.name,
    }),
    isSuspended: t.boolean({
      description: 'Whether it is suspended.',
      resolve: ({ account }) => account.suspended_at !== null,
    }),
    role: t.expose('role', { type: RoleRef, description: 'What the viewer is in it.' }),
  }),
})

ViewerRef.implement({
  description: 'Who asks: the credential of this request, and what it stands for.',
  fields: (t) => ({
    id: t.id({
      description:
        "The API key's id, or the session's; the account's where the administrator's key was sent.",
      resolve: (viewer) => viewer.apiKeyId ?? viewer.session?.session.id ?? viewer.accountId ?? '',
    }),
    user: t.field({
      type: UserRef,
      nullable: true,
      description: "Whose credential it is; null: the account's own.",
      resolve: ({ userId, session }, _args, context) =>
        session?.user ?? (userId === undefined ? null : loadUser(context, userId)),
    }),
    role: t.field({
      type: RoleRef,
      nullable: true,
      description: "The credential's role in the account; null where there is no account.",
      resolve: ({ role }) => role ?? null,
    }),
    permissions: t.stringList({
      description: 'What the credential may do in the account, `noun:verb`, in alphabetical order.',
      resolve: ({ permissions }) => [...permissions].toSorted(),
    }),
    account: t.field({
      type: AccountRef,
      nullable: true,
      description:
        'The account that everything read and changed belongs to; null for a person who belongs to none, or whose account is suspended.',
      resolve: ({ accountId }, _args, context) =>
        accountId === undefined ? null : inAccountOnce(context, 'account', getAccount),
    }),
    accounts: t.field({
      type: [ViewerAccountRef],
      description:
        'All accounts that the person belongs to, in the order in which they joined; none where an API key was sent.',
      resolve: async ({ session }, _args, context) =>
        session === undefined
          ? []
          : [...(await asIdentity(context, (tx) => listMembershipsOfUser(tx, session.user.id)))],
    }),
    apiKey: t.field({
      type: ApiKeyRef,
      nullable: true,
      description: 'The API key of this request; null where none of the database was sent.',
      resolve: ({ apiKeyId }, _args, context) =>
        apiKeyId === undefined
          ? null
          : inAccountOnce(context, apiKeyId, (tx) => getApiKey(tx, apiKeyId)),
    }),
  }),
})

builder.queryField('viewer', (t) =>
  t.field({
    ...needs('viewer:read'),
    type: ViewerRef,
    description: 'Who asks.',
    resolve: (_root, _args, context) => anyViewerOf(context),
  }),
)

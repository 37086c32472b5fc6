// Asking somebody to join. The answer has the link, which is signed and is not kept; it is mailed too
// where the installation can.
import { ConflictError, InvalidError, NotFoundError } from '../db/errors.ts'
import { toEmailKey } from '../db/email.ts'
import { getAccount } from '../db/account.ts'
import {
  countInvitations,
  findPendingInvitation,
  getInvitation,
  insertInvitation,
  INVITATION_DAYS,
  listInvitations,
  revokeInvitation,
  type Invitation,
} from '../db/invitation.ts'
import { answer, builder } from './builder.ts'
import { connect, pageArgs } from './connection.ts'
import { inAccount, viewerOf } from './context.ts'
import { needs } from './need.ts'
import { checkRole, loadUser, RoleRef, UserRef } from './user.ts'
import { checkId, invalid, quote } from './validate.ts'

/** The GraphQL type `Invitation`. */
export const InvitationRef = builder.objectRef<Invitation>('Invitation')

const isPending = (invitation: Invitation): boolean =>
  invitation.accepted_at === null &&
  invitation.revoked_at === null &&
  invitation.expires_at > new Date()

builder.node(InvitationRef, {
  description: `That the account asks somebody to join, for ${INVITATION_DAYS} days.`,
  id: { resolve: (invitation) => invitation.id },
  fields: (t) => ({
    email: t.exposeString('email', { description: 'The only address that can accept it.' }),
    role: t.expose('role', { type: RoleRef, description: 'What they will be.' }),
    invitedBy: t.field({
      type: UserRef,
      nullable: true,
      description: 'Who asked; null: nobody with a name, or somebody who has left.',
      resolve: ({ invited_by: id }, _args, context) => (id === null ? null : loadUser(context, id)),
    }),
    isPending: t.boolean({ description: 'Whether it can be accepted now.', resolve: isPending }),
    createdAt: t.expose('created_at', { type: 'DateTime', description: 'When it was made.' }),
    expiresAt: t.expose('expires_at', {
      type: 'DateTime',
      description: 'From when on it cannot be accepted.',
    }),
    acceptedAt: t.expose('accepted_at', {
      type: 'DateTime',
      nullable: true,
      description: 'When it was accepted; null: it was not.',
    }),
    revokedAt: t.expose('revoked_at', {
      type: 'DateTime',
      nullable: true,
      description: 'When it was revoked, or a later one took its place; null: it was not.',
    }),
  }),
})

const InvitationConnection = builder.connectionObject(
  { type: InvitationRef, name: 'InvitationConnection', description: 'A page of invitations.' },
  { name: 'InvitationEdge', description: 'An invitation and its place in the list.' },
)

const InvitationFilter = builder.inputType('InvitationFilter', {
  description: 'Which invitations; all that is given must hold.',
  fields: (t) => ({
    isPending: t.boolean({ description: 'Those that can, or cannot, be accepted now.' }),
  }),
})

builder.queryField('invitations', (t) =>
  t.field({
    ...needs('invitation:read'),
    type: InvitationConnection,
    description: 'Whom the account asked to join, oldest first.',
    args: {
      ...pageArgs,
      filter: t.arg({ type: InvitationFilter, description: 'Which ones. Default: all.' }),
    },
    resolve: (_root, args, context) => {
      const filter = { isPending: args.filter?.isPending ?? undefined }
      return connect(context, 'invitations', args, {
        list: (tx, page) => listInvitations(tx, { ...page, ...filter }),
        count: (tx) => countInvitations(tx, filter),
      })
    },
  }),
)

interface NewInvitation {
  readonly invitation: Invitation
  readonly url: string
  readonly isMailed: boolean
}

const NewInvitationRef = builder.objectRef<NewInvitation>('NewInvitation').implement({
  description: 'An invitation together with its link, which is not stored.',
  fields: (t) => ({
    invitation: t.expose('invitation', {
      type: InvitationRef,
      description: 'What is kept of it.',
    }),
    url: t.exposeString('url', {
      description: 'The link for whoever is invited. It works once, and for their address only.',
    }),
    isMailed: t.exposeBoolean('isMailed', {
      description: 'Whether a mail server took a mail with the link; else send it yourself.',
    }),
  }),
})

const CreateInvitationInput = builder.inputType('CreateInvitationInput', {
  description: 'Whom to ask.',
  fields: (t) => ({
    email: t.string({
      required: true,
      description: 'The address that they sign in with: at most 254 characters.',
    }),
    role: t.field({
      type: RoleRef,
      required: true,
      description: 'What they will be: a role that has no permission which the viewer lacks.',
    }),
  }),
})

builder.mutationField('createInvitation', (t) =>
  t.field({
    ...needs('invitation:write'),
    type: NewInvitationRef,
    description: `Asks somebody to join the account, for ${INVITATION_DAYS} days. A pending invitation of the same address is revoked. The link is in this answer and never again; where \`SMTP_URL\` is set it is mailed too.`,
    errors: answer('The invitation and its link.', [InvalidError, ConflictError]),
    args: {
      input: t.arg({ type: CreateInvitationInput, required: true, description: 'What to do.' }),
    },
    resolve: async (_root, { input }, context) => {
      const role = checkRole(context, ['input', 'role'], input.role)
      const emailKey = toEmailKey(input.email)
      if (emailKey === undefined) {
        throw invalid(
          ['input', 'email'],
          `is ${quote(input.email)}; expected an address such as "ada@example.com"`,
        )
      }
      const invitedBy = viewerOf(context).userId ?? null
      const { invitation, account } = await inAccount(context, async (tx) => {
        // It is revoked, so whoever asks must be one who may.
        const pending = await findPendingInvitation(tx, emailKey)
        if (pending !== undefined) checkRole(context, ['input', 'email'], pending.role)
        return {
          invitation: await insertInvitation(tx, { email: input.email, emailKey, role, invitedBy }),
          account: await getAccount(tx),
        }
      })
      const link = await context.people.linkInvitation(invitation)
      const isMailed = await context.people.mailInvitation(invitation, account.name, link)
      return { invitation, url: link, isMailed }
    },
  }),
)

builder.mutationField('revokeInvitation', (t) =>
  t.field({
    ...needs('invitation:write'),
    type: InvitationRef,
    description:
      'Takes an invitation back: its link does nothing from now on. One that was accepted stays as it is.',
    errors: answer('The invitation.', [InvalidError, NotFoundError]),
    args: { id: t.arg.id({ required: true, description: 'Which invitation.' }) },
    resolve: async (_root, args, context) => {
      const id = checkId(['id'], 'inv', args.id)
      return await inAccount(context, async (tx) => {
        checkRole(context, ['id'], (await getInvitation(tx, id)).role)
        return await revokeInvitation(tx, id)
      })
    },
  }),
)

// The browsers in which a person is signed in, and for which account each acts.
import { ConflictError, InvalidError, NotFoundError } from '../db/errors.ts'
import { listMembershipsOfUser } from '../db/membership.ts'
import {
  deleteSession,
  listSessions,
  SESSION_DAYS,
  SESSION_IDLE_HOURS,
  type Session,
} from '../db/session.ts'
import { answer, builder } from './builder.ts'
import { asIdentity, personOf } from './context.ts'
import { needs } from './need.ts'
import { checkId } from './validate.ts'
import { ViewerRef } from './viewer.ts'

const DAY_MS = 86_400_000

/** The GraphQL type `Session`. */
export const SessionRef = builder.objectRef<Session>('Session').implement({
  description: `A browser in which the viewer is signed in: for ${SESSION_DAYS} days, and no longer than ${SESSION_IDLE_HOURS} hours without a request. Neither its address nor what it is is known.`,
  fields: (t) => ({
    id: t.exposeID('id', { description: 'Unique in the whole installation.' }),
    createdAt: t.expose('created_at', { type: 'DateTime', description: 'When it began.' }),
    lastUsedAt: t.expose('last_used_at', {
      type: 'DateTime',
      description: 'When it was last used, to the minute.',
    }),
    expiresAt: t.field({
      type: 'DateTime',
      description: 'When it ends, however much it is used.',
      resolve: ({ created_at: createdAt }) => new Date(createdAt.getTime() + SESSION_DAYS * DAY_MS),
    }),
    isCurrent: t.boolean({
      description: 'Whether it is the one of this request.',
      resolve: ({ id }, _args, context) => personOf(context).session.id === id,
    }),
  }),
})

builder.objectFields(ViewerRef, (t) => ({
  session: t.field({
    type: SessionRef,
    nullable: true,
    description: 'The session of this request; null where an API key was sent.',
    resolve: ({ session }) => session?.session ?? null,
  }),
  sessions: t.field({
    type: [SessionRef],
    description: 'All browsers in which the person is signed in; none where an API key was sent.',
    resolve: async ({ session }, _args, context) =>
      session === undefined
        ? []
        : [...(await asIdentity(context, (tx) => listSessions(tx, session.user.id)))],
  }),
}))

builder.mutationField('revokeSession', (t) =>
  t.field({
    ...needs('session:write'),
    type: 'ID',
    description:
      "Ends one of the viewer's own sessions, from the next request on; the present one can be ended too.",
    errors: answer('The id of what is gone.', [InvalidError, NotFoundError]),
    args: { id: t.arg.id({ required: true, description: 'Which session.' }) },
    resolve: async (_root, args, context) => {
      const id = checkId(['id'], 'ses', args.id)
      const { user } = personOf(context)
      return (await asIdentity(context, (tx) => deleteSession(tx, user.id, id))).id
    },
  }),
)

builder.mutationField('switchAccount', (t) =>
  t.field({
    ...needs('session:write'),
    type: 'ID',
    description:
      'Lets this browser act for another account that the viewer belongs to, from the next request on. The session gets a new secret: the answer sets the cookie anew.',
    errors: answer('The id of the account.', [InvalidError, NotFoundError, ConflictError]),
    args: { accountId: t.arg.id({ required: true, description: 'Which account.' }) },
    resolve: async (_root, args, context) => {
      const accountId = checkId(['accountId'], 'acc', args.accountId)
      const { user, session } = personOf(context)
      const memberships = await asIdentity(context, (tx) => listMembershipsOfUser(tx, user.id))
      if (!memberships.some(({ account }) => account.id === accountId)) {
        throw new NotFoundError(`No account ${accountId}`)
      }
      await context.people.renewSession(session.id, accountId)
      return accountId
    },
  }),
)

builder.mutationField('acceptInvitation', (t) =>
  t.field({
    ...needs('invitation:accept'),
    type: 'ID',
    description:
      'Joins the account that the link is of, and acts for it from the next request on. Only whoever has the address that was invited can, and once.',
    errors: answer('The id of the account.', [InvalidError, NotFoundError, ConflictError]),
    args: {
      url: t.arg.string({ required: true, description: 'The link, as it was sent.' }),
    },
    resolve: async (_root, { url }, context) => {
      const { user, session } = personOf(context)
      const accountId = await context.people.acceptInvitation(url, user)
      await context.people.renewSession(session.id, accountId)
      return accountId
    },
  }),
)

// Credentials of one MCP server. A token is shown when it is made: only its hash is stored.
import type { Selectable } from 'kysely'
import { hashCredential } from '../db/credential.ts'
import { ConflictError, InvalidError, NotFoundError } from '../db/errors.ts'
import { newId } from '../db/id.ts'
import {
  getServerToken,
  insertServerToken,
  revokeServerToken,
  serverTokensOf,
} from '../db/server-token.ts'
import { getServer } from '../db/server.ts'
import type { ServerTokenTable } from '../db/tables.ts'
import type { Tx } from '../db/transaction.ts'
import { loadServer } from './batch.ts'
import { answer, builder } from './builder.ts'
import { connectNested, pageArgs } from './connection.ts'
import { inAccount, viewerOf } from './context.ts'
import { createOnce, IDEMPOTENCY_KEY_DESCRIPTION, makeCredential } from './idempotency-key.ts'
import { ServerRef } from './server.ts'
import { can, needs } from './need.ts'
import { loadUser, UserRef } from './user.ts'
import { checkExpiry, checkId, checkName, checkText } from './validate.ts'

/** The GraphQL type `ServerToken`. */
export const ServerTokenRef = builder.objectRef<Selectable<ServerTokenTable>>('ServerToken')

builder.node(ServerTokenRef, {
  description: 'A credential that opens one MCP server, sent as `Authorization: Bearer hms_…`.',
  id: { resolve: (token) => token.id },
  fields: (t) => ({
    name: t.exposeString('name', { description: 'What a person calls it.' }),
    server: t.field({
      ...needs('server:read', { level: 'USE', at: 'parent.server_id' }),
      type: ServerRef,
      description: 'The server that it opens.',
      resolve: ({ server_id: id }, _args, context) => loadServer(context, id),
    }),
    user: t.field({
      type: UserRef,
      nullable: true,
      description: 'Who made it, and with whose membership it ends; null: nobody with a name.',
      resolve: ({ person_id: id }, _args, context) => (id === null ? null : loadUser(context, id)),
    }),
    isUrlAllowed: t.exposeBoolean('is_url_allowed', {
      description: 'Whether it may stand in the URL as `?token=…`.',
    }),
    createdAt: t.expose('created_at', { type: 'DateTime', description: 'When it was made.' }),
    expiresAt: t.expose('expires_at', {
      type: 'DateTime',
      nullable: true,
      description: 'From when on it is refused; null: never by itself.',
    }),
    revokedAt: t.expose('revoked_at', {
      type: 'DateTime',
      nullable: true,
      description: 'When it was revoked; null: it was not.',
    }),
  }),
})

const ServerTokenConnection = builder.connectionObject(
  { type: ServerTokenRef, name: 'ServerTokenConnection', description: 'A page of server tokens.' },
  { name: 'ServerTokenEdge', description: 'A server token and its place in the list.' },
)

const ServerTokenFilterInput = builder.inputType('ServerTokenFilter', {
  description: 'Which server tokens; all that is given must hold.',
  fields: (t) => ({
    nameContains: t.string({
      description: 'Those whose name has this in it, in upper or lower case.',
    }),
    isRevoked: t.boolean({ description: 'Those that are, or are not, revoked.' }),
  }),
})

builder.objectField(ServerRef, 'tokens', (t) =>
  t.field({
    ...needs('server-token:read', { level: 'USE', at: 'parent.id' }),
    type: ServerTokenConnection,
    description:
      "The server's tokens, oldest first, revoked and expired ones among them; without `server-token:read` those that the viewer made.",
    args: {
      ...pageArgs,
      filter: t.arg({ type: ServerTokenFilterInput, description: 'Which ones. Default: all.' }),
    },
    resolve: ({ id: parentId }, args, context) => {
      const { nameContains, isRevoked } = args.filter ?? {}
      const filter = {
        ...(typeof nameContains === 'string' && {
          nameContains: checkText(['filter', 'nameContains'], nameContains),
        }),
        ...(typeof isRevoked === 'boolean' && { isRevoked }),
        ...(!can(context, 'server-token:read') && { userId: viewerOf(context).userId }),
      }
      const source = (tx: Tx) => serverTokensOf(tx, filter)
      return connectNested<Selectable<ServerTokenTable>>(context, args, {
        name: 'server tokens',
        parentId,
        filter,
        source,
      })
    },
  }),
)

interface NewServerToken {
  readonly serverToken: Selectable<ServerTokenTable>
  readonly token: string
}

const NewServerTokenRef = builder.objectRef<NewServerToken>('NewServerToken').implement({
  description: 'A server token together with its text, which is not stored.',
  fields: (t) => ({
    serverToken: t.expose('serverToken', {
      type: ServerTokenRef,
      description: 'What is kept of it.',
    }),
    token: t.exposeString('token', {
      description: 'The credential itself. Keep it: no query shows it.',
    }),
    mcpUrlWithToken: t.string({
      nullable: true,
      description:
        'The URL with the token in it, for a client that takes nothing else; null where the token may not stand in one. Whoever sees the URL can use it.',
      resolve: ({ serverToken, token }, _args, context) =>
        serverToken.is_url_allowed
          ? `${context.mcpUrl(serverToken.server_id)}?token=${token}`
          : null,
    }),
    mcpUrl: t.string({
      description: 'The URL to give to an MCP client together with the token.',
      resolve: ({ serverToken }, _args, context) => context.mcpUrl(serverToken.server_id),
    }),
  }),
})

const CreateServerTokenInput = builder.inputType('CreateServerTokenInput', {
  description: 'The server token to make.',
  fields: (t) => ({
    serverId: t.id({ required: true, description: 'Which server it opens.' }),
    name: t.string({ required: true, description: 'What to call it: 1 to 80 characters.' }),
    expiresAt: t.field({
      type: 'DateTime',
      description: 'From when on it is refused, in the future. Default: never by itself.',
    }),
    isUrlAllowed: t.boolean({
      description:
        'Whether it may stand in the URL as `?token=…`, for clients that can send no header. URLs end up in logs and histories of others; they do not in ours. Default: false.',
    }),
    idempotencyKey: t.string({ description: IDEMPOTENCY_KEY_DESCRIPTION }),
  }),
})

builder.mutationField('createServerToken', (t) =>
  t.field({
    ...needs('server-token:write', { level: 'USE', at: 'args.input.serverId' }),
    type: NewServerTokenRef,
    description:
      'Makes a server token. It is shown in this answer and never again, but to who repeats the request with its `idempotencyKey`.',
    errors: answer('The server token.', [InvalidError, NotFoundError, ConflictError]),
    args: {
      input: t.arg({ type: CreateServerTokenInput, required: true, description: 'What to do.' }),
    },
    resolve: async (_root, { input }, context) => {
      const serverId = checkId(['input', 'serverId'], 'srv', input.serverId)
      const name = checkName(['input', 'name'], input.name)
      const id = newId('tok')
      const newToken = makeCredential(context, 'hms', id, input)
      const serverToken = await createOnce(context, 'createServerToken', input, {
        create: async (tx) => {
          // Here: what was in the future when it was made may be repeated when it no longer is.
          const expiresAt = checkExpiry(['input', 'expiresAt'], input.expiresAt)
          await getServer(tx, serverId)
          const hash = hashCredential(newToken)
          const isUrlAllowed = input.isUrlAllowed ?? false
          const { userId } = viewerOf(context)
          const values = { id, serverId, name, hash, expiresAt, isUrlAllowed, userId }
          return await insertServerToken(tx, values)
        },
        get: getServerToken,
      })
      const isNew = serverToken.id === id
      const token = isNew ? newToken : makeCredential(context, 'hms', serverToken.id, input)
      return { serverToken, token }
    },
  }),
)

builder.mutationField('revokeServerToken', (t) =>
  t.field({
    ...needs('server-token:write', { level: 'USE', at: 'args.id', via: getServerToken }),
    type: ServerTokenRef,
    description: 'Refuses a server token from now on, for ever. Revoking twice changes nothing.',
    errors: answer('The server token.', [InvalidError, NotFoundError]),
    args: { id: t.arg.id({ required: true, description: 'Which server token.' }) },
    resolve: async (_root, args, context) => {
      const id = checkId(['id'], 'tok', args.id)
      return await inAccount(context, async (tx) => {
        const { person_id: makerId } = await getServerToken(tx, id)
        const isOwn = makerId !== null && makerId === viewerOf(context).userId
        if (!isOwn && !can(context, 'server-token:write'))
          throw new NotFoundError(`No server token ${id}`)
        return await revokeServerToken(tx, id)
      })
    },
  }),
)

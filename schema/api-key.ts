// Credentials for this GraphQL API. A key is shown when it is made: only its hash is stored.
import type { Selectable } from 'kysely'
import {
  countApiKeys,
  getApiKey,
  insertApiKey,
  listApiKeys,
  revokeApiKey,
  type ApiKeyFilter,
} from '../db/api-key.ts'
import { hashCredential } from '../db/credential.ts'
import { ConflictError, InvalidError, NotFoundError } from '../db/errors.ts'
import { newId } from '../db/id.ts'
import type { ApiKeyTable } from '../db/tables.ts'
import { answer, builder } from './builder.ts'
import { connect, pageArgs } from './connection.ts'
import { inAccount, viewerOf, type Context } from './context.ts'
import { createOnce, IDEMPOTENCY_KEY_DESCRIPTION, makeCredential } from './idempotency-key.ts'
import { can, needs } from './need.ts'
import { covers } from './role.ts'
import { checkRole, loadUser, RoleRef, UserRef } from './user.ts'
import { checkExpiry, checkId, checkName, checkText } from './validate.ts'

/** An API key as it is read: the hash stays in the database. */
export type ApiKeyRow = Omit<Selectable<ApiKeyTable>, 'hash'>

/** The GraphQL type `ApiKey`. */
export const ApiKeyRef = builder.objectRef<ApiKeyRow>('ApiKey')

builder.node(ApiKeyRef, {
  description: 'A credential for this GraphQL API, sent as `Authorization: Bearer hmk_…`.',
  id: { resolve: (key) => key.id },
  fields: (t) => ({
    name: t.exposeString('name', { description: 'What a person calls it.' }),
    createdAt: t.expose('created_at', { type: 'DateTime', description: 'When it was made.' }),
    expiresAt: t.expose('expires_at', {
      type: 'DateTime',
      nullable: true,
      description: 'From when on it is refused; null: never by itself.',
    }),
    role: t.expose('role', {
      type: RoleRef,
      description: 'What it carries, and never more than its user has.',
    }),
    user: t.field({
      type: UserRef,
      nullable: true,
      description: "Whose it is, and with whose membership it ends; null: the account's own.",
      resolve: ({ person_id: id }, _args, context) => (id === null ? null : loadUser(context, id)),
    }),
    revokedAt: t.expose('revoked_at', {
      type: 'DateTime',
      nullable: true,
      description: 'When it was revoked; null: it was not.',
    }),
  }),
})

/** Whether the viewer may see and revoke the key: their own, or everybody's. */
export function mayRead(context: Context, key: Pick<ApiKeyRow, 'id' | 'person_id'>): boolean {
  if (can(context, 'api-key:administer')) return true
  const { userId, apiKeyId } = viewerOf(context)
  // A key of the account's own sees itself alone: the others may have more rights.
  return userId === undefined ? key.id === apiKeyId : key.person_id === userId
}

/** Which of the account's keys the viewer may see, for {@link listApiKeys}. */
function readableBy(context: Context): Pick<ApiKeyFilter, 'userId' | 'id'> {
  if (can(context, 'api-key:administer')) return {}
  const { userId, apiKeyId } = viewerOf(context)
  return userId === undefined ? { id: apiKeyId ?? '' } : { userId }
}

/** Whether the viewer may revoke the key: their own, or one that carries no more than they have. */
export function mayRevoke(
  context: Context,
  key: Pick<ApiKeyRow, 'id' | 'person_id' | 'role'>,
): boolean {
  const isCovered = covers(viewerOf(context).permissions, key.role)
  return isOwn(context, key) || (can(context, 'api-key:administer') && isCovered)
}

function isOwn(context: Context, key: Pick<ApiKeyRow, 'id' | 'person_id'>): boolean {
  const { userId, apiKeyId } = viewerOf(context)
  return key.id === apiKeyId || (userId !== undefined && key.person_id === userId)
}

const ApiKeyConnection = builder.connectionObject(
  { type: ApiKeyRef, name: 'ApiKeyConnection', description: 'A page of API keys.' },
  { name: 'ApiKeyEdge', description: 'An API key and its place in the list.' },
)

const ApiKeyFilterInput = builder.inputType('ApiKeyFilter', {
  description: 'Which API keys; all that is given must hold.',
  fields: (t) => ({
    nameContains: t.string({
      description: 'Those whose name has this in it, in upper or lower case.',
    }),
    isRevoked: t.boolean({ description: 'Those that are, or are not, revoked.' }),
  }),
})

builder.queryField('apiKeys', (t) =>
  t.field({
    ...needs('api-key:read'),
    type: ApiKeyConnection,
    description:
      "The viewer's API keys, or with `api-key:administer` all of the account, oldest first, revoked and expired ones among them.",
    args: {
      ...pageArgs,
      filter: t.arg({ type: ApiKeyFilterInput, description: 'Which ones. Default: all.' }),
    },
    resolve: (_root, args, context) => {
      const { nameContains, isRevoked } = args.filter ?? {}
      const filter = {
        ...(typeof nameContains === 'string' && {
          nameContains: checkText(['filter', 'nameContains'], nameContains),
        }),
        ...(typeof isRevoked === 'boolean' && { isRevoked }),
        ...readableBy(context),
      }
      return connect(context, 'apiKeys', args, {
        list: (tx, page) => listApiKeys(tx, { ...page, ...filter }),
        count: (tx) => countApiKeys(tx, filter),
      })
    },
  }),
)

const NewApiKeyRef = builder
  .objectRef<{ readonly apiKey: ApiKeyRow; readonly key: string }>('NewApiKey')
  .implement({
    description: 'An API key together with its text, which is not stored.',
    fields: (t) => ({
      apiKey: t.expose('apiKey', { type: ApiKeyRef, description: 'What is kept of it.' }),
      key: t.exposeString('key', {
        description: 'The credential itself. Keep it: no query shows it.',
      }),
    }),
  })

const CreateApiKeyInput = builder.inputType('CreateApiKeyInput', {
  description: 'The API key to make.',
  fields: (t) => ({
    name: t.string({ required: true, description: 'What to call it: 1 to 80 characters.' }),
    expiresAt: t.field({
      type: 'DateTime',
      description: 'From when on it is refused, in the future. Default: never by itself.',
    }),
    role: t.field({
      type: RoleRef,
      description:
        "What it carries: a role that has no permission which the viewer lacks. Only with the viewer's own role, which is the default, it carries their grants for single servers too.",
    }),
    idempotencyKey: t.string({ description: IDEMPOTENCY_KEY_DESCRIPTION }),
  }),
})

builder.mutationField('createApiKey', (t) =>
  t.field({
    ...needs('api-key:write'),
    type: NewApiKeyRef,
    description:
      'Makes an API key, which belongs to its maker and ends with their membership. It is shown in this answer and never again, but to who repeats the request with its `idempotencyKey`.',
    errors: answer('The API key.', [InvalidError, ConflictError]),
    args: { input: t.arg({ type: CreateApiKeyInput, required: true, description: 'What to do.' }) },
    resolve: async (_root, { input }, context) => {
      const name = checkName(['input', 'name'], input.name)
      const { role: ownRole, carriesGrants, userId } = viewerOf(context)
      const role = checkRole(context, ['input', 'role'], input.role ?? ownRole)
      const newKeyId = newId('key')
      const newKey = makeCredential(context, 'hmk', newKeyId, input)
      // With the role that it comes to: who repeats the request with less is not shown the key.
      const whole = { ...input, role }
      const apiKey = await createOnce(context, 'createApiKey', whole, {
        create: async (tx) => {
          // Here: what was in the future when it was made may be repeated when it no longer is.
          const expiresAt = checkExpiry(['input', 'expiresAt'], input.expiresAt)
          return await insertApiKey(tx, {
            id: newKeyId,
            name,
            hash: hashCredential(newKey),
            expiresAt,
            userId,
            role,
            carriesGrants: carriesGrants && role === ownRole,
          })
        },
        get: getApiKey,
      })
      const isNew = apiKey.id === newKeyId
      return { apiKey, key: isNew ? newKey : makeCredential(context, 'hmk', apiKey.id, input) }
    },
  }),
)

builder.mutationField('revokeApiKey', (t) =>
  t.field({
    ...needs('api-key:write'),
    type: ApiKeyRef,
    description:
      'Refuses an API key from now on, for ever. The key of this very request can be revoked too: it is the last that it does. Revoking twice changes nothing. Nobody revokes a key of others that carries more than they have.',
    errors: answer('The API key.', [InvalidError, NotFoundError]),
    args: { id: t.arg.id({ required: true, description: 'Which API key.' }) },
    resolve: async (_root, args, context) => {
      const id = checkId(['id'], 'key', args.id)
      return await inAccount(context, async (tx) => {
        const key = await getApiKey(tx, id)
        if (!mayRead(context, key)) throw new NotFoundError(`No API key ${id}`)
        if (!isOwn(context, key)) checkRole(context, ['id'], key.role)
        return await revokeApiKey(tx, id)
      })
    },
  }),
)

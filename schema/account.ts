// The tenant, and its administration. Whoever administers an installation decides which accounts
// there are and whether they work; what is in another account stays closed to them.
import {
  countAccounts,
  findAccountById,
  getAccountById,
  insertAccount,
  listAccounts,
  reactivateAccount,
  suspendAccount,
  type Account,
} from '../db/account.ts'
import { insertApiKey } from '../db/api-key.ts'
import { hashCredential } from '../db/credential.ts'
import { ConflictError, InvalidError, NotFoundError } from '../db/errors.ts'
import { insertIdempotencyKey, updateIdempotencyKey } from '../db/idempotency-key.ts'
import { newId } from '../db/id.ts'
import { withAccount } from '../db/transaction.ts'
import { answer, builder } from './builder.ts'
import { connectAsOperator, pageArgs } from './connection.ts'
import { asOperator, inAccount, viewerOf, type Context } from './context.ts'
import {
  IDEMPOTENCY_KEY_DESCRIPTION,
  makeCredential,
  toIdempotentCreate,
} from './idempotency-key.ts'
import { checkId, checkName, checkText } from './validate.ts'

/** The GraphQL type `Account`. */
export const AccountRef = builder.objectRef<Account>('Account')

const OWNER_KEY_NAME = 'Owner'
const authScopes = { administrator: true }

builder.node(AccountRef, {
  description: 'Whom everything belongs to. Accounts see nothing of each other.',
  id: { resolve: (account) => account.id },
  fields: (t) => ({
    name: t.exposeString('name', { description: 'As it was named when it was made.' }),
    createdAt: t.expose('created_at', { type: 'DateTime', description: 'When it was made.' }),
    isSuspended: t.boolean({
      description: 'Whether its API keys and server tokens are refused until it is reactivated.',
      resolve: (account) => account.suspended_at !== null,
    }),
    suspendedAt: t.expose('suspended_at', {
      type: 'DateTime',
      nullable: true,
      description: 'Since when it is suspended; null: it is not.',
    }),
  }),
})

const AccountConnection = builder.connectionObject(
  { type: AccountRef, name: 'AccountConnection', description: 'A page of accounts.' },
  { name: 'AccountEdge', description: 'An account and its place in the list.' },
)

const AccountFilter = builder.inputType('AccountFilter', {
  description: 'Which accounts; all that is given must hold.',
  fields: (t) => ({
    nameContains: t.string({
      description: 'Those whose name has this in it, in upper or lower case.',
    }),
    isSuspended: t.boolean({ description: 'Those that are, or are not, suspended.' }),
  }),
})

builder.queryFields((t) => ({
  accounts: t.field({
    type: AccountConnection,
    authScopes,
    description:
      'All accounts of this installation, oldest first, suspended ones among them. For the instance administrator; everybody else gets an error with the code `FORBIDDEN`.',
    args: {
      ...pageArgs,
      filter: t.arg({ type: AccountFilter, description: 'Which ones. Default: all.' }),
    },
    resolve: (_root, args, context) => {
      const { nameContains, isSuspended } = args.filter ?? {}
      const filter = {
        ...(typeof nameContains === 'string' && {
          nameContains: checkText(['filter', 'nameContains'], nameContains),
        }),
        ...(typeof isSuspended === 'boolean' && { isSuspended }),
      }
      return connectAsOperator(context, 'accounts', args, {
        list: (tx, page) => listAccounts(tx, { ...page, ...filter }),
        count: (tx) => countAccounts(tx, filter),
      })
    },
  }),
  account: t.field({
    type: AccountRef,
    nullable: true,
    authScopes,
    description:
      'Any account of this installation. The error has the code `NOT_FOUND` where there is none, and `FORBIDDEN` for everybody but the instance administrator.',
    args: { id: t.arg.id({ required: true, description: 'Which account.' }) },
    resolve: async (_root, args, context) => {
      const id = checkId(['id'], 'acc', args.id)
      return await asOperator(context, (tx) => getAccountById(tx, id))
    },
  }),
}))

const NewAccountRef = builder
  .objectRef<{ readonly account: Account; readonly apiKey: string }>('NewAccount')
  .implement({
    description: 'An account at the only moment when the text of its first key is known.',
    fields: (t) => ({
      account: t.expose('account', { type: AccountRef, description: 'The account.' }),
      apiKey: t.exposeString('apiKey', {
        description:
          'The API key of its owner, named "Owner". Hand it over: it cannot be shown again.',
      }),
    }),
  })

const CreateAccountInput = builder.inputType('CreateAccountInput', {
  description: 'The account to make.',
  fields: (t) => ({
    name: t.string({
      required: true,
      description: 'What to call it: 1 to 80 characters. Several may have the same name.',
    }),
    idempotencyKey: t.string({ description: IDEMPOTENCY_KEY_DESCRIPTION }),
  }),
})

builder.mutationField('createAccount', (t) =>
  t.field({
    type: NewAccountRef,
    authScopes,
    description:
      'Makes an account and an API key for its owner, which is shown in this answer and never again, but to who repeats the request with its `idempotencyKey`. For the instance administrator.',
    errors: answer('The account and its key.', [InvalidError, ConflictError]),
    args: {
      input: t.arg({ type: CreateAccountInput, required: true, description: 'What to do.' }),
    },
    resolve: async (_root, { input }, context) => {
      const name = checkName(['input', 'name'], input.name)
      const id = await claimId(context, input)
      const apiKey = makeCredential(context, 'hmk', id, input)
      const create = async () =>
        await withAccount(context.db, id, async (tx) => {
          const row = await insertAccount(tx, { name })
          await insertApiKey(tx, { name: OWNER_KEY_NAME, hash: hashCredential(apiKey) })
          return row
        })
      const find = () => asOperator(context, (tx) => findAccountById(tx, id))
      // A repeated create goes on where the first one was cut off, or waits for the faster one.
      const account =
        (await find()) ??
        (await create().catch(async (error: unknown) => {
          const faster = await find()
          if (faster === undefined) throw error
          return faster
        }))
      return { account, apiKey }
    },
  }),
)

/** The id of the account to make. The key is the administrator's, so it is kept in their own account. */
async function claimId(
  context: Context,
  input: { readonly idempotencyKey?: string | null | undefined },
): Promise<string> {
  const once = toIdempotentCreate(context, 'createAccount', input)
  if (once === undefined) return newId('acc')
  return await inAccount(context, async (tx) => {
    const earlier = await insertIdempotencyKey(tx, once)
    if (earlier !== undefined) return earlier.id
    const id = newId('acc')
    await updateIdempotencyKey(tx, once.key, { id, result: null })
    return id
  })
}

builder.mutationField('suspendAccount', (t) =>
  t.field({
    type: AccountRef,
    authScopes,
    description:
      "Refuses all API keys and server tokens of an account until it is reactivated; nothing of it is deleted, and calls that run are finished. The administrator's own account cannot be suspended. Suspending twice changes nothing. For the instance administrator.",
    errors: answer('The account.', [InvalidError, NotFoundError, ConflictError]),
    args: { id: t.arg.id({ required: true, description: 'Which account.' }) },
    resolve: async (_root, args, context) => {
      const id = checkId(['id'], 'acc', args.id)
      if (id === viewerOf(context).accountId) {
        throw new ConflictError(
          `Cannot suspend account ${id}: it is the instance administrator's own`,
        )
      }
      return await asOperator(context, (tx) => suspendAccount(tx, id))
    },
  }),
)

builder.mutationField('reactivateAccount', (t) =>
  t.field({
    type: AccountRef,
    authScopes,
    description:
      'Lets the API keys and server tokens of a suspended account work again, except for those that were revoked or have expired. An account that is not suspended stays as it is. For the instance administrator.',
    errors: answer('The account.', [InvalidError, NotFoundError]),
    args: { id: t.arg.id({ required: true, description: 'Which account.' }) },
    resolve: async (_root, args, context) => {
      const id = checkId(['id'], 'acc', args.id)
      return await asOperator(context, (tx) => reactivateAccount(tx, id))
    },
  }),
)

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
  updateAccount,
  type Account,
} from '../db/account.ts'
import { insertApiKey } from '../db/api-key.ts'
import { hashCredential } from '../db/credential.ts'
import { ConflictError, InvalidError, NotFoundError } from '../db/errors.ts'
import { insertIdempotencyKey, updateIdempotencyKey } from '../db/idempotency-key.ts'
import { newId } from '../db/id.ts'
import { insertMembership, listMembershipsOfUser } from '../db/membership.ts'
import { withAccount } from '../db/transaction.ts'
import { answer, builder } from './builder.ts'
import { connectAsOperator, pageArgs } from './connection.ts'
import {
  anyViewerOf,
  asIdentity,
  asOperator,
  inAccount,
  viewerOf,
  type Context,
  type Person,
} from './context.ts'
import {
  IDEMPOTENCY_KEY_DESCRIPTION,
  makeCredential,
  toIdempotentCreate,
} from './idempotency-key.ts'
import { needs } from './need.ts'
import { checkId, checkName, checkText } from './validate.ts'

/** The GraphQL type `Account`. */
export const AccountRef = builder.objectRef<Account>('Account')

const OWNER_KEY_NAME = 'Owner'
// More than a person has use for, and few enough that accounts are nothing to flood with.
const MAX_OWNED_ACCOUNTS = 10

builder.node(AccountRef, {
  description: 'Whom everything belongs to. Accounts see nothing of each other.',
  id: { resolve: (account) => account.id },
  fields: (t) => ({
    name: t.exposeString('name', { description: 'What its owner calls it.' }),
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
    ...needs('account:administer'),
    type: AccountConnection,
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
    ...needs('account:administer'),
    type: AccountRef,
    nullable: true,
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
  .objectRef<{ readonly account: Account; readonly apiKey: string | null }>('NewAccount')
  .implement({
    description: 'An account at the only moment when the text of its first key is known.',
    fields: (t) => ({
      account: t.expose('account', { type: AccountRef, description: 'The account.' }),
      apiKey: t.exposeString('apiKey', {
        nullable: true,
        description:
          'The API key of its owner, named "Owner". Hand it over: it cannot be shown again. Null where a person made the account for themselves.',
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
    ...needs('account:create'),
    type: NewAccountRef,
    description:
      'Makes an account. The instance administrator gets an API key for its owner, which is shown in this answer and never again, but to who repeats the request with its `idempotencyKey`. A person who is signed in, where `SIGN_UP` is open, becomes its OWNER and acts for it from the next request on.',
    errors: answer('The account and its key.', [InvalidError, ConflictError]),
    args: {
      input: t.arg({ type: CreateAccountInput, required: true, description: 'What to do.' }),
    },
    resolve: async (_root, { input }, context) => {
      const name = checkName(['input', 'name'], input.name)
      const { session } = anyViewerOf(context)
      return session === undefined
        ? await createForOwner(context, name, input)
        : { account: await createForPerson(context, name, session), apiKey: null }
    },
  }),
)

async function createForPerson(context: Context, name: string, { user, session }: Person) {
  const mine = await asIdentity(context, (tx) => listMembershipsOfUser(tx, user.id))
  const owned = mine.filter(({ role }) => role === 'OWNER').length
  if (owned >= MAX_OWNED_ACCOUNTS) {
    throw new ConflictError(
      `You own ${owned} accounts, the limit is ${MAX_OWNED_ACCOUNTS}; leave one of them first`,
    )
  }
  const account = await withAccount(context.db, newId('acc'), async (tx) => {
    const row = await insertAccount(tx, { name })
    await insertMembership(tx, { userId: user.id, role: 'OWNER' })
    return row
  })
  await context.people.renewSession(session.id, account.id)
  return account
}

async function createForOwner(
  context: Context,
  name: string,
  input: typeof CreateAccountInput.$inferInput,
) {
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
}

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

const UpdateAccountInput = builder.inputType('UpdateAccountInput', {
  description: 'The account to change.',
  fields: (t) => ({
    name: t.string({ required: true, description: 'What to call it: 1 to 80 characters.' }),
  }),
})

builder.mutationField('updateAccount', (t) =>
  t.field({
    ...needs('account:write'),
    type: AccountRef,
    description: "Renames the viewer's account.",
    errors: answer('The account.', [InvalidError]),
    args: {
      input: t.arg({ type: UpdateAccountInput, required: true, description: 'What to do.' }),
    },
    resolve: async (_root, { input }, context) => {
      const name = checkName(['input', 'name'], input.name)
      return await inAccount(context, (tx) => updateAccount(tx, { name }))
    },
  }),
)

builder.mutationField('suspendAccount', (t) =>
  t.field({
    ...needs('account:administer'),
    type: AccountRef,
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
    ...needs('account:administer'),
    type: AccountRef,
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

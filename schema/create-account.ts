// Making an account: by the instance administrator for somebody else, who gets a key, or by a person for
// themselves, who becomes its owner.
import { findAccountById, insertAccount, type Account } from '../db/account.ts'
import { insertApiKey } from '../db/api-key.ts'
import { hashCredential } from '../db/credential.ts'
import { ConflictError, InvalidError } from '../db/errors.ts'
import { insertIdempotencyKey, updateIdempotencyKey } from '../db/idempotency-key.ts'
import { idOf, newId } from '../db/id.ts'
import { insertMembership, listMembershipsOfUser, type MembershipOfUser } from '../db/membership.ts'
import { withAccount } from '../db/transaction.ts'
import { answer, builder } from './builder.ts'
import {
  anyViewerOf,
  asIdentity,
  asOperator,
  inAccount,
  type Context,
  type Person,
} from './context.ts'
import {
  IDEMPOTENCY_KEY_DESCRIPTION,
  makeCredential,
  toIdempotentCreate,
} from './idempotency-key.ts'
import { needs } from './need.ts'
import { checkIdempotencyKey, checkName } from './validate.ts'
import { AccountRef } from './account.ts'

const OWNER_KEY_NAME = 'Owner'
// More than a person has use for, and few enough that accounts are nothing to flood with.
const MAX_OWNED_ACCOUNTS = 10

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
        : {
            account: await createForPerson(context, { ...input, name }, session),
            apiKey: null,
          }
    },
  }),
)

async function createForPerson(
  context: Context,
  input: typeof CreateAccountInput.$inferInput,
  { user, session }: Person,
): Promise<Account> {
  const id = idForPerson(context, input, user.id)
  const list = () => asIdentity(context, (tx) => listMembershipsOfUser(tx, user.id))
  const mine = await list()
  const earlier = findEarlier(mine, id, input.name)
  const owned = mine.filter(({ role }) => role === 'OWNER').length
  if (earlier === undefined && owned >= MAX_OWNED_ACCOUNTS) {
    throw new ConflictError(
      `You own ${owned} accounts, the limit is ${MAX_OWNED_ACCOUNTS}; leave one of them first`,
    )
  }
  const insert = () =>
    insertForPerson(context, id, input.name, user.id).catch(async (error: unknown) => {
      if (!(error instanceof ConflictError)) throw error
      const faster = findEarlier(await list(), id, input.name)
      if (faster !== undefined) return faster
      throw new ConflictError(
        'The idempotencyKey made an account that you do not belong to any more; expected another key',
        { cause: error },
      )
    })
  const account = earlier ?? (await insert())
  await context.people.renewSession(session.id, account.id)
  return account
}

/** @throws {ConflictError} CONFLICT when the key was used with another name */
function findEarlier(
  mine: readonly MembershipOfUser[],
  id: string,
  name: string,
): Account | undefined {
  const earlier = mine.find(({ account }) => account.id === id)?.account
  if (earlier === undefined || earlier.name === name) return earlier
  throw new ConflictError(
    `The idempotencyKey made the account ${JSON.stringify(earlier.name)}; expected the same input, or another key`,
  )
}

/** A person may have no account yet that could remember the key, so that the id itself does. */
function idForPerson(
  context: Context,
  { idempotencyKey }: typeof CreateAccountInput.$inferInput,
  userId: string,
): string {
  if (typeof idempotencyKey !== 'string') return newId('acc')
  const key = checkIdempotencyKey(['input', 'idempotencyKey'], idempotencyKey)
  return idOf('acc', context.deriveBytes(JSON.stringify(['account', userId, key])).subarray(0, 16))
}

async function insertForPerson(context: Context, id: string, name: string, userId: string) {
  return await withAccount(context.db, id, async (tx) => {
    const row = await insertAccount(tx, { name })
    await insertMembership(tx, { userId, role: 'OWNER' })
    return row
  })
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

// The tenant, and its administration. Whoever administers an installation decides which accounts
// there are and whether they work; what is in another account stays closed to them.
import {
  countAccounts,
  getAccountById,
  listAccounts,
  reactivateAccount,
  suspendAccount,
  updateAccount,
  type Account,
} from '../db/account.ts'
import { ConflictError, InvalidError, NotFoundError } from '../db/errors.ts'
import { answer, builder } from './builder.ts'
import { connectAsOperator, pageArgs } from './connection.ts'
import { asOperator, inAccount, viewerOf } from './context.ts'
import { needs } from './need.ts'
import { checkId, checkName, checkText } from './validate.ts'

/** The GraphQL type `Account`. */
export const AccountRef = builder.objectRef<Account>('Account')

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

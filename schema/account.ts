// The tenant.
import type { Selectable } from 'kysely'
import type { AccountTable } from '../db/tables.ts'
import { builder } from './builder.ts'

/** The GraphQL type `Account`. */
export const AccountRef = builder.objectRef<Selectable<AccountTable>>('Account')

builder.node(AccountRef, {
  description: 'Whom everything belongs to. Accounts see nothing of each other.',
  id: { resolve: (account) => account.id },
  fields: (t) => ({
    name: t.exposeString('name', { description: 'As it was named when it was made.' }),
    createdAt: t.expose('created_at', { type: 'DateTime', description: 'When it was made.' }),
  }),
})

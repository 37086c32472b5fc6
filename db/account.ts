// The tenant. Its row is written and read under its own id, as every other row of it.
import type { Selectable } from 'kysely'

import { NotFoundError } from './errors.ts'
import type { AccountTable } from './tables.ts'
import type { Tx } from './transaction.ts'

/** A tenant as a query answers it. */
export type Account = Selectable<AccountTable>

/** The new account; its id is the one that the transaction was opened for. */
export async function insertAccount(tx: Tx, input: { readonly name: string }): Promise<Account> {
  const row = await tx.trx
    .insertInto('account')
    .values({ id: tx.accountId, name: input.name })
    .returningAll()
    .executeTakeFirstOrThrow()
  tx.publish({ noun: 'account', accountId: tx.accountId, id: row.id })
  return row
}

/**
 * The transaction's account.
 * @throws {NotFoundError} NOT_FOUND when it does not exist
 */
export async function getAccount(tx: Tx): Promise<Account> {
  const row = await tx.trx
    .selectFrom('account')
    .selectAll()
    .where('id', '=', tx.accountId)
    .executeTakeFirst()
  if (row === undefined) throw new NotFoundError(`No account ${tx.accountId}`)
  return row
}

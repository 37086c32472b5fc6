// The tenant. Its row is written and read under its own id, as every other row of it; only the
// operator, who administers the installation, sees the rows of all and suspends them.
import { sql, type Expression, type Selectable } from 'kysely'

import { NotFoundError } from './errors.ts'
import { isAfter, orderOf, toPageResult, type Page, type PageResult } from './page.ts'
import type { AccountTable } from './tables.ts'
import type { OperatorTx, Tx } from './transaction.ts'

/** A tenant as a query answers it. */
export type Account = Selectable<AccountTable>

// By name: the operator may not read a column that is added later.
const COLUMNS = ['id', 'name', 'created_at', 'suspended_at'] as const

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

/**
 * The transaction's account, by another name.
 * @throws {NotFoundError} NOT_FOUND when it does not exist
 */
export async function updateAccount(tx: Tx, input: { readonly name: string }): Promise<Account> {
  const row = await tx.trx
    .updateTable('account')
    .set({ name: input.name })
    .where('id', '=', tx.accountId)
    .returningAll()
    .executeTakeFirst()
  if (row === undefined) throw new NotFoundError(`No account ${tx.accountId}`)
  tx.publish({ noun: 'account', accountId: tx.accountId, id: row.id })
  return row
}

/** Any account, if it exists. */
export async function findAccountById(tx: OperatorTx, id: string): Promise<Account | undefined> {
  return await tx.trx.selectFrom('account').select(COLUMNS).where('id', '=', id).executeTakeFirst()
}

/**
 * Any account.
 * @throws {NotFoundError} NOT_FOUND when it does not exist
 */
export async function getAccountById(tx: OperatorTx, id: string): Promise<Account> {
  const row = await findAccountById(tx, id)
  if (row === undefined) throw new NotFoundError(`No account ${id}`)
  return row
}

/** Which accounts. */
export interface AccountFilter {
  /** Whose name has this in it, whatever the case of its letters. */
  readonly nameContains?: string | undefined
  readonly isSuspended?: boolean | undefined
}

/** How many accounts the filter names; suspended ones are among them unless it says so. */
export async function countAccounts(tx: OperatorTx, filter: AccountFilter = {}): Promise<number> {
  const row = await selectAccounts(tx, filter)
    .select((eb) => eb.fn.countAll<string>().as('count'))
    .executeTakeFirstOrThrow()
  return Number(row.count)
}

/** The accounts that the filter names. */
export async function listAccounts(
  tx: OperatorTx,
  page: Page & AccountFilter,
): Promise<PageResult<Account>> {
  const query = selectAccounts(tx, page)
    .select(COLUMNS)
    .where(isAfter('account', page))
    .orderBy(orderOf('account', page))
    .limit(page.first + 1)
  return toPageResult(await query.execute(), page)
}

function selectAccounts(tx: OperatorTx, { nameContains, isSuspended }: AccountFilter) {
  let query = tx.trx.selectFrom('account')
  if (nameContains !== undefined) {
    query = query.where(sql<boolean>`strpos(lower(name), lower(${nameContains})) > 0`)
  }
  if (isSuspended !== undefined) {
    query = query.where('suspended_at', isSuspended ? 'is not' : 'is', null)
  }
  return query
}

/**
 * The account, suspended from now on; one that was suspended before keeps its first time.
 * @throws {NotFoundError} NOT_FOUND when it does not exist
 */
export async function suspendAccount(tx: OperatorTx, id: string): Promise<Account> {
  return await updateSuspension(tx, id, sql<Date>`coalesce(suspended_at, now())`)
}

/**
 * The account, not suspended any more.
 * @throws {NotFoundError} NOT_FOUND when it does not exist
 */
export async function reactivateAccount(tx: OperatorTx, id: string): Promise<Account> {
  return await updateSuspension(tx, id, null)
}

async function updateSuspension(
  tx: OperatorTx,
  id: string,
  suspendedAt: Expression<Date> | null,
): Promise<Account> {
  const row = await tx.trx
    .updateTable('account')
    .set({ suspended_at: suspendedAt })
    .where('id', '=', id)
    .returning(COLUMNS)
    .executeTakeFirst()
  if (row === undefined) throw new NotFoundError(`No account ${id}`)
  tx.publish({ noun: 'account', accountId: id, id })
  return row
}

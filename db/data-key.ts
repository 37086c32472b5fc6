// The one data key of each account. Whoever has the installation's key and this row reads the
// account's secrets; without the row nobody does, whatever copies of ciphertexts there are.
import { newId } from './id.ts'
import type { Tx } from './transaction.ts'
import type { Vault, WrappedKey } from './vault.ts'

/** The account's data key, if it has one: without it, it has no secret either. */
export async function findDataKey(tx: Tx): Promise<WrappedKey | undefined> {
  return await tx.trx
    .selectFrom('data_key')
    .select(['id', 'account_id', 'wrapped'])
    .where('account_id', '=', tx.accountId)
    .executeTakeFirst()
}

/** The account's data key, made now if it has none. Two that are made at once end up as one. */
export async function ensureDataKey(tx: Tx, vault: Vault): Promise<WrappedKey> {
  const found = await findDataKey(tx)
  if (found !== undefined) return found
  const id = newId('dky')
  // The update changes nothing, and makes the row that came first be returned.
  return await tx.trx
    .insertInto('data_key')
    .values({ account_id: tx.accountId, id, wrapped: vault.wrapNewKey(tx.accountId, id) })
    .onConflict((conflict) =>
      conflict.column('account_id').doUpdateSet((eb) => ({ wrapped: eb.ref('data_key.wrapped') })),
    )
    .returning(['id', 'account_id', 'wrapped'])
    .executeTakeFirstOrThrow()
}

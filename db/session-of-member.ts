// Sessions as the account of a member sees them: it may end them, and knows no more than whose they are.
import type { Tx } from './transaction.ts'

/** Ends the sessions of a member that act in the account: what they may do there has changed. */
export async function deleteSessionsOfMember(tx: Tx, userId: string): Promise<void> {
  await tx.trx
    .deleteFrom('session')
    .where('account_id', '=', tx.accountId)
    .where('person_id', '=', userId)
    .execute()
}

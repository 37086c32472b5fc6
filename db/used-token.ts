// What may be used once and was: states of sign-ins, sign-in links, tickets. A row is kept until after
// what it stands for has expired, in the database, so that no other process takes it for new.
import type { Database } from './client.ts'
import { withIdentity, withPurge } from './transaction.ts'

// A day: whoever reads the token and the database, which deletes the row, have clocks of their own.
const CLOCK_SKEW_MS = 86_400_000

/**
 * Whether nobody used it before; from now on somebody has. `id` is one that nobody else can guess.
 * @throws {UnavailableError} UNAVAILABLE when the database cannot be reached
 */
export async function useToken(db: Database, id: string, expiresAt: Date): Promise<boolean> {
  const keptUntil = new Date(expiresAt.getTime() + CLOCK_SKEW_MS)
  return await withIdentity(db, async ({ trx }) => {
    const row = await trx
      .insertInto('used_token')
      .values({ id, expires_at: keptUntil })
      .onConflict((conflict) => conflict.column('id').doNothing())
      .returning('id')
      .executeTakeFirst()
    return row !== undefined
  })
}

/** Deletes those that have expired. How many. */
export async function deleteExpiredTokens(db: Database): Promise<number> {
  return await withPurge(db, async (trx) => {
    // Their age is the policy's, `used_token_purge_policy`.
    const result = await trx.deleteFrom('used_token').executeTakeFirstOrThrow()
    return Number(result.numDeletedRows)
  })
}

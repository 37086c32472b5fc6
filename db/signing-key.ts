// Keys that sign tickets. One signs; the one before it is still believed until what it signed has
// expired, an hour at most, so that keys change while the installation runs.
import { sql, type Selectable } from 'kysely'

import type { Database } from './client.ts'
import type { SigningKeyTable } from './identity-tables.ts'
import { withIdentity, withPurge } from './transaction.ts'

/** A key as it is kept. */
export type SigningKey = Selectable<SigningKeyTable>

/** How long a key signs, unless it is retired before. */
export const SIGNING_KEY_DAYS = 30

/**
 * The keys that can be believed, the one that signs first; the one that signs is missing where it is
 * too old.
 * @throws {UnavailableError} UNAVAILABLE when no connection is to be had
 */
export async function listSigningKeys(db: Database): Promise<readonly SigningKey[]> {
  return await withIdentity(
    db,
    async ({ trx }) =>
      await trx
        .selectFrom('signing_key')
        .selectAll()
        .where(sql<boolean>`coalesce(retired_at > now() - interval '1 hour', true)`)
        .orderBy(sql`retired_at desc nulls first`)
        .execute(),
  )
}

/**
 * Retires the key that signs, if there is one, unless it is another than `retiredId`, and lets `key`
 * sign. False where another process was faster.
 * @throws {UnavailableError} UNAVAILABLE when no connection is to be had
 */
export async function insertSigningKey(
  db: Database,
  key: Pick<SigningKey, 'id' | 'public_key' | 'private_key'>,
  retiredId: string | undefined,
): Promise<boolean> {
  return await withIdentity(db, async ({ trx }) => {
    if (retiredId !== undefined) {
      await trx
        .updateTable('signing_key')
        .set({ retired_at: sql<Date>`now()` })
        .where('id', '=', retiredId)
        .where('retired_at', 'is', null)
        .execute()
    }
    const row = await trx
      .insertInto('signing_key')
      .values(key)
      .onConflict((conflict) => conflict.doNothing())
      .returning('id')
      .executeTakeFirst()
    return row !== undefined
  })
}

/** Deletes keys that were retired more than an hour ago. How many. */
export async function deleteRetiredKeys(db: Database): Promise<number> {
  return await withPurge(db, async (trx) => {
    // Their age is the policy's, `signing_key_purge_policy`.
    const result = await trx.deleteFrom('signing_key').executeTakeFirstOrThrow()
    return Number(result.numDeletedRows)
  })
}

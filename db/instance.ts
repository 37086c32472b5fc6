// Facts about this installation. They belong to no tenant and are read under the login's own role.
import type { Database } from './client.ts'
import { toDatabaseError } from './database-error.ts'

/**
 * The value under the key, if there is one.
 * @throws {UnavailableError} UNAVAILABLE when no connection is to be had
 */
export async function findInstanceValue(db: Database, key: string): Promise<string | undefined> {
  try {
    const row = await db.kysely
      .selectFrom('instance')
      .select('value')
      .where('key', '=', key)
      .executeTakeFirst()
    return row?.value
  } catch (error) {
    throw toDatabaseError(error)
  }
}

/**
 * The value that the key has from now on: `value`, or that of whoever was first.
 * @throws {UnavailableError} UNAVAILABLE when no connection is to be had
 */
export async function insertInstanceValue(
  db: Database,
  key: string,
  value: string,
): Promise<string> {
  try {
    await db.kysely
      .insertInto('instance')
      .values({ key, value })
      .onConflict((conflict) => conflict.column('key').doNothing())
      .execute()
    // A second statement: it sees the row of a winner that committed while the first one waited.
    const row = await db.kysely
      .selectFrom('instance')
      .select('value')
      .where('key', '=', key)
      .executeTakeFirstOrThrow()
    return row.value
  } catch (error) {
    throw toDatabaseError(error)
  }
}

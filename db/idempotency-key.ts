// Which create made what, so that one that is repeated makes nothing twice. A key is claimed before
// the work and in the same transaction: whoever comes second with it waits for the first, and a
// create that fails leaves its key free.
import { sql } from 'kysely'

import { ConflictError } from './errors.ts'
import type { Tx } from './transaction.ts'

/** A create that may be repeated. */
export interface IdempotentCreate {
  /** Chosen by the client: 1 to 255 characters, unique in the account. */
  readonly key: string
  /** The mutation's name. */
  readonly operation: string
  /** SHA-256 of the input, 32 bytes. */
  readonly inputHash: Buffer
}

/** What a key made. */
export interface IdempotentResult {
  readonly id: string
  /** What was answered besides the object, as JSON; null where the object is all. */
  readonly result: string | null
}

// A day: longer than any client retries.
const LIFETIME = '24 hours'
// Under a millisecond; every claim takes as many, so that they go faster than they come.
const EXPIRED_PER_CLAIM = 20

/**
 * What the key made; undefined where it is free or expired.
 * @throws {ConflictError} CONFLICT when the key was used with another operation or input
 */
export async function findIdempotencyKey(
  tx: Tx,
  create: IdempotentCreate,
): Promise<IdempotentResult | undefined> {
  const row = await tx.trx
    .selectFrom('idempotency_key')
    .select(['operation', 'input_hash', 'result_id', 'result'])
    .where('account_id', '=', tx.accountId)
    .where('key', '=', create.key)
    .where('created_at', '>', sql<Date>`now() - ${LIFETIME}::interval`)
    .executeTakeFirst()
  if (row === undefined || row.result_id === null) return undefined
  if (row.operation !== create.operation || !row.input_hash.equals(create.inputHash)) {
    throw new ConflictError(
      `The idempotencyKey ${JSON.stringify(create.key)} was used for another ${row.operation}; expected the same mutation with the same input, or another key`,
    )
  }
  return { id: row.result_id, result: row.result }
}

/**
 * What the key made, as {@link findIdempotencyKey} says it. Undefined: the key is now this
 * transaction's, which ends with {@link updateIdempotencyKey}; others that want it wait. A few of
 * the account's expired keys are deleted.
 * @throws {ConflictError} CONFLICT when the key was used with another operation or input
 */
export async function insertIdempotencyKey(
  tx: Tx,
  create: IdempotentCreate,
): Promise<IdempotentResult | undefined> {
  // Waits for whoever is about to commit the same key. A row that is not taken over is locked all
  // the same, so that it is still there for the next statement.
  const { rows } = await sql`
    insert into idempotency_key as old (account_id, key, operation, input_hash)
    values (${tx.accountId}, ${create.key}, ${create.operation}, ${create.inputHash})
    on conflict (account_id, key) do update set operation = excluded.operation,
      input_hash = excluded.input_hash, result_id = null, result = null, created_at = now()
      where old.created_at <= now() - ${LIFETIME}::interval
    returning key`.execute(tx.trx)
  if (rows.length === 0) return await findIdempotencyKey(tx, create)
  // Not before the claim, and none that is locked: two that delete each other's key would wait.
  await sql`
    delete from idempotency_key where account_id = ${tx.accountId} and key in (
      select key from idempotency_key where account_id = ${tx.accountId}
        and created_at <= now() - ${LIFETIME}::interval
      order by created_at limit ${EXPIRED_PER_CLAIM} for update skip locked)`.execute(tx.trx)
  return undefined
}

/** Says what the key made. */
export async function updateIdempotencyKey(
  tx: Tx,
  key: string,
  { id, result }: IdempotentResult,
): Promise<void> {
  await tx.trx
    .updateTable('idempotency_key')
    .set({ result_id: id, result })
    .where('account_id', '=', tx.accountId)
    .where('key', '=', key)
    .execute()
}

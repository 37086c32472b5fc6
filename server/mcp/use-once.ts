// What may be used once is remembered for a day, in the database: another process must not take it for
// new.
import type { Database } from '../../db/client.ts'
import { insertIdempotencyKey, updateIdempotencyKey } from '../../db/idempotency-key.ts'
import { withAccount } from '../../db/transaction.ts'
import type { UseOnce } from './request-state.ts'

const OPERATION = 'requestState'
const NO_INPUT = Buffer.alloc(32)

/** `id` is one that nobody else can guess; it throws UNAVAILABLE when the database cannot be reached. */
export function createUseOnce(db: Database): UseOnce {
  return async (accountId, id) =>
    await withAccount(db, accountId, async (tx) => {
      const key = `${OPERATION}:${id}`
      const earlier = await insertIdempotencyKey(tx, {
        key,
        operation: OPERATION,
        inputHash: NO_INPUT,
      })
      if (earlier !== undefined) return false
      await updateIdempotencyKey(tx, key, { id, result: null })
      return true
    })
}

// Creates that can be repeated after a lost answer. The key, the object and the answer are written
// in one transaction; a credential is never written, but computed again from what is.
import { createHmac } from 'node:crypto'
import type { CredentialKind } from '../db/credential.ts'
import { newCredential } from '../db/credential.ts'
import { ConflictError, NotFoundError } from '../db/errors.ts'
import { insertIdempotencyKey, updateIdempotencyKey } from '../db/idempotency-key.ts'
import type { IdempotentCreate, IdempotentResult } from '../db/idempotency-key.ts'
import type { Tx } from '../db/transaction.ts'
import { inAccount, viewerOf } from './context.ts'
import type { Context } from './context.ts'
import { checkIdempotencyKey } from './validate.ts'

/** The description of every `idempotencyKey`. */
export const IDEMPOTENCY_KEY_DESCRIPTION =
  'Makes the create safe to repeat: 1 to 255 visible ASCII characters of your choice, such as a UUID. Within 24 hours the same mutation with the same key and input makes nothing new and answers with what the first one made, as it is now; with another input it is a `ConflictError`. A create that failed does not use its key up. Default: every create makes something new.'

interface Input {
  readonly idempotencyKey?: string | null | undefined
}

/**
 * The create as the database knows it; undefined where no key was given.
 *
 * @throws {InvalidError} INVALID when the key is not 1 to 255 visible ASCII characters
 */
export function toIdempotentCreate(
  context: Context,
  operation: string,
  input: Input,
): IdempotentCreate | undefined {
  const { idempotencyKey, ...rest } = input
  if (typeof idempotencyKey !== 'string') return undefined
  const key = checkIdempotencyKey(['input', 'idempotencyKey'], idempotencyKey)
  // Keyed: a plain hash of a short secret that an input may hold could be undone by guessing. With
  // the person in it: what somebody else's key made, a credential of theirs perhaps, is not shown.
  const inputHash = createHmac('sha256', context.deriveBytes('idempotent input'))
    .update(JSON.stringify([viewerOf(context).userId ?? null, toCanonical(rest)]))
    .digest()
  return { key, operation, inputHash }
}

/** Keys in order, and none without a value: null and nothing mean the same in an input. */
function toCanonical(value: unknown): unknown {
  if (value instanceof Date || typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(toCanonical)
  const entries = Object.entries(value).filter(([, item]) => item !== undefined && item !== null)
  // As pairs: an object would put its keys in an order of its own.
  return entries
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, item]) => [key, toCanonical(item)])
}

/** How an object is made, and read again when its create is repeated. */
export interface Creation<Row> {
  readonly create: (tx: Tx) => Promise<Row>
  readonly get: (tx: Tx, id: string) => Promise<Row>
}

/**
 * The object that `create` makes, or that it made when the key was first used.
 *
 * @throws {ConflictError} CONFLICT when the key was used with another input, or what it made is gone
 * @throws {InvalidError} INVALID when the key is not 1 to 255 visible ASCII characters
 */
export async function createOnce<Row extends { readonly id: string }>(
  context: Context,
  operation: string,
  input: Input,
  { create, get }: Creation<Row>,
): Promise<Row> {
  const once = toIdempotentCreate(context, operation, input)
  if (once === undefined) return await inAccount(context, create)
  return await inAccount(context, async (tx) => {
    const earlier = await insertIdempotencyKey(tx, once)
    if (earlier !== undefined) return await getResult(once, earlier, (id) => get(tx, id))
    const row = await create(tx)
    await updateIdempotencyKey(tx, once.key, { id: row.id, result: null })
    return row
  })
}

/**
 * What an earlier create made.
 *
 * @throws {ConflictError} CONFLICT when it was deleted: making it again is not what was asked
 */
export async function getResult<Row>(
  { key }: IdempotentCreate,
  { id }: IdempotentResult,
  get: (id: string) => Promise<Row>,
): Promise<Row> {
  try {
    return await get(id)
  } catch (error) {
    if (!(error instanceof NotFoundError)) throw error
    throw new ConflictError(
      `The idempotencyKey ${JSON.stringify(key)} made ${id}, which was deleted since; expected another key`,
      { cause: error },
    )
  }
}

/**
 * The text of the credential with that id. With a key it is derived, so that a repeated create can
 * show it again; the id is in it because a key may be used again after a day, and a credential that
 * was revoked must not come back.
 */
export function makeCredential(
  context: Context,
  kind: CredentialKind,
  id: string,
  { idempotencyKey }: Input,
): string {
  if (typeof idempotencyKey !== 'string') return newCredential(kind)
  const { accountId } = viewerOf(context)
  const purpose = JSON.stringify(['idempotent', kind, accountId, id, idempotencyKey])
  return newCredential(kind, context.deriveBytes(purpose))
}

// Uploaded OpenAPI documents on their way to an import. They travel in parts, each a transaction
// of its own, so that neither an upload nor a read holds the event loop or the one connection of
// an embedded database for long.
import type { Database } from './client.ts'
import { NotFoundError } from './errors.ts'
import { newId } from './id.ts'
import { withAccount, withPurge, type Tx } from './transaction.ts'

/** Upper bound of one part: about 2 ms of an embedded database. */
export const MAX_DOCUMENT_PART_BYTES = 256 * 1024

/** Upper bound of a document. */
export const MAX_DOCUMENT_BYTES = 32 * 1024 * 1024

/** Documents that an account may have waiting: 256 MiB at most. */
export const MAX_WAITING_DOCUMENTS = 8

/**
 * Makes room for one more document: where there are {@link MAX_WAITING_DOCUMENTS}, the oldest that
 * is complete goes. Answers whether there is room; held until the end of the transaction.
 */
export async function makeDocumentRoom(tx: Tx): Promise<boolean> {
  // One upload of an account after the other, or two would count the same documents.
  await tx.trx
    .selectFrom('account')
    .select('id')
    .where('id', '=', tx.accountId)
    .forNoKeyUpdate()
    .execute()
  const waiting = await tx.trx
    .selectFrom('document')
    .select(['id', 'byte_count'])
    .where('account_id', '=', tx.accountId)
    .orderBy('id')
    .execute()
  if (waiting.length < MAX_WAITING_DOCUMENTS) return true
  const oldest = waiting.find(({ byte_count: byteCount }) => byteCount < MAX_DOCUMENT_BYTES)
  if (oldest === undefined) return false
  await deleteDocument(tx, oldest.id)
  return true
}

/**
 * The id of a new document without parts. `byteCount` is what will be read back: a document with
 * fewer bytes in its parts is not there yet.
 *
 * @throws {InvalidError} INVALID when `byteCount` is above {@link MAX_DOCUMENT_BYTES}
 */
export async function insertDocument(tx: Tx, byteCount: number): Promise<string> {
  const id = newId('doc')
  await tx.trx
    .insertInto('document')
    .values({ id, account_id: tx.accountId, byte_count: byteCount })
    .execute()
  return id
}

/**
 * Sets the byte count of a document whose length was not known when it was begun.
 * @throws {NotFoundError} NOT_FOUND when the account has no such document
 * @throws {InvalidError} INVALID when `byteCount` is above {@link MAX_DOCUMENT_BYTES}
 */
export async function updateDocument(tx: Tx, id: string, byteCount: number): Promise<void> {
  const row = await tx.trx
    .updateTable('document')
    .set({ byte_count: byteCount })
    .where('account_id', '=', tx.accountId)
    .where('id', '=', id)
    .returning('id')
    .executeTakeFirst()
  if (row === undefined) throw new NotFoundError(`No document ${id}`)
}

/**
 * Adds a part at a position, from 0.
 * @throws {NotFoundError} NOT_FOUND when the account has no such document
 * @throws {InvalidError} INVALID when the part is above {@link MAX_DOCUMENT_PART_BYTES}
 */
export async function insertDocumentPart(
  tx: Tx,
  documentId: string,
  position: number,
  bytes: Uint8Array,
): Promise<void> {
  await tx.trx
    .insertInto('document_part')
    .values({
      account_id: tx.accountId,
      document_id: documentId,
      position,
      bytes: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
    })
    .execute()
}

/**
 * The document, in a buffer of its own that can be transferred to a thread.
 * @throws {NotFoundError} NOT_FOUND when the account has no such document, or not all of it
 */
export async function readDocument(
  db: Database,
  accountId: string,
  id: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const byteCount = await withAccount(db, accountId, (tx) => getByteCount(tx, id))
  const bytes = new Uint8Array(byteCount)
  let length = 0
  for (let position = 0; length < byteCount; position += 1) {
    const part = await withAccount(db, accountId, (tx) => findPart(tx, id, position))
    if (part === undefined || length + part.length > byteCount) {
      throw new NotFoundError(`The upload of document ${id} was not finished`)
    }
    bytes.set(part, length)
    length += part.length
  }
  return bytes
}

/** Deletes the document, if the account has it. */
export async function deleteDocument(tx: Tx, id: string): Promise<void> {
  await tx.trx
    .deleteFrom('document')
    .where('account_id', '=', tx.accountId)
    .where('id', '=', id)
    .execute()
}

/**
 * Deletes the documents of every account that are older than an hour. Answers how many.
 * @throws {UnavailableError} UNAVAILABLE when no connection is to be had
 */
export async function deleteExpiredDocuments(db: Database): Promise<number> {
  return await withPurge(db, async (trx) => {
    // The age is the policy's, `document_purge_policy`: this role can reach no other row.
    const result = await trx.deleteFrom('document').executeTakeFirstOrThrow()
    return Number(result.numDeletedRows)
  })
}

async function getByteCount(tx: Tx, id: string): Promise<number> {
  const row = await tx.trx
    .selectFrom('document')
    .select('byte_count')
    .where('account_id', '=', tx.accountId)
    .where('id', '=', id)
    .executeTakeFirst()
  if (row === undefined) throw new NotFoundError(`No document ${id}`)
  return row.byte_count
}

async function findPart(tx: Tx, id: string, position: number): Promise<Buffer | undefined> {
  const row = await tx.trx
    .selectFrom('document_part')
    .select('bytes')
    .where('account_id', '=', tx.accountId)
    .where('document_id', '=', id)
    .where('position', '=', position)
    .executeTakeFirst()
  return row?.bytes
}

// Uploaded documents: in parts, whole or not at all, and gone after an hour.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, test } from 'node:test'

import { sql } from 'kysely'

import {
  deleteDocument,
  deleteExpiredDocuments,
  insertDocument,
  insertDocumentPart,
  MAX_DOCUMENT_BYTES,
  MAX_DOCUMENT_PART_BYTES,
  readDocument,
  updateDocument,
} from '../../db/document.ts'
import { newId } from '../../db/id.ts'
import { withAccount } from '../../db/transaction.ts'
import { createAccount } from '../support/account.ts'
import { openTestDatabase } from '../support/database.ts'

const db = await openTestDatabase({ after })

test('readDocument answers the bytes of all parts, in a buffer of their own', async () => {
  const accountId = await createAccount(db)
  const bytes = randomBytes(2 * MAX_DOCUMENT_PART_BYTES + 5)
  const id = await withAccount(db, accountId, (tx) => insertDocument(tx, 0))
  assert.deepEqual(await readDocument(db, accountId, id), new Uint8Array(0))
  await withAccount(db, accountId, (tx) => updateDocument(tx, id, bytes.length))
  const unfinished = { code: 'NOT_FOUND', message: `The upload of document ${id} was not finished` }
  for (let position = 0; position < 3; position += 1) {
    await assert.rejects(readDocument(db, accountId, id), unfinished)
    const start = position * MAX_DOCUMENT_PART_BYTES
    const part = bytes.subarray(start, start + MAX_DOCUMENT_PART_BYTES)
    await withAccount(db, accountId, (tx) => insertDocumentPart(tx, id, position, part))
  }
  const read = await readDocument(db, accountId, id)
  assert.ok(bytes.equals(read))
  assert.deepEqual([read.byteOffset, read.buffer.byteLength], [0, bytes.length])

  const missing = { code: 'NOT_FOUND', message: `No document ${id}` }
  await assert.rejects(readDocument(db, await createAccount(db), id), missing)
  await withAccount(db, accountId, (tx) => deleteDocument(tx, id))
  await assert.rejects(readDocument(db, accountId, id), missing)
})

test('parts and documents beyond their limits are refused', async () => {
  const accountId = await createAccount(db)
  const id = await withAccount(db, accountId, (tx) => insertDocument(tx, MAX_DOCUMENT_BYTES))
  await assert.rejects(
    withAccount(db, accountId, (tx) => insertDocument(tx, MAX_DOCUMENT_BYTES + 1)),
    { code: 'INVALID', message: 'A document must have at most 33554432 bytes' },
  )
  for (const size of [0, MAX_DOCUMENT_PART_BYTES + 1]) {
    await assert.rejects(
      withAccount(db, accountId, (tx) => insertDocumentPart(tx, id, 0, new Uint8Array(size))),
      { code: 'INVALID', message: 'A part of a document must have 1 to 262144 bytes' },
    )
  }
  const missing = newId('doc')
  await assert.rejects(
    withAccount(db, accountId, (tx) => insertDocumentPart(tx, missing, 0, new Uint8Array(1))),
    { code: 'NOT_FOUND', message: 'No such document' },
  )
})

test('deleteExpiredDocuments deletes those of every account after an hour', async () => {
  const accounts = [await createAccount(db), await createAccount(db)]
  const read = (accountId: string) =>
    withAccount(db, accountId, async (tx) => {
      const documents = await tx.trx.selectFrom('document').select('byte_count').execute()
      const parts = await tx.trx.selectFrom('document_part').select('position').execute()
      return [documents.map((row) => row.byte_count), parts.length]
    })
  for (const accountId of accounts) {
    await withAccount(db, accountId, async (tx) => {
      for (const age of ['61 minutes', '59 minutes']) {
        const id = await insertDocument(tx, age === '61 minutes' ? 1 : 2)
        await insertDocumentPart(tx, id, 0, new Uint8Array(1))
        await sql`update document set created_at = now() - ${age}::text::interval
          where id = ${id}`.execute(tx.trx)
      }
    })
  }
  assert.equal(await deleteExpiredDocuments(db), 2)
  for (const accountId of accounts) assert.deepEqual(await read(accountId), [[2], 1])
  assert.equal(await deleteExpiredDocuments(db), 0)
})

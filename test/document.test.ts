// POST /documents: what is stored, what is refused, and what is left behind.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readDocument } from '../db/document.ts'
import { withAccount } from '../db/transaction.ts'
import { REQUEST_ID, openControlPlane, type ControlPlane } from './support/control-plane.ts'

const MAX_BYTES = 1024 * 1024

const countRows = (plane: ControlPlane) =>
  withAccount(
    plane.db,
    plane.accountId,
    async ({ trx }) => (await trx.selectFrom('document').select('id').execute()).length,
  )

test('POST /documents stores the bytes as they are, in chunks of any size', async (t) => {
  const plane = await openControlPlane(t, { maxDocumentBytes: MAX_BYTES })
  for (const [byteCount, chunkBytes] of [
    [1, 1],
    [262_144, 262_144],
    [262_145, 1000],
    [700_001, 600_000],
    [MAX_BYTES, 65_536],
  ] as const) {
    const bytes = Uint8Array.from({ length: byteCount }, (_, n) => n * 7)
    const response = await plane.upload(streamOf(bytes, chunkBytes))
    const body = (await response.json()) as { documentId: string }
    assert.deepEqual([response.status, body], [201, { documentId: body.documentId, byteCount }])
    assert(
      Buffer.from(bytes).equals(await readDocument(plane.db, plane.accountId, body.documentId)),
      `${byteCount}`,
    )
  }
})

test('POST /documents refuses what is too large, empty or from nobody, and keeps nothing of it', async (t) => {
  const plane = await openControlPlane(t, { maxDocumentBytes: MAX_BYTES })
  const tooLarge = {
    code: 'TOO_LARGE',
    message: `The document is larger than ${MAX_BYTES} bytes`,
    requestId: REQUEST_ID,
  }
  const rows: readonly (readonly [
    string,
    BodyInit | null,
    Record<string, string>,
    number,
    object,
  ])[] = [
    ['a stream', streamOf(new Uint8Array(MAX_BYTES + 1), 65_536), {}, 413, tooLarge],
    [
      'a declared length',
      streamOf(new Uint8Array(1), 1),
      { 'content-length': `${MAX_BYTES + 1}` },
      413,
      tooLarge,
    ],
    [
      'an empty body',
      '',
      {},
      400,
      {
        code: 'INVALID',
        message: 'The request body is empty; expected an OpenAPI document',
        requestId: REQUEST_ID,
      },
    ],
    [
      'no body',
      null,
      {},
      400,
      {
        code: 'INVALID',
        message: 'The request body is empty; expected an OpenAPI document',
        requestId: REQUEST_ID,
      },
    ],
    [
      'a wrong key',
      'x',
      { authorization: 'Bearer hmk_x' },
      401,
      {
        code: 'UNAUTHENTICATED',
        message:
          'Not signed in: send the header "Authorization: Bearer hmk_…" with a valid API key',
        requestId: REQUEST_ID,
      },
    ],
  ]
  for (const [name, body, headers, status, error] of rows) {
    const response = await plane.upload(body, headers)
    assert.deepEqual([response.status, await response.json()], [status, { error }], name)
  }
  assert.equal(await countRows(plane), 0)
})

test('POST /documents that breaks off rejects and leaves nothing', async (t) => {
  const plane = await openControlPlane(t)
  const broken = new ReadableStream<Uint8Array>({
    pull(controller) {
      controller.enqueue(new Uint8Array(300_000))
      controller.error(new Error('connection reset'))
    },
  })
  await assert.rejects(plane.upload(broken), /connection reset/)
  const half = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(new Uint8Array(300_000))
    },
    pull(controller) {
      controller.error(new Error('connection reset'))
    },
  })
  await assert.rejects(plane.upload(half), /connection reset/)
  assert.equal(await countRows(plane), 0)
})

function streamOf(bytes: Uint8Array, chunkBytes: number): ReadableStream<Uint8Array> {
  let start = 0
  return new ReadableStream({
    pull(controller) {
      if (start >= bytes.byteLength) {
        controller.close()
        return
      }
      controller.enqueue(bytes.slice(start, start + chunkBytes))
      start += chunkBytes
    },
  })
}

// POST /documents: what is stored, what is refused, and what is left behind.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readDocument } from '../db/document.ts'
import { withAccount } from '../db/transaction.ts'
import { breakOff } from './support/broken-request.ts'
import {
  REQUEST_ID,
  openControlPlane,
  openapi,
  type ControlPlane,
} from './support/control-plane.ts'

const MAX_BYTES = 1024 * 1024

const countRows = (plane: ControlPlane) =>
  withAccount(
    plane.db,
    plane.accountId,
    async ({ trx }) => (await trx.selectFrom('document').select('id').execute()).length,
  )

test('POST /documents stores the bytes as they are, in chunks of any size', async () => {
  const plane = await openControlPlane({ maxDocumentBytes: MAX_BYTES })
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

test('POST /documents refuses what is too large, empty or from nobody, and keeps nothing of it', async () => {
  const plane = await openControlPlane({ maxDocumentBytes: MAX_BYTES })
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
          'Not signed in: send the header "Authorization: Bearer hmk_…" with a valid API key, or sign in with a browser',
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

test('POST /documents answers 499 to a body that breaks off, and keeps nothing of it', async () => {
  const plane = await openControlPlane()
  const broken = new ReadableStream<Uint8Array>({
    pull(controller) {
      controller.enqueue(new Uint8Array(300_000))
      controller.error(new Error('connection reset'))
    },
  })
  const half = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(new Uint8Array(300_000))
    },
    pull(controller) {
      controller.error(new Error('connection reset'))
    },
  })
  for (const body of [broken, half]) {
    const response = await plane.upload(body)
    assert.deepEqual([response.status, await response.text()], [499, ''])
  }
  assert.equal(await countRows(plane), 0)
})

test('POST /documents over a connection that is cut logs no error and keeps nothing', async (t) => {
  const plane = await openControlPlane()
  for (const byteCount of [1, 700_000]) {
    const lines = await breakOff(t, plane, '/documents', new Uint8Array(byteCount), 1_000_000)
    assert.deepEqual(lines, [{ level: 20, msg: 'request', path: '/documents', status: 499 }])
    assert.equal(await countRows(plane), 0)
  }
})

test('POST /documents keeps the eight newest documents of an account', async () => {
  const plane = await openControlPlane()
  const ids: string[] = []
  for (let count = 0; count < 9; count++) {
    const response = await plane.upload(openapi(['get /pets']))
    assert.equal(response.status, 201)
    ids.push(((await response.json()) as { documentId: string }).documentId)
  }
  assert.equal((await plane.other.upload('{}')).status, 201)
  const [oldest, second] = ids
  const imported = async (documentId: string | undefined) =>
    (await plane.mutate('importOpenApi', { documentId }, 'provider { id }')).__typename
  assert.deepEqual(
    [await imported(oldest), await imported(second)],
    ['NotFoundError', 'ImportOpenApiSuccess'],
  )
})

test('POST /documents refuses a ninth upload while eight are under way', async () => {
  const plane = await openControlPlane()
  const ends = Array.from({ length: 8 }, () => Promise.withResolvers<void>())
  const begun = ends.map(({ promise }) => {
    const started = Promise.withResolvers<void>()
    let isFirst = true
    const body = new ReadableStream<Uint8Array>(
      {
        async pull(controller) {
          if (isFirst) {
            isFirst = false
            controller.enqueue(new TextEncoder().encode('{}'))
            return
          }
          started.resolve()
          await promise
          controller.close()
        },
      },
      { highWaterMark: 0 },
    )
    return { started: started.promise, response: plane.upload(body) }
  })
  await Promise.all(begun.map(({ started }) => started))
  const refused = await plane.upload('{}')
  assert.deepEqual(
    { status: refused.status, connection: refused.headers.get('connection') },
    { status: 409, connection: 'close' },
  )
  assert.deepEqual(await refused.json(), {
    error: {
      code: 'CONFLICT',
      message:
        '8 uploads of this account are under way, the limit is 8; try again when one is done',
      requestId: REQUEST_ID,
    },
  })
  for (const { resolve } of ends) resolve()
  const statuses = await Promise.all(begun.map(async ({ response }) => (await response).status))
  assert.deepEqual(new Set(statuses), new Set([201]))
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

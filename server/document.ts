// `POST /documents`: takes an OpenAPI document that is too large for a GraphQL request. It goes to
// the database part by part as it arrives, so an upload never has more than one part in memory.
import type { Database } from '../db/client.ts'
import {
  MAX_DOCUMENT_BYTES,
  MAX_DOCUMENT_PART_BYTES,
  MAX_WAITING_DOCUMENTS,
  deleteDocument,
  deleteExpiredDocuments,
  insertDocument,
  insertDocumentPart,
  makeDocumentRoom,
  updateDocument,
} from '../db/document.ts'
import { withAccount, type Tx } from '../db/transaction.ts'
import { permissionError, UnauthenticatedError } from '../schema/refusal.ts'
import type { Viewer } from '../schema/context.ts'
import { ClientGoneError, clientGoneResponse, readChunks } from './client-gone.ts'
import { errorResponse, toPublicError } from './errors.ts'

/** What the endpoint needs of the process. */
export interface DocumentUploadDeps {
  readonly db: Database
  readonly authenticate: (request: Request) => Promise<Viewer | undefined>
  /** Bound on a document. Default: 32 MiB. */
  readonly maxBytes?: number
}

/**
 * Answers an upload with 201 and `{ "documentId", "byteCount" }`; 400 where the body is empty, 401
 * without a valid key, 409 while 8 uploads of the account are under way, 413 beyond the bound,
 * 499 where the client breaks off. An upload that is not stored leaves nothing behind.
 * Uploads older than an hour are deleted on the way.
 */
export function createDocumentUpload({
  db,
  authenticate,
  maxBytes = MAX_DOCUMENT_BYTES,
}: DocumentUploadDeps): (request: Request, requestId: string) => Promise<Response> {
  return async (request, requestId) => {
    const viewer = await authenticate(request)
    if (viewer === undefined) {
      return errorResponse(toPublicError(new UnauthenticatedError()), requestId, {
        'www-authenticate': 'Bearer realm="hasmcp"',
        connection: 'close',
      })
    }
    const { accountId, accountProblem, role, permissions } = viewer
    if (accountId === undefined || !permissions.has('provider:write')) {
      throw accountProblem ?? permissionError(role, 'provider:write')
    }
    if (Number(request.headers.get('content-length') ?? 0) > maxBytes)
      return tooLarge(maxBytes, requestId)
    await deleteExpiredDocuments(db)
    const documentId = await withAccount(db, accountId, beginDocument)
    if (documentId === undefined) return tooMany(requestId)
    try {
      const byteCount = await storeParts(db, accountId, documentId, request, maxBytes)
      if (byteCount !== undefined && byteCount > 0) {
        await withAccount(db, accountId, (tx) => updateDocument(tx, documentId, byteCount))
        return Response.json({ documentId, byteCount }, { status: 201 })
      }
      await withAccount(db, accountId, (tx) => deleteDocument(tx, documentId))
      if (byteCount === undefined) return tooLarge(maxBytes, requestId)
      const message = 'The request body is empty; expected an OpenAPI document'
      return errorResponse({ code: 'INVALID', message }, requestId)
    } catch (error) {
      await withAccount(db, accountId, (tx) => deleteDocument(tx, documentId)).catch(
        () => undefined,
      )
      if (error instanceof ClientGoneError) return clientGoneResponse()
      throw error
    }
  }
}

/** The new document's id; undefined where there is no room for it. */
async function beginDocument(tx: Tx): Promise<string | undefined> {
  if (!(await makeDocumentRoom(tx))) return undefined
  // Until the last part is there the document counts as too short to be read.
  return await insertDocument(tx, MAX_DOCUMENT_BYTES)
}

function tooMany(requestId: string): Response {
  const message = `${MAX_WAITING_DOCUMENTS} uploads of this account are under way, the limit is ${MAX_WAITING_DOCUMENTS}; try again when one is done`
  return errorResponse({ code: 'CONFLICT', message }, requestId, { connection: 'close' })
}

function tooLarge(maxBytes: number, requestId: string): Response {
  const message = `The document is larger than ${maxBytes} bytes`
  return errorResponse({ code: 'TOO_LARGE', message }, requestId, { connection: 'close' })
}

/** How many bytes were stored; undefined as soon as there are more than `maxBytes`. */
async function storeParts(
  db: Database,
  accountId: string,
  documentId: string,
  request: Request,
  maxBytes: number,
): Promise<number | undefined> {
  let byteCount = 0
  let position = 0
  for await (const part of cutParts(request)) {
    byteCount += part.byteLength
    if (byteCount > maxBytes) return undefined
    const at = position++
    await withAccount(db, accountId, (tx) => insertDocumentPart(tx, documentId, at, part))
  }
  return byteCount
}

/** The body in parts of the largest size the database takes; the last one may be smaller. */
async function* cutParts(request: Request): AsyncGenerator<Uint8Array> {
  const part = new Uint8Array(MAX_DOCUMENT_PART_BYTES)
  let length = 0
  for await (const chunk of readChunks(request)) {
    let rest: Uint8Array = chunk
    while (rest.byteLength > 0) {
      const piece = rest.subarray(0, part.byteLength - length)
      part.set(piece, length)
      length += piece.byteLength
      rest = rest.subarray(piece.byteLength)
      if (length === part.byteLength) {
        yield part
        length = 0
      }
    }
  }
  if (length > 0) yield part.subarray(0, length)
}

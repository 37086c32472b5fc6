// Bodies that are read as a whole have a bound, which counts while they come: a length that a client
// says is a hint, and there may be none.
import { readChunks } from './client-gone.ts'

/** The same request with its body read, or undefined as soon as more than `maxBytes` arrived. */
export async function withBoundedBody(
  request: Request,
  maxBytes: number,
): Promise<Request | undefined> {
  if (Number(request.headers.get('content-length') ?? 0) > maxBytes) return undefined
  if (request.body === null) return request
  const chunks: Uint8Array[] = []
  let byteCount = 0
  for await (const chunk of readChunks(request)) {
    byteCount += chunk.byteLength
    if (byteCount > maxBytes) return undefined
    chunks.push(chunk)
  }
  const { method, headers, signal } = request
  return new Request(request.url, { method, headers, signal, body: Buffer.concat(chunks) })
}

// Undoes a response's content coding. The bodies are whole when they come here, and zlib stops at
// the cap by itself, so that a bomb costs its cap and no more.
import zlib from 'node:zlib'
import { promisify } from 'node:util'
import { EgressError } from './error.ts'

/** What every request says it accepts. */
export const ACCEPTED_CODINGS = 'gzip, deflate, br, zstd'

/** Below this the thread pool's round trip (about 50 µs) costs more than the work. */
const MAX_SYNC_BYTES = 16_384

interface Limits {
  readonly maxOutputLength: number
}

interface Decoder {
  readonly sync: (bytes: Uint8Array, limits: Limits) => Uint8Array
  readonly later: (bytes: Uint8Array, limits: Limits) => Promise<Uint8Array>
}

const gunzip: Decoder = {
  sync: zlib.gunzipSync,
  later: promisify<Uint8Array, Limits, Buffer>(zlib.gunzip),
}
const inflate: Decoder = {
  sync: zlib.inflateSync,
  later: promisify<Uint8Array, Limits, Buffer>(zlib.inflate),
}
const inflateRaw: Decoder = {
  sync: zlib.inflateRawSync,
  later: promisify<Uint8Array, Limits, Buffer>(zlib.inflateRaw),
}
const brotli: Decoder = {
  sync: zlib.brotliDecompressSync,
  later: promisify<Uint8Array, Limits, Buffer>(zlib.brotliDecompress),
}
const zstd: Decoder = {
  sync: zlib.zstdDecompressSync,
  later: promisify<Uint8Array, Limits, Buffer>(zlib.zstdDecompress),
}

/**
 * The body without its content coding; the same bytes where it has none.
 * @throws {EgressError} RESPONSE_TOO_LARGE when it would be longer than `maxBytes`;
 *   UPSTREAM_INVALID when the coding is unknown, doubled, or not what the bytes are.
 */
export async function decodeBody(
  bytes: Uint8Array,
  contentEncoding: string | undefined,
  maxBytes: number,
): Promise<Uint8Array> {
  if (contentEncoding === undefined || bytes.length === 0) return bytes
  const decoder = findDecoder(contentEncoding, bytes)
  if (decoder === undefined) return bytes
  const limits = { maxOutputLength: maxBytes }
  try {
    return bytes.length <= MAX_SYNC_BYTES
      ? decoder.sync(bytes, limits)
      : await decoder.later(bytes, limits)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
      throw createTooLargeError(maxBytes)
    }
    const message = `The upstream's answer is not the ${contentEncoding.slice(0, 40)} that it says it is`
    throw new EgressError('UPSTREAM_INVALID', message, error)
  }
}

/** The failure of a body that is longer than its cap, before or after inflation. */
export function createTooLargeError(maxBytes: number): EgressError {
  return new EgressError(
    'RESPONSE_TOO_LARGE',
    `The upstream's answer is larger than the limit of ${maxBytes} bytes`,
  )
}

function findDecoder(contentEncoding: string, bytes: Uint8Array): Decoder | undefined {
  const codings = contentEncoding
    .toLowerCase()
    .split(',')
    .map((coding) => coding.trim())
    .filter((coding) => coding !== '' && coding !== 'identity')
  const [coding] = codings
  if (coding === undefined) return undefined
  if (codings.length === 1) {
    if (coding === 'gzip' || coding === 'x-gzip') return gunzip
    if (coding === 'br') return brotli
    if (coding === 'zstd') return zstd
    // "deflate" is zlib's format (RFC 9110, 8.4.1.2), "some non-conformant implementations" send
    // the bare one: zlib's first byte names method 8.
    if (coding === 'deflate') return ((bytes[0] ?? 0) & 0x0f) === 8 ? inflate : inflateRaw
  }
  throw new EgressError(
    'UPSTREAM_INVALID',
    `The upstream's answer has the content coding "${contentEncoding.slice(0, 40)}": expected at most one of ${ACCEPTED_CODINGS}`,
  )
}

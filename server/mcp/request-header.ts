// What a modern request must mirror from its body into headers. A difference is refused: otherwise
// a gateway that authorises by header could be made to pass a call that the body does not name.
import { HEADER_MISMATCH, RpcError } from './rpc-error.ts'
import type { RpcRequest } from './json-rpc.ts'
import { mismatch, missingHeader } from './protocol.ts'

/** Which member of `params` the `Mcp-Name` header repeats, by method. */
const NAME_SOURCES: ReadonlyMap<string, string> = new Map([
  ['tools/call', 'name'],
  ['prompts/get', 'name'],
  ['resources/read', 'uri'],
])

const SENTINEL_START = '=?base64?'
const SENTINEL_END = '?='
// RFC 9110 5.5: visible ASCII, space and tab.
const FIELD_VALUE = /^[\t\x20-\x7e]*$/
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Holds `Mcp-Method` and `Mcp-Name` against the body.
 *
 * @throws {RpcError} -32020 when one is missing, has characters that no header may have, or differs.
 * @see https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http#server-validation
 */
export function checkRequestHeaders(headers: Headers, request: RpcRequest): void {
  const method = headers.get('mcp-method')
  if (method === null) throw missingHeader('Mcp-Method', request.method)
  if (method !== request.method) throw mismatch('Mcp-Method', method, request.method)
  const source = NAME_SOURCES.get(request.method)
  if (source === undefined) return
  const expected = request.params[source]
  const name = headers.get('mcp-name')
  if (name === null) {
    // Without the member there is nothing to mirror; the method itself says what is missing.
    if (typeof expected === 'string') throw missingHeader('Mcp-Name', expected)
    return
  }
  const decoded = decodeHeaderValue(name)
  if (decoded === undefined) {
    throw new RpcError(
      HEADER_MISMATCH,
      'Header mismatch: the Mcp-Name header has characters that are not allowed or is not Base64 of UTF-8',
    )
  }
  if (decoded !== expected) {
    throw mismatch('Mcp-Name', decoded, typeof expected === 'string' ? expected : '')
  }
}

/**
 * The text that a header value stands for: itself, or what `=?base64?…?=` holds (decoded once);
 * undefined when it has characters that no header may have, or is not canonical Base64 of UTF-8.
 */
export function decodeHeaderValue(value: string): string | undefined {
  if (!FIELD_VALUE.test(value)) return undefined
  if (!value.startsWith(SENTINEL_START) || !value.endsWith(SENTINEL_END)) return value
  const encoded = value.slice(SENTINEL_START.length, -SENTINEL_END.length)
  const bytes = Buffer.from(encoded, 'base64')
  // Buffer skips what is no Base64; only the canonical spelling comes back the same.
  if (bytes.toString('base64') !== encoded) return undefined
  try {
    return utf8.decode(bytes)
  } catch {
    return undefined
  }
}

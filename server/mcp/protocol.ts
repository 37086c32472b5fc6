// Revisions and eras: which of the two protocols on this URL a message speaks. The body decides and
// the headers must agree with it, so that a gateway in front that looks at headers only sees the
// same request as we do.
import {
  HEADER_MISMATCH,
  INTERNAL_ERROR,
  INVALID_PARAMS,
  METHOD_NOT_FOUND,
  RESOURCE_NOT_FOUND,
  RpcError,
  UNSUPPORTED_PROTOCOL_VERSION,
  kindOf,
  shown,
} from './rpc-error.ts'
import {
  type JsonObject,
  type RpcNotification,
  type RpcRequest,
  type RpcResponse,
  isJsonObject,
} from './json-rpc.ts'

/** Revisions in which every request says what it speaks, newest first. */
export const MODERN_VERSIONS: readonly string[] = ['2026-07-28']
/** Revisions that open with `initialize`, newest first. */
export const LEGACY_VERSIONS: readonly string[] = [
  '2025-11-25',
  '2025-06-18',
  '2025-03-26',
  '2024-11-05',
]
/** The newest revision that opens with `initialize`: what is offered for one that is not known. */
export const NEWEST_LEGACY_VERSION = '2025-11-25'
/** The only revision with arrays of messages; also the one to assume where no header says another. */
export const BATCH_VERSION = '2025-03-26'

/** The header that repeats the revision; legacy clients send it after `initialize`. */
export const VERSION_HEADER = 'mcp-protocol-version'
/** The header that names a legacy session. */
export const SESSION_HEADER = 'mcp-session-id'
/** Field of `_meta`: the revision of this request. Its presence makes a request a modern one. */
export const VERSION_KEY = 'io.modelcontextprotocol/protocolVersion'
/** Field of `_meta`: what the client can do for this request. */
export const CAPABILITIES_KEY = 'io.modelcontextprotocol/clientCapabilities'
/** Field of `_meta`: the client's name and version; it may be absent. */
export const CLIENT_INFO_KEY = 'io.modelcontextprotocol/clientInfo'

/** The two families of revisions: with `initialize`, and with `_meta` in every request. */
export type Era = 'legacy' | 'modern'

/**
 * The era of a message.
 *
 * @throws {RpcError} -32020 when header and body name different revisions; -32022 when the one they
 *   name is not served; -32602 when a modern request lacks its `_meta` fields.
 * @see https://modelcontextprotocol.io/specification/2026-07-28/basic/versioning
 */
export function readEra(
  headers: Headers,
  message: RpcRequest | RpcNotification | RpcResponse,
): Era {
  const header = headers.get(VERSION_HEADER)
  const claim = message.kind === 'response' ? undefined : readClaim(message.params)
  if (message.kind !== 'response' && claim !== undefined) {
    checkClaim(header, claim, message.kind)
    return 'modern'
  }
  if (header === null || LEGACY_VERSIONS.includes(header)) return 'legacy'
  if (!MODERN_VERSIONS.includes(header)) throw unsupported(header)
  // "A request missing any required field is malformed; the server MUST reject it with -32602."
  if (message.kind === 'request') throw missingMeta(VERSION_KEY, undefined)
  return 'modern'
}

/** Whether a message says by itself that it is a modern one. */
export function hasClaim(params: JsonObject): boolean {
  return readClaim(params) !== undefined
}

/** The era's HTTP status for a JSON-RPC error, where the error does not bring its own. */
export function errorStatus(era: Era, error: RpcError): number {
  if (error.httpStatus !== undefined) return error.httpStatus
  switch (error.rpcCode) {
    case INTERNAL_ERROR:
      return 500
    case METHOD_NOT_FOUND:
      // 2026-07-28: "it MUST respond with 404 Not Found and a JSON-RPC error with code -32601".
      return era === 'modern' ? 404 : 200
    case INVALID_PARAMS:
    case RESOURCE_NOT_FOUND:
      // Before, a client takes every other status for a broken transport and hides the error from
      // its caller (so do the official SDKs, of both generations). Now they read it from a 400.
      return era === 'modern' ? 400 : 200
    default:
      return 400
  }
}

function readClaim(params: JsonObject): unknown {
  const meta = params['_meta']
  return isJsonObject(meta) && Object.hasOwn(meta, VERSION_KEY) ? meta[VERSION_KEY] : undefined
}

function checkClaim(header: string | null, claim: unknown, kind: 'request' | 'notification'): void {
  if (typeof claim !== 'string') throw missingMeta(VERSION_KEY, claim)
  // "header requirements for notification POSTs are not defined by this revision"
  if (header === null && kind === 'request') throw missingHeader('MCP-Protocol-Version', claim)
  if (header !== null && header !== claim) throw mismatch('MCP-Protocol-Version', header, claim)
  if (MODERN_VERSIONS.includes(claim)) return
  throw unsupported(claim)
}

/** Names what `server/discover` names: an older revision cannot be chosen for a single request. */
function unsupported(requested: string): RpcError {
  const supported = MODERN_VERSIONS
  return new RpcError(
    UNSUPPORTED_PROTOCOL_VERSION,
    `Unsupported protocol version: ${shown(requested)}, expected ${supported.join(' or ')}, or one that opens with initialize: ${LEGACY_VERSIONS.join(', ')}`,
    { data: { supported, requested: shown(requested) } },
  )
}

/** A required or malformed field of a modern request's `_meta`. */
export function missingMeta(key: string, value: unknown): RpcError {
  const expected = key === VERSION_KEY ? 'a protocol version' : 'an object'
  return new RpcError(
    INVALID_PARAMS,
    `params._meta["${key}"] is ${kindOf(value)}, expected ${expected}`,
    { httpStatus: 400 },
  )
}

/** -32020 for a header that must repeat `expected` and is not there. */
export function missingHeader(name: string, expected: string): RpcError {
  return new RpcError(
    HEADER_MISMATCH,
    `Header mismatch: the ${name} header is missing, expected '${shown(expected)}'`,
  )
}

/** -32020 for a header that says something else than the body. */
export function mismatch(name: string, header: string, body: string): RpcError {
  return new RpcError(
    HEADER_MISMATCH,
    `Header mismatch: ${name} header value '${shown(header)}' does not match body value '${shown(body)}'`,
  )
}

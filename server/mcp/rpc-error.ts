// The failures that the protocol itself names, as one class: whoever notices one throws it, and the
// endpoint prints it once, with the id and the HTTP status that the client's era expects.

/** JSON-RPC 2.0: the bytes are not JSON. */
export const PARSE_ERROR = -32700
/** JSON-RPC 2.0: the JSON is not a request. */
export const INVALID_REQUEST = -32600
/** JSON-RPC 2.0: no such method, or none that this server declares. */
export const METHOD_NOT_FOUND = -32601
/** JSON-RPC 2.0: parameters are missing or malformed, or name what does not exist. */
export const INVALID_PARAMS = -32602
/** JSON-RPC 2.0: the fault is ours, or passing. */
export const INTERNAL_ERROR = -32603
/** Before 2026-07-28: nothing is at that URI. Since then it is {@link INVALID_PARAMS}. */
export const RESOURCE_NOT_FOUND = -32002
/** 2025-11-25: the user has to visit a URL before the request can be made again. */
export const URL_ELICITATION_REQUIRED = -32042
/** 2026-07-28: an HTTP header contradicts the body, or is missing. */
export const HEADER_MISMATCH = -32020
/** 2026-07-28: the revision that the request names is not served. */
export const UNSUPPORTED_PROTOCOL_VERSION = -32022

/** A JSON-RPC error to be answered. `message` is for the client. */
export class RpcError extends Error {
  override readonly name = 'RpcError'
  readonly rpcCode: number
  /** Set where the transport's own status says more than the era's usual one for `rpcCode`. */
  readonly httpStatus: number | undefined
  readonly data: unknown

  constructor(
    rpcCode: number,
    message: string,
    more: { readonly httpStatus?: number; readonly data?: unknown } = {},
  ) {
    super(message)
    this.rpcCode = rpcCode
    this.httpStatus = more.httpStatus
    this.data = more.data
  }
}

// Long enough for every name that is allowed, short enough for a log line.
const MAX_SHOWN_CHARACTERS = 128

/** The client's own text, cut to 128 characters, to be repeated to it in a message. */
export function shown(text: string): string {
  return text.length <= MAX_SHOWN_CHARACTERS ? text : `${text.slice(0, MAX_SHOWN_CHARACTERS)}…`
}

/** What a value is, in the words of a message: `missing`, `null`, `a number`, `an array`. */
export function kindOf(value: unknown): string {
  if (value === undefined) return 'missing'
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'an array'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}

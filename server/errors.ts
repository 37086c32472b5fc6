// The one table from an error's code to what each protocol says. Errors are converted here, in the
// last step; what is not in the table is our own fault and is masked.
const TABLE = {
  NOT_FOUND: { httpStatus: 404, jsonRpcCode: -32602 },
  CONFLICT: { httpStatus: 409, jsonRpcCode: -32602 },
  INVALID: { httpStatus: 400, jsonRpcCode: -32602 },
  UNAUTHENTICATED: { httpStatus: 401, jsonRpcCode: -32600 },
  FORBIDDEN: { httpStatus: 403, jsonRpcCode: -32600 },
  SUSPENDED: { httpStatus: 403, jsonRpcCode: -32600 },
  ORIGIN_DENIED: { httpStatus: 403, jsonRpcCode: -32600 },
  METHOD_NOT_ALLOWED: { httpStatus: 405, jsonRpcCode: -32600 },
  TOO_LARGE: { httpStatus: 413, jsonRpcCode: -32600 },
  RATE_LIMITED: { httpStatus: 429, jsonRpcCode: -32603 },
  DECRYPTION_FAILED: { httpStatus: 500, jsonRpcCode: -32603 },
  INTERNAL: { httpStatus: 500, jsonRpcCode: -32603 },
  BUSY: { httpStatus: 503, jsonRpcCode: -32603 },
  UNAVAILABLE: { httpStatus: 503, jsonRpcCode: -32603 },
  TIMEOUT: { httpStatus: 504, jsonRpcCode: -32603 },
} as const

/** A code that clients may branch on; the README lists them. */
export type ErrorCode = keyof typeof TABLE

/** The codes in the README's order, for the test that holds the two together. */
export const ERROR_CODES = Object.keys(TABLE) as readonly ErrorCode[]

/** What an unexpected failure looks like from outside; the request id finds its log line. */
export const INTERNAL_MESSAGE = 'Unexpected error'

/** An error as every layer above the leaves sees it. */
export interface PublicError {
  readonly code: ErrorCode
  readonly message: string
  readonly httpStatus: number
  readonly jsonRpcCode: number
}

/** The public half of any error: its own message where its code is in the table, else `INTERNAL`. */
export function toPublicError(error: unknown): PublicError {
  if (error instanceof Error && 'code' in error && isErrorCode(error.code)) {
    return { code: error.code, message: error.message, ...TABLE[error.code] }
  }
  return { code: 'INTERNAL', message: INTERNAL_MESSAGE, ...TABLE.INTERNAL }
}

function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(TABLE, code)
}

/** `{ "error": { "code", "message", "requestId" } }`, the body of every error outside GraphQL and JSON-RPC. */
export function errorResponse(
  error: Omit<PublicError, 'jsonRpcCode' | 'httpStatus'>,
  requestId: string,
  headers: Readonly<Record<string, string>> = {},
): Response {
  const { code, message } = error
  return Response.json(
    { error: { code, message, requestId } },
    { status: TABLE[code].httpStatus, headers },
  )
}

// GraphQL's half of the error table: every error that leaves this endpoint is made here, last of
// all, so that nothing but a public message, a code and the request's id can get out.
import { GraphQLError } from 'graphql'
import { InvalidError } from '../db/errors.ts'
import { toPublicError } from './errors.ts'
import type { PublicError } from './errors.ts'

/** An error as it stands in an answer's `errors`. */
export interface AnsweredError {
  readonly message: string
  readonly locations?: readonly { readonly line: number; readonly column: number }[]
  readonly path?: readonly (string | number)[]
  readonly extensions: {
    readonly code: string
    readonly requestId: string
    /** Of an `INVALID` argument: where it is, as in the type `InvalidError`. */
    readonly inputPath?: readonly string[]
  }
}

// GraphQL's messages repeat the value that they refuse, however long it is, and then say why.
const MAX_MESSAGE_CHARACTERS = 1000
const MESSAGE_END_CHARACTERS = 300
const UNAVAILABLE_MESSAGE = 'The database cannot be reached; try again'

/**
 * What is public of an error. One without a cause and a place in the answer is about the request's
 * own text: its message is GraphQL's and names nothing but the schema.
 */
export function toGraphqlError(error: unknown): PublicError {
  const cause = findCause(error)
  if (cause instanceof GraphQLError && error instanceof GraphQLError && error.path === undefined) {
    const message = cut(error.message)
    return { code: 'INVALID', message, httpStatus: 400, jsonRpcCode: -32602 }
  }
  const known = toPublicError(cause)
  return known.code === 'UNAVAILABLE' ? { ...known, message: UNAVAILABLE_MESSAGE } : known
}

function cut(message: string): string {
  if (message.length <= MAX_MESSAGE_CHARACTERS) return message
  const start = message.slice(0, MAX_MESSAGE_CHARACTERS - MESSAGE_END_CHARACTERS)
  return `${start} … ${message.slice(-MESSAGE_END_CHARACTERS)}`
}

/** The error for the answer. */
export function toAnsweredError(
  error: unknown,
  known: PublicError,
  requestId: string,
): AnsweredError {
  const { locations, path } = error instanceof GraphQLError ? error : {}
  const cause = findCause(error)
  return {
    message: known.message,
    ...(locations && { locations }),
    ...(path && { path }),
    extensions: {
      code: known.code,
      requestId,
      ...(cause instanceof InvalidError && { inputPath: cause.path }),
    },
  }
}

/** What a resolver threw, under whatever GraphQL wrapped around it. */
export function findCause(error: unknown): unknown {
  return error instanceof GraphQLError && error.originalError
    ? findCause(error.originalError)
    : error
}

/**
 * The answer's HTTP status: 200 as long as a part of the data can be used, unless it is this side
 * that failed, or nobody was let in.
 */
export function statusOf(hasData: boolean, errors: readonly PublicError[]): number {
  const worst = Math.max(200, ...errors.map(({ httpStatus }) => httpStatus))
  return worst >= 500 || !hasData ? worst : 200
}

/** An answer without data, for what is refused before there is an operation. */
export function refuse(
  known: Pick<PublicError, 'code' | 'message' | 'httpStatus'>,
  requestId: string,
  headers: Readonly<Record<string, string>> = {},
): Response {
  const { code, message, httpStatus: status } = known
  const errors: readonly AnsweredError[] = [{ message, extensions: { code, requestId } }]
  return Response.json({ errors }, { status, headers })
}

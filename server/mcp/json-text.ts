// From the bytes of a body to a JSON value, with the bounds that JSON.parse does not have: a body
// of nothing but brackets is refused before a parser or anything behind it recurses into it.
import { INVALID_REQUEST, PARSE_ERROR, RpcError } from './rpc-error.ts'

/** The catalogue of hostile inputs asks for 64; real calls nest fewer than 10 levels. */
export const MAX_DEPTH = 64

/** 2^53 has 16 digits: JSON.parse keeps every integer that has fewer. */
const LONG_NUMBER_DIGITS = 16

const QUOTE = 0x22
const POINT = 0x2e
const DIGIT_0 = 0x30
const DIGIT_9 = 0x39
const BACKSLASH = 0x5c
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d

// ignoreBOM keeps a byte order mark in the text, where JSON.parse refuses it: RFC 8259 forbids one.
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** A body, parsed. */
export interface JsonText {
  /** Of keys that occur twice in an object the last has won. */
  readonly value: unknown
  /** The text itself; absent where it holds no number so long that `value` may have rounded it. */
  readonly source?: string
}

/**
 * The body's value.
 *
 * @throws {RpcError} -32700 when the bytes are not UTF-8 or not JSON; -32600 when arrays and objects
 *   are nested deeper than {@link MAX_DEPTH}.
 */
export function parseJsonText(bytes: Uint8Array): JsonText {
  const { isTooDeep, hasLongNumber } = scan(bytes)
  if (isTooDeep) {
    throw new RpcError(
      INVALID_REQUEST,
      `The request body is nested deeper than ${MAX_DEPTH} levels`,
    )
  }
  let text: string
  try {
    text = utf8.decode(bytes)
  } catch {
    throw new RpcError(PARSE_ERROR, 'The request body is not UTF-8')
  }
  try {
    const value: unknown = JSON.parse(text)
    return hasLongNumber ? { value, source: text } : { value }
  } catch {
    // The parser's own message quotes the body, and differs between runtimes.
    throw new RpcError(PARSE_ERROR, 'The request body is not JSON')
  }
}

/**
 * Counts brackets and digits outside of strings. All bytes of interest are ASCII, so UTF-8 needs no
 * decoding. It stops where the nesting is too deep.
 */
function scan(bytes: Uint8Array): { isTooDeep: boolean; hasLongNumber: boolean } {
  let depth = 0
  let digits = 0
  let hasLongNumber = false
  let isInString = false
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at] ?? 0
    if (isInString) {
      if (byte === BACKSLASH) at += 1
      else if (byte === QUOTE) isInString = false
      continue
    }
    if (byte >= DIGIT_0 && byte <= DIGIT_9) {
      digits += 1
      if (digits === LONG_NUMBER_DIGITS) hasLongNumber = true
      continue
    }
    // A fraction's digits count on.
    if (byte === POINT) continue
    digits = 0
    if (byte === QUOTE) {
      isInString = true
    } else if (byte === OPEN_BRACKET || byte === OPEN_BRACE) {
      depth += 1
      if (depth > MAX_DEPTH) return { isTooDeep: true, hasLongNumber }
    } else if (byte === CLOSE_BRACKET || byte === CLOSE_BRACE) {
      depth -= 1
    }
  }
  return { isTooDeep: false, hasLongNumber }
}

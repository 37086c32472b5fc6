// The rules for text that people send. Text is refused, never mended: what is stored is what was
// sent, and the refusal says which character is wrong. Every function returns the value it checked.
import { InvalidError } from '../db/errors.ts'
import { isId } from '../db/id.ts'
import type { IdPrefix } from '../db/id.ts'
import { findHeaderProblem } from '../workers/egress/header.ts'
import { wordOfPrefix } from './noun.ts'

/** Names and indexes from the argument down, `['input', 'name']`. */
export type InputPath = readonly string[]

/** Bound on a name, in characters. */
export const MAX_NAME_CHARACTERS = 80
/** Bound on a description or a server's instructions, in characters. */
export const MAX_TEXT_CHARACTERS = 4096
// What browsers and proxies carry without complaint.
const MAX_URL_CHARACTERS = 2048
const MAX_HEADERS = 50
// Of all names and values: half of the 16 KiB that Node.js and most servers take for all headers.
const MAX_HEADER_CHARACTERS = 8192
const MAX_HEADER_NAME_CHARACTERS = 128
// What most APIs with such keys take; a UUID has 36.
const MAX_IDEMPOTENCY_KEY_CHARACTERS = 255
// About 40 KB of ids: a request has room for several lists.
const MAX_IDS = 1000

// Control characters, lone surrogates, and the explicit directional formatting characters of UAX #9,
// which make a name read as another one.
const BAD_IN_NAME = /[\p{Cc}\p{Cs}\u2028\u2029\u202A-\u202E\u2066-\u2069]/u
/** The same, but a text has lines and tabs. */
export const BAD_IN_TEXT = /[^\P{Cc}\t\n\r]|[\p{Cs}\u202A-\u202E\u2066-\u2069]/u
// RFC 9110, section 5.5, without obs-text: a value that needs it would differ between runtimes.
const FIELD_VALUE = /^[\x21-\x7E](?:[\t\x20-\x7E]*[\x21-\x7E])?$/
/**
 * A name of 1 to 80 characters without control characters, text-direction overrides, lone
 * surrogates, or white space at its ends.
 *
 * @throws {InvalidError} INVALID
 */
export function checkName(path: InputPath, name: string): string {
  if (name === '') throw invalid(path, `is empty; expected 1 to ${MAX_NAME_CHARACTERS} characters`)
  checkCharacters(path, name, BAD_IN_NAME, MAX_NAME_CHARACTERS)
  if (name.trim() !== name) throw invalid(path, 'begins or ends with white space')
  return name
}

/**
 * A text of at most 4,096 characters, of several lines if it likes.
 *
 * @throws {InvalidError} INVALID
 */
export function checkText(path: InputPath, text: string): string {
  checkCharacters(path, text, BAD_IN_TEXT, MAX_TEXT_CHARACTERS)
  return text
}

function checkCharacters(path: InputPath, text: string, bad: RegExp, maxCharacters: number): void {
  const length = Array.from(text).length
  if (length > maxCharacters) {
    throw invalid(path, `has ${length} characters, the limit is ${maxCharacters}`)
  }
  const found = bad.exec(text)
  if (found === null) return
  const codePoint = (text.codePointAt(found.index) ?? 0).toString(16).toUpperCase().padStart(4, '0')
  const position = Array.from(text.slice(0, found.index)).length + 1
  throw invalid(
    path,
    `has U+${codePoint} as character ${position}: control characters, text-direction overrides and lone surrogates are not allowed`,
  )
}

/**
 * An absolute http or https URL without user name and password, as the URL standard prints it.
 *
 * @throws {InvalidError} INVALID
 */
export function checkUrl(path: InputPath, text: string): string {
  return parseUrl(path, text).href
}

/**
 * Where a document is kept: an absolute http, https or file URL without user name and password.
 * Nothing is fetched from it; a scheme that runs something when it is clicked has no business here.
 *
 * @throws {InvalidError} INVALID
 */
export function checkDocumentUrl(path: InputPath, text: string): string {
  return parseUrl(path, text, ['http', 'https', 'file']).href
}

/**
 * An absolute http or https URL that paths can be put after: no user name, password, query or
 * fragment; printed without a `/` at its end.
 *
 * @throws {InvalidError} INVALID
 */
export function checkBaseUrl(path: InputPath, text: string): string {
  const url = parseUrl(path, text)
  // `new URL` drops an empty query or fragment from `search` and `hash`, but not from `href`.
  if (/[?#]/.test(url.href)) {
    throw invalid(path, 'has a query or a fragment; expected scheme, host and path only')
  }
  return url.href.replace(/\/+$/, '')
}

function parseUrl(path: InputPath, text: string, schemes = ['http', 'https']): URL {
  if (text.length > MAX_URL_CHARACTERS) {
    throw invalid(path, `has ${text.length} characters, the limit is ${MAX_URL_CHARACTERS}`)
  }
  // `new URL` silently drops tabs, line breaks and outer spaces: what was checked by eye is not what is called.
  const url = /[\s\p{Cc}\p{Cs}]/u.test(text) ? null : URL.parse(text)
  // It also takes `https:host` and backslashes for slashes.
  const scheme = /^([a-z]+):\/\/[^\\]*$/i.exec(text)?.[1]?.toLowerCase()
  if (url === null || scheme === undefined || !schemes.includes(scheme)) {
    throw invalid(
      path,
      `is ${quote(text)}; expected an absolute ${schemes.join(' or ')} URL, such as "https://api.example.com/v1"`,
    )
  }
  if (url.username !== '' || url.password !== '') {
    throw invalid(path, 'has a user name or a password in it; send credentials in a header instead')
  }
  return url
}

/** Shown in quotes, on one line, and cut where it is long. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}…` : text)
}

/**
 * Header names to values, as they are spelt: at most 50, and 8,192 characters together.
 *
 * @throws {InvalidError} INVALID
 */
export function checkHeaders(
  path: InputPath,
  headers: readonly { readonly name: string; readonly value: string }[],
): Record<string, string> {
  if (headers.length > MAX_HEADERS) {
    throw invalid(path, `has ${headers.length} entries, the limit is ${MAX_HEADERS}`)
  }
  const length = headers.reduce((sum, { name, value }) => sum + name.length + value.length, 0)
  if (length > MAX_HEADER_CHARACTERS) {
    throw invalid(path, `has ${length} characters, the limit is ${MAX_HEADER_CHARACTERS}`)
  }
  const seen = new Set<string>()
  for (const [index, { name, value }] of headers.entries()) {
    const here = [...path, String(index)]
    checkHeaderName([...here, 'name'], name, seen)
    checkHeaderValue([...here, 'value'], name, value)
    seen.add(name.toLowerCase())
  }
  return Object.fromEntries(headers.map(({ name, value }) => [name, value]))
}

// What a call refuses is refused here, by the same function: or each call would fail.
function checkHeaderName(path: InputPath, name: string, seen: ReadonlySet<string>): void {
  if (name.length > MAX_HEADER_NAME_CHARACTERS) {
    throw invalid(path, `has ${name.length} characters, the limit is ${MAX_HEADER_NAME_CHARACTERS}`)
  }
  const problem = findHeaderProblem(name, '')
  if (problem !== undefined) throw invalid(path, `${quote(name)} ${problem}`)
  if (seen.has(name.toLowerCase())) throw invalid(path, `is ${quote(name)} a second time`)
}

// The value itself is in no message: it may be a credential.
function checkHeaderValue(path: InputPath, name: string, value: string): void {
  const isPlain = value === '' || FIELD_VALUE.test(value)
  if (isPlain && findHeaderProblem(name, value) === undefined) return
  throw invalid(
    path,
    `(of ${quote(name)}) has characters that a header cannot carry; expected visible ASCII, with spaces only inside`,
  )
}

/**
 * An id of that kind. Whether it exists is for the database to say.
 *
 * @throws {InvalidError} INVALID
 */
export function checkId(path: InputPath, prefix: IdPrefix, id: string): string {
  if (isId(prefix, id)) return id
  throw invalid(
    path,
    `is ${quote(id)}; expected the id of ${wordOfPrefix(prefix)}, such as "${exampleId(prefix)}"`,
  )
}

/** What an id of that kind looks like. */
export function exampleId(prefix: IdPrefix): string {
  return `${prefix}_01h455vb4pex5vsknk084sn02q`
}

/**
 * The ids without repetitions; none where nothing was given.
 *
 * @throws {InvalidError} INVALID
 */
export function checkIds(
  path: InputPath,
  prefix: IdPrefix,
  ids: readonly string[] | null | undefined,
): string[] {
  if (ids === undefined || ids === null) return []
  if (ids.length > MAX_IDS) throw invalid(path, `has ${ids.length} ids, the limit is ${MAX_IDS}`)
  for (const [index, id] of ids.entries()) checkId([...path, String(index)], prefix, id)
  return [...new Set(ids)]
}

/**
 * A key of 1 to 255 visible ASCII characters.
 *
 * @throws {InvalidError} INVALID
 */
export function checkIdempotencyKey(path: InputPath, key: string): string {
  const { length } = key
  if (length > MAX_IDEMPOTENCY_KEY_CHARACTERS) {
    throw invalid(path, `has ${length} characters, the limit is ${MAX_IDEMPOTENCY_KEY_CHARACTERS}`)
  }
  if (/^[\x21-\x7E]+$/.test(key)) return key
  throw invalid(
    path,
    `is ${quote(key)}; expected 1 to ${MAX_IDEMPOTENCY_KEY_CHARACTERS} visible ASCII characters without spaces`,
  )
}

/**
 * An instant after `now`, or undefined where none was given.
 *
 * @throws {InvalidError} INVALID
 */
export function checkExpiry(
  path: InputPath,
  expiresAt: Date | null | undefined,
  now: Date = new Date(),
): Date | undefined {
  if (expiresAt === undefined || expiresAt === null) return undefined
  if (expiresAt > now) return expiresAt
  throw invalid(path, `is ${expiresAt.toISOString()}; expected an instant in the future`)
}

/** `path` as one reads it, `headers[0].value`, before what is wrong with it. */
function invalid(path: InputPath, problem: string): InvalidError {
  const [first = '', ...rest] = path[0] === 'input' ? path.slice(1) : path
  const place = rest.map((step) => (/^\d+$/.test(step) ? `[${step}]` : `.${step}`)).join('')
  return new InvalidError(`${first}${place} ${problem}`, path)
}

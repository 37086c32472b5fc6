// The rules for text that people send. Text is refused, never mended: what is stored is what was
// sent, and the refusal says which character is wrong. Every function returns the value it checked.
import { InvalidError } from '../db/errors.ts'
import { isId } from '../db/id.ts'
import type { IdPrefix } from '../db/id.ts'
import { VARIABLE_NAME } from '../workers/call/variable.ts'
import { wordOfPrefix } from './noun.ts'

/** Names and indexes from the argument down, `['input', 'name']`. */
export type InputPath = readonly string[]

/** Bound on a name, in characters. */
export const MAX_NAME_CHARACTERS = 80
/** Bound on a description or a server's instructions, in characters. */
export const MAX_TEXT_CHARACTERS = 4096
// A header's value cannot be longer.
const MAX_VALUE_CHARACTERS = 8192
// What most APIs with such keys take; a UUID has 36.
const MAX_IDEMPOTENCY_KEY_CHARACTERS = 255
// About 40 KB of ids: a request has room for several lists.
const MAX_IDS = 1000

// Control characters, lone surrogates, and the explicit directional formatting characters of UAX #9,
// which make a name read as another one.
// A value is never read by eye: text directions are its own business.
const BAD_IN_VALUE = /[^\P{Cc}\t\n\r]|\p{Cs}/u
/** What a name cannot have. */
export const BAD_IN_NAME = /[\p{Cc}\p{Cs}\u2028\u2029\u202A-\u202E\u2066-\u2069]/u
/** The same, but a text has lines and tabs. */
export const BAD_IN_TEXT = /[^\P{Cc}\t\n\r]|[\p{Cs}\u202A-\u202E\u2066-\u2069]/u
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
 * What models can call a tool by.
 *
 * @throws {InvalidError} INVALID
 */
export function checkToolName(path: InputPath, name: string): string {
  if (/^[A-Za-z0-9_-]{1,64}$/.test(name)) return name
  throw invalid(path, `is ${quote(name)}; expected 1 to 64 of A-Z, a-z, 0-9, _ and -`)
}

/**
 * What `${…}` can refer to a variable by.
 *
 * @throws {InvalidError} INVALID
 */
export function checkVariableName(path: InputPath, name: string): string {
  if (VARIABLE_NAME.test(name)) return name
  throw invalid(
    path,
    `is ${quote(name)}; expected 1 to 64 letters, digits and _, no digit first, such as "API_KEY"`,
  )
}

/**
 * A variable's value of at most 8,192 characters. It is in no message: it may be a secret.
 *
 * @throws {InvalidError} INVALID
 */
export function checkVariableValue(path: InputPath, value: string): string {
  checkCharacters(path, value, BAD_IN_VALUE, MAX_VALUE_CHARACTERS)
  return value
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

/**
 * Refuses a text that is too long or has a character of `bad`.
 *
 * @throws {InvalidError} INVALID
 */
export function checkCharacters(
  path: InputPath,
  text: string,
  bad: RegExp,
  maxCharacters: number,
): void {
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
 * A value that takes at most so many bytes as JSON.
 *
 * @throws {InvalidError} INVALID
 */
export function checkJsonBytes<T>(path: InputPath, value: T, maxBytes: number): T {
  const bytes = Buffer.byteLength(JSON.stringify(value))
  if (bytes <= maxBytes) return value
  throw invalid(path, `has ${bytes} bytes as JSON, the limit is ${maxBytes}`)
}

/** What `check` makes of the value, under the key; nothing where none was given. */
export function given<K extends string, T, R>(
  key: K,
  value: T | null | undefined,
  check: (value: T) => R,
): Partial<Record<K, R>> {
  if (value === undefined || value === null) return {}
  return { [key]: check(value) } as Partial<Record<K, R>>
}

/** Shown in quotes, on one line, and cut where it is long. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}…` : text)
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
export function invalid(path: InputPath, problem: string): InvalidError {
  const [first = '', ...rest] = path[0] === 'input' ? path.slice(1) : path
  const place = rest.map((step) => (/^\d+$/.test(step) ? `[${step}]` : `.${step}`)).join('')
  return new InvalidError(`${first}${place} ${problem}`, path)
}

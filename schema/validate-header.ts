// The rules for headers and query parameters that people send. A value is in no message: it may be a
// credential.
import { findHeaderProblem } from '../workers/egress/header.ts'
import { checkReferences } from './validate-url.ts'
import { BAD_IN_NAME, checkCharacters, invalid, quote, type InputPath } from './validate.ts'

// Headers, and query parameters likewise.
const MAX_HEADERS = 50
// Of all names and values: half of the 16 KiB that Node.js and most servers take for all headers.
const MAX_HEADER_CHARACTERS = 8192
const MAX_HEADER_NAME_CHARACTERS = 128
// Of a provider.
const MAX_FORWARDED_HEADERS = 20
// RFC 9110, section 5.5, without obs-text: a value that needs it would differ between runtimes.
const FIELD_VALUE = /^[\x21-\x7E](?:[\t\x20-\x7E]*[\x21-\x7E])?$/

/**
 * Header names to values, as they are spelt: at most 50, and 8,192 characters together.
 *
 * @throws {InvalidError} INVALID
 */
export function checkHeaders(
  path: InputPath,
  headers: readonly { readonly name: string; readonly value: string }[],
): Record<string, string> {
  checkPairs(path, headers)
  const seen = new Set<string>()
  for (const [index, { name, value }] of headers.entries()) {
    const here = [...path, String(index)]
    checkHeaderName([...here, 'name'], name, seen)
    checkHeaderValue([...here, 'value'], name, value)
    checkReferences([...here, 'value'], value)
    seen.add(name.toLowerCase())
  }
  return Object.fromEntries(headers.map(({ name, value }) => [name, value]))
}

/**
 * Names of query parameters to values: at most 50, and 8,192 characters together.
 *
 * @throws {InvalidError} INVALID
 */
export function checkQuery(
  path: InputPath,
  query: readonly { readonly name: string; readonly value: string }[],
): Record<string, string> {
  checkPairs(path, query)
  const seen = new Set<string>()
  for (const [index, { name, value }] of query.entries()) {
    const here = [...path, String(index)]
    if (name === '') throw invalid([...here, 'name'], 'is empty; expected 1 to 128 characters')
    checkCharacters([...here, 'name'], name, BAD_IN_NAME, MAX_HEADER_NAME_CHARACTERS)
    if (seen.has(name)) throw invalid([...here, 'name'], `is ${quote(name)} a second time`)
    if (!value.isWellFormed() || value.includes('\0'))
      throw invalid(
        [...here, 'value'],
        `(of ${quote(name)}) has a character that a URL cannot carry`,
      )
    checkReferences([...here, 'value'], value)
    seen.add(name)
  }
  return Object.fromEntries(query.map(({ name, value }) => [name, value]))
}

/**
 * Names of clients' headers that may be sent on, in lower case: at most 20, each once.
 *
 * @throws {InvalidError} INVALID
 */
export function checkForwardedHeaders(path: InputPath, names: readonly string[]): string[] {
  if (names.length > MAX_FORWARDED_HEADERS) {
    throw invalid(path, `has ${names.length} entries, the limit is ${MAX_FORWARDED_HEADERS}`)
  }
  for (const [n, name] of names.entries()) {
    const here = [...path, String(n)]
    checkHeaderName(here, name, new Set())
    // What frames the body is the call's own.
    if (/^content-/i.test(name)) {
      throw invalid(
        here,
        `is ${quote(name)}, which describes another body than the one that is sent`,
      )
    }
  }
  return [...new Set(names.map((name) => name.toLowerCase()))]
}

function checkPairs(
  path: InputPath,
  pairs: readonly { readonly name: string; readonly value: string }[],
): void {
  if (pairs.length > MAX_HEADERS) {
    throw invalid(path, `has ${pairs.length} entries, the limit is ${MAX_HEADERS}`)
  }
  const length = pairs.reduce((sum, { name, value }) => sum + name.length + value.length, 0)
  if (length > MAX_HEADER_CHARACTERS) {
    throw invalid(path, `has ${length} characters, the limit is ${MAX_HEADER_CHARACTERS}`)
  }
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

function checkHeaderValue(path: InputPath, name: string, value: string): void {
  const isPlain = value === '' || FIELD_VALUE.test(value)
  if (isPlain && findHeaderProblem(name, value) === undefined) return
  throw invalid(
    path,
    `(of ${quote(name)}) has characters that a header cannot carry; expected visible ASCII, with spaces only inside`,
  )
}

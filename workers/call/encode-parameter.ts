// How one value becomes text in a path, a query, a header or a cookie: OpenAPI 3.1.1's table of
// styles, which is RFC 6570's. Where the table is silent (a structure inside a structure) the inner
// one is printed as JSON.
import type { ToolParameter } from '../definition.ts'
import { isRecord, printScalar } from './number.ts'
import { createPrintBudget, type SpendCharacters } from './print-budget.ts'

/** Percent-encodes for one place. */
type Encode = (text: string) => string

/**
 * Percent-encodes all but RFC 3986's unreserved characters. A lone surrogate, which no URL can hold,
 * becomes U+FFFD.
 */
export function encodeStrictly(text: string): string {
  return encodeURIComponent(text.toWellFormed()).replace(/[!'()*]/g, encodeByte)
}

function encodeByte(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`
}

/**
 * `allowReserved`: leaves the reserved characters and what is percent-encoded already, but for those
 * that would end the value or the query (`&`, `=`, `+`, `#`, `[`, `]`), as OpenAPI 3.1.1 asks.
 */
export function encodeLoosely(text: string): string {
  return text
    .toWellFormed()
    .split(/(%[0-9A-Fa-f]{2}|[:/?@!$'()*,;]+)/)
    .map((part, index) => (index % 2 === 1 ? part : encodeStrictly(part)))
    .join('')
}

const asItIs: Encode = (text) => text

/** A scalar inside a list is printed; a structure inside one is JSON. */
function printItems(value: readonly unknown[], encode: Encode): string[] {
  return value.filter((item) => item !== undefined).map((item) => encode(printScalar(item)))
}

/** The members that have a value. `null` is none (RFC 6570, 2.3). */
function listMembers(value: Readonly<Record<string, unknown>>): [string, unknown][] {
  return Object.entries(value).filter(([, member]) => member !== null && member !== undefined)
}

/** Key and value as separate items: `R,100,G,200`. */
function printPairs(value: Readonly<Record<string, unknown>>, encode: Encode): string[] {
  return listMembers(value).flatMap(([key, member]) => [encode(key), encode(printScalar(member))])
}

/** `R=100`. */
function printAssignments(value: Readonly<Record<string, unknown>>, encode: Encode): string[] {
  return listMembers(value).map(([key, member]) => `${encode(key)}=${encode(printScalar(member))}`)
}

function printParts(value: unknown, explode: boolean, encode: Encode): string[] {
  if (Array.isArray(value)) return printItems(value, encode)
  if (!isRecord(value)) return [encode(printScalar(value))]
  return explode ? printAssignments(value, encode) : printPairs(value, encode)
}

/** What fills a slot of the path template; empty where the value is an empty list. */
export function encodePathValue(parameter: ToolParameter, value: unknown): string {
  const { style, explode, name } = parameter
  if (parameter.isJson === true) return encodeStrictly(JSON.stringify(value))
  const parts = printParts(value, explode, encodeStrictly)
  if (parts.length === 0) return ''
  if (style === 'label') return `.${parts.join(explode ? '.' : ',')}`
  if (style !== 'matrix') return parts.join(',')
  const key = encodeStrictly(name)
  if (!explode || !(Array.isArray(value) || isRecord(value)))
    return matrixPart(key, parts.join(','))
  return isRecord(value)
    ? parts.map((part) => `;${part}`).join('')
    : parts.map((part) => matrixPart(key, part)).join('')
}

function matrixPart(key: string, value: string): string {
  return value === '' ? `;${key}` : `;${key}=${value}`
}

/** `name=value` pairs to be joined with `&`; none where the value is an empty list. */
export function encodeQueryValue(parameter: ToolParameter, value: unknown): readonly string[] {
  const { style, explode } = parameter
  const encode = parameter.allowReserved === true ? encodeLoosely : encodeStrictly
  const key = encodeStrictly(parameter.name)
  if (parameter.isJson === true) return [`${key}=${encode(JSON.stringify(value))}`]
  if (style === 'deepObject' && isRecord(value)) {
    return encodeDeepObject(key, value, encode, createPrintBudget())
  }
  const parts = printParts(value, explode, encode)
  if (parts.length === 0) return []
  if (isRecord(value) && explode) return parts
  if (Array.isArray(value) && (explode || style === 'deepObject')) {
    return parts.map((part) => `${key}=${part}`)
  }
  const separator = style === 'spaceDelimited' ? '%20' : style === 'pipeDelimited' ? '%7C' : ','
  return [`${key}=${parts.join(separator)}`]
}

/**
 * `key[member]=value`. Deeper than OpenAPI's table goes: members of members nest
 * (`key[a][b]=1`) and a list repeats its key (`key[a]=1&key[a]=2`).
 */
function encodeDeepObject(
  key: string,
  value: Readonly<Record<string, unknown>>,
  encode: Encode,
  spend: SpendCharacters,
): readonly string[] {
  return listMembers(value).flatMap(([member, inner]) => {
    const innerKey = `${key}%5B${encodeStrictly(member)}%5D`
    if (isRecord(inner)) return encodeDeepObject(innerKey, inner, encode, spend)
    const items = Array.isArray(inner) ? inner : [inner]
    return printItems(items, encode).map((item) => {
      spend(innerKey.length + item.length)
      return `${innerKey}=${item}`
    })
  })
}

/** A header's value, not percent-encoded: that is what servers expect of one. */
export function encodeHeaderValue(parameter: ToolParameter, value: unknown): string {
  if (parameter.isJson === true) return JSON.stringify(value)
  return printParts(value, parameter.explode, asItIs).join(',')
}

/** A cookie's `name=value` pairs; its values are percent-encoded, because `;` would end them. */
export function encodeCookieValue(parameter: ToolParameter, value: unknown): readonly string[] {
  return encodeQueryValue({ ...parameter, style: 'form', allowReserved: false }, value)
}

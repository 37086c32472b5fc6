// `${NAME}` in what a provider's or a tool's owner wrote: where it may stand, and what it becomes. A
// value is encoded for its place, so that it fills a slot and never changes what is around it.
import { findHeaderProblem } from '../egress/header.ts'
import type { CallVariable } from '../messages.ts'
import { VariableError } from './error.ts'

/** Names of variables to their values; only those that a call needs, and that exist. */
export type Variables = Readonly<Record<string, CallVariable>>

/** What a variable may be called. */
export const VARIABLE_NAME = /^[A-Za-z_][A-Za-z0-9_]{0,63}$/

const REFERENCE = /\$\{([A-Za-z_][A-Za-z0-9_]{0,63})\}/g

/** The names that the texts refer to, each once. */
export function collectVariableNames(texts: readonly string[]): string[] {
  const names = new Set<string>()
  for (const text of texts) {
    // Most texts refer to nothing.
    if (!text.includes('${')) continue
    for (const [, name = ''] of text.matchAll(REFERENCE)) names.add(name)
  }
  return [...names]
}

/** The first `${` that is not the beginning of a `${NAME}`, with a little of what follows it. */
export function findMalformedReference(text: string): string | undefined {
  const index = text
    .replaceAll(REFERENCE, (reference) => ' '.repeat(reference.length))
    .indexOf('${')
  return index < 0 ? undefined : text.slice(index, index + 20)
}

/**
 * The header's value.
 * @throws {VariableError} VARIABLE_MISSING when there is no such variable, VARIABLE_REFUSED when its
 *   value cannot be part of a header
 */
export function fillHeader(name: string, text: string, variables: Variables): string {
  return fill(text, variables, (value, variable) => {
    if (findHeaderProblem(name, value) === undefined) return value
    throw refused(variable, `has characters that the header "${name}" cannot carry`)
  })
}

/**
 * The value of a query parameter, percent-encoded as a whole.
 * @throws {VariableError} VARIABLE_MISSING when there is no such variable
 */
export function fillQuery(text: string, variables: Variables): string {
  return encodeURIComponent(fill(text, variables, (value) => value.toWellFormed()))
}

// Labels with dots between: a value can be a part of a host, and nothing that ends one.
const HOST_PART = /^[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*$/

/**
 * The base URL. In its host only plain variables can stand: names are looked up in the open. In its
 * path a value may be several segments, none of which walks.
 * @throws {VariableError} VARIABLE_MISSING when there is no such variable, VARIABLE_REFUSED when its
 *   value cannot stand there
 */
export function fillBaseUrl(baseUrl: string, variables: Variables): string {
  if (!baseUrl.includes('${')) return baseUrl
  const pathStart = baseUrl.indexOf('/', baseUrl.indexOf('://') + 3)
  const hostEnd = pathStart < 0 ? baseUrl.length : pathStart
  const host = fill(baseUrl.slice(0, hostEnd), variables, (value, variable) => {
    const { isSecret = false } = variables[variable] ?? {}
    if (isSecret) throw refused(variable, 'is a secret, which the host of a URL cannot hold')
    if (HOST_PART.test(value)) return value
    throw refused(variable, 'has characters that the host of a URL cannot hold')
  })
  return host + fillPath(baseUrl.slice(hostEnd), variables)
}

/**
 * The path. A value may be several segments, none of which walks.
 * @throws {VariableError} VARIABLE_MISSING when there is no such variable, VARIABLE_REFUSED when its
 *   value cannot stand there
 */
export function fillPath(path: string, variables: Variables): string {
  return fill(path, variables, (value, variable) => {
    const segments = value.split('/')
    if (segments.every((segment) => !/^(?:|\.\.?)$/.test(segment) && !/[\\%]/.test(segment)))
      return segments.map((segment) => encodeURIComponent(segment.toWellFormed())).join('/')
    throw refused(variable, 'has an empty or a dot segment, "%" or a backslash')
  })
}

/**
 * Checks that every secret of a provider is on its way to the origin that it was set for.
 * @throws {VariableError} VARIABLE_REFUSED otherwise
 */
export function checkOrigins(url: URL, variables: Variables): void {
  for (const [name, { origin }] of Object.entries(variables)) {
    if (origin === undefined || origin === url.origin) continue
    throw refused(
      name,
      `was set for ${origin}, and the provider's base URL leads to ${url.origin} now; set its value again to send it there`,
    )
  }
}

function fill(
  text: string,
  variables: Variables,
  encode: (value: string, name: string) => string,
): string {
  if (!text.includes('${')) return text
  return text.replaceAll(REFERENCE, (_reference, name: string) => {
    const variable = Object.hasOwn(variables, name) ? variables[name] : undefined
    if (variable !== undefined) return encode(variable.value, name)
    throw new VariableError(
      'VARIABLE_MISSING',
      `The variable "${name}" is not defined: create it for this provider or for the whole account. Nothing was sent`,
    )
  })
}

function refused(name: string, problem: string): VariableError {
  return new VariableError(
    'VARIABLE_REFUSED',
    `The variable "${name}" ${problem}. Nothing was sent`,
  )
}

// One call's arguments as an HTTP request below the provider's base URL. Arguments fill slots of the
// path, the query, headers and the body; scheme, host, port and base path are out of their reach,
// and that is checked again on the finished URL.
import { findHeaderProblem } from '../egress/header.ts'
import type { OwnRequest, ToolBody, ToolDefinition, ToolParameter } from '../definition.ts'
import { encodeBody } from './encode-body.ts'
import {
  encodeCookieValue,
  encodeHeaderValue,
  encodePathValue,
  encodeQueryValue,
} from './encode-parameter.ts'
import { ArgumentsError } from './error.ts'
import {
  checkOrigins,
  fillBaseUrl,
  fillHeader,
  fillPath,
  fillQuery,
  type Variables,
} from './variable.ts'

/** A request, ready for `workers/egress/client.ts`. */
export interface BuiltRequest {
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly body?: Uint8Array | string
}

/** The provider's part of a call. */
export interface Provider {
  /** Absolute, without query and fragment. */
  readonly baseUrl: string
  /** Default headers; an argument cannot replace one. */
  readonly headers: Readonly<Record<string, string>>
  /** Default query parameters; an argument cannot replace one. Default: none. */
  readonly query?: Readonly<Record<string, string>>
  /** The client's own, by names in lower case, where nothing else says them. Never filled in. */
  readonly clientHeaders?: Readonly<Record<string, string>>
  /** What `${NAME}` stands for in them; absent where they have none. */
  readonly variables?: Variables
}

type Arguments = Readonly<Record<string, unknown>>

/**
 * The request for these arguments. An argument that is absent or `null` is left out; so is one that
 * would replace a default header or query parameter of the provider's.
 * @throws {ArgumentsError} ARGUMENTS_INVALID when a path slot has no value or one that would leave
 *   the path, when a header's value cannot be one, or when the body does not fit its encoding.
 * @throws {VariableError} VARIABLE_MISSING, VARIABLE_REFUSED when a variable cannot be filled in, or
 *   would leave for another origin than its own.
 */
export function buildRequest(
  definition: ToolDefinition,
  provider: Provider,
  args: Arguments,
): BuiltRequest {
  const { variables } = provider
  const defaults = addOwnParts(provider, definition.own)
  const headers = startHeaders(defaults)
  const pathValues = new Map<string, string>()
  const query = startQuery(defaults)
  const cookies: string[] = []
  for (const parameter of definition.parameters) {
    const value = readArgument(args, parameter.argument)
    if (value === undefined || value === null) continue
    if (parameter.in === 'path') pathValues.set(parameter.name, fillSlot(parameter, value))
    else if (parameter.in === 'query') addQuery(query, defaults.query, parameter, value)
    else if (parameter.in === 'cookie') cookies.push(...encodeCookieValue(parameter, value))
    else addHeader(headers, defaults.headers, parameter, value)
  }
  if (cookies.length > 0) headers['cookie'] = joinCookies(headers['cookie'], cookies)
  const baseUrl =
    variables === undefined ? provider.baseUrl : fillBaseUrl(provider.baseUrl, variables)
  // An imported path refers to nothing: its document's author could name any secret.
  const template =
    variables === undefined || definition.own === undefined
      ? definition.path
      : fillPath(definition.path, variables)
  const url = buildUrl(baseUrl, template, pathValues, query)
  if (variables !== undefined) checkOrigins(url, variables)
  const { body } = definition
  const bodyValue = body === undefined ? undefined : readBody(args, body)
  if (body === undefined || bodyValue === undefined) return { url, headers }
  const { bytes, contentType } = encodeBody(body, bodyValue)
  // The provider knows its own dialect of JSON; a multipart boundary only this side knows.
  if (headers['content-type'] === undefined || body.encoding === 'multipart') {
    headers['content-type'] = contentType
  }
  return { url, headers, body: bytes }
}

function readArgument(args: Arguments, name: string): unknown {
  return Object.hasOwn(args, name) ? args[name] : undefined
}

/** What the tool's author sends goes before what the provider sends with every tool. */
function addOwnParts(provider: Provider, own: OwnRequest | undefined): Provider {
  if (own === undefined) return provider
  const names = new Set(Object.keys(own.headers).map((name) => name.toLowerCase()))
  const inherited = Object.entries(provider.headers).filter(
    ([name]) => !names.has(name.toLowerCase()),
  )
  return {
    ...provider,
    headers: { ...Object.fromEntries(inherited), ...own.headers },
    query: { ...provider.query, ...own.query },
  }
}

function readBody(args: Arguments, { argument, members }: ToolBody): unknown {
  if (members === undefined) return readArgument(args, argument)
  const given = members.filter((name) => readArgument(args, name) !== undefined)
  return Object.fromEntries(given.map((name) => [name, args[name]]))
}

function startHeaders({
  headers: defaults,
  clientHeaders,
  variables,
}: Provider): Record<string, string> {
  // No prototype: "__proto__" is a token and so a header name.
  const headers: Record<string, string> = Object.create(null)
  headers['accept'] = 'application/json, */*;q=0.8'
  headers['user-agent'] = 'hasmcp'
  Object.assign(headers, clientHeaders)
  for (const [name, text] of Object.entries(defaults)) {
    const value = variables === undefined ? text : fillHeader(name, text, variables)
    const problem = findHeaderProblem(name, value)
    if (problem !== undefined) {
      throw new ArgumentsError(`Cannot call the provider: its default header "${name}" ${problem}`)
    }
    headers[name.toLowerCase()] = value
  }
  return headers
}

function startQuery({ query = {}, variables }: Provider): string[] {
  return Object.entries(query).map(([name, text]) => {
    const value = variables === undefined ? encodeURIComponent(text) : fillQuery(text, variables)
    return `${encodeURIComponent(name)}=${value}`
  })
}

function addQuery(
  query: string[],
  defaults: Readonly<Record<string, string>> | undefined,
  parameter: ToolParameter,
  value: unknown,
): void {
  const pairs = encodeQueryValue(parameter, value)
  const taken = new Set(Object.keys(defaults ?? {}).map(encodeURIComponent))
  // By pair and not by parameter: an object can spread to names of its own.
  query.push(...pairs.filter((pair) => !taken.has(pair.split('=', 1)[0] ?? '')))
}

function addHeader(
  headers: Record<string, string>,
  defaults: Readonly<Record<string, string>>,
  parameter: ToolParameter,
  value: unknown,
): void {
  const name = parameter.name.toLowerCase()
  if (Object.keys(defaults).some((key) => key.toLowerCase() === name)) return
  const text = encodeHeaderValue(parameter, value)
  const problem = findHeaderProblem(name, text)
  if (problem !== undefined) {
    throw new ArgumentsError(
      `Invalid arguments: /${parameter.argument} cannot be sent: the header "${parameter.name}" ${problem}`,
    )
  }
  headers[name] = text
}

/** The provider's cookies come first, and an argument cannot set one of the same name. */
function joinCookies(defaults: string | undefined, cookies: readonly string[]): string {
  if (defaults === undefined) return cookies.join('; ')
  const taken = new Set(defaults.split(';').map((pair) => pair.split('=', 1)[0]?.trim()))
  const added = cookies.filter((pair) => !taken.has(pair.split('=', 1)[0]))
  return [defaults, ...added].join('; ')
}

function fillSlot(parameter: ToolParameter, value: unknown): string {
  const text = encodePathValue(parameter, value)
  // Many servers decode "%2F" and "%2E" before they route: what would walk must not arrive encoded
  // either, nor encoded twice.
  if (text === '' || leavesPath(text, true)) {
    throw new ArgumentsError(
      `Invalid arguments: /${parameter.argument} cannot stand in a path: ` +
        'expected a value that is not empty, without "..", "//", backslashes and control characters',
    )
  }
  return text
}

/**
 * A server, a proxy before it and a framework behind it decode once each. What still changes after
 * four rounds is nobody's identifier, and the bound keeps long values linear.
 */
const MAX_DECODE_ROUNDS = 4

/** Empty segments are an author's to write; a value of a slot has none. */
function leavesPath(text: string, isSlot: boolean): boolean {
  let decoded = text
  for (let round = 0; round < MAX_DECODE_ROUNDS; round += 1) {
    // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
    if (/[\\\x00-\x1f\x7f]/.test(decoded) || hasDotSegment(decoded)) return true
    if (isSlot && decoded.includes('//')) return true
    const next = decodeOnce(decoded)
    if (next === decoded) return false
    decoded = next
  }
  return true
}

function hasDotSegment(path: string): boolean {
  return path.split('/').some((segment) => segment === '.' || segment === '..')
}

/** Byte by byte: an escape that is none, or bytes that are no UTF-8, must not hide those beside it. */
function decodeOnce(text: string): string {
  return text.replaceAll(/%([0-9A-Fa-f]{2})/g, (_escape, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  )
}

const SLOT = /\{([^{}]+)\}/g

function buildUrl(
  baseUrl: string,
  template: string,
  pathValues: ReadonlyMap<string, string>,
  query: readonly string[],
): URL {
  const base = new URL(baseUrl)
  const basePath = base.pathname.endsWith('/') ? base.pathname.slice(0, -1) : base.pathname
  const path = `${basePath}${template.startsWith('/') ? '' : '/'}${fillTemplate(template, pathValues)}`
  const search = query.length === 0 ? '' : `?${query.join('&')}`
  const url = new URL(`${base.origin}${path}${search}`)
  const isBelowBase = url.pathname === basePath || url.pathname.startsWith(`${basePath}/`)
  // Equal to what was put together: nothing was there that a URL parser resolves or rewrites.
  if (
    url.origin !== base.origin ||
    !isBelowBase ||
    url.pathname !== path ||
    url.hash !== '' ||
    // Slots that share a segment are harmless alone: "%2e%2" and "e".
    (pathValues.size > 0 && leavesPath(path.slice(basePath.length), false))
  ) {
    throw new ArgumentsError(
      "Invalid arguments: with them the path would leave the provider's base URL",
    )
  }
  return url
}

function fillTemplate(template: string, pathValues: ReadonlyMap<string, string>): string {
  let filled = ''
  let position = 0
  for (const slot of template.matchAll(SLOT)) {
    const name = slot[1] ?? ''
    const value = pathValues.get(name)
    if (value === undefined) {
      throw new ArgumentsError(`Invalid arguments: the path needs a value for "${name}"`)
    }
    filled += encodeStatic(template.slice(position, slot.index)) + value
    position = slot.index + slot[0].length
  }
  return filled + encodeStatic(template.slice(position))
}

/** The author's part of the path: what a URL's path cannot hold as it is, is encoded. */
function encodeStatic(text: string): string {
  return text.replace(/[^A-Za-z0-9\-._~!$&'()*+,;=:@/%]+/g, (part) =>
    encodeURIComponent(part.toWellFormed()),
  )
}

// Prints an upstream's answer, or the lack of one, as the members of an MCP `CallToolResult`. A body
// is decoded once and printed once; nobody parses it.
import { isUtf8 } from 'node:buffer'
import { createHash } from 'node:crypto'
import { STATUS_CODES } from 'node:http'
import type { EgressResponse } from '../egress/client.ts'

/** Members of a `CallToolResult` without the braces around them, as UTF-8 JSON. */
export interface Shaped {
  /** Has a buffer of its own, so that it can be transferred. */
  readonly members: Uint8Array<ArrayBuffer>
  readonly isError: boolean
}

/** What a model needs of an error page; the rest is somebody's HTML. */
const MAX_ERROR_BODY_BYTES = 16_384

/**
 * 20 MiB, twice the largest body of an answer (MAX_ANSWER_BYTES in server/start.ts): room for text
 * of nothing but quotes, which double, and none for control characters, which take six bytes each.
 */
const MAX_PRINTED_TEXT_BYTES = 20 * 1024 * 1024

/** 0xDC00 to 0xDFFF, shifted. */
const LOW_SURROGATE = 0xdc00 >>> 10

/** `\u0000`: what one UTF-16 unit prints as at worst. */
const MAX_PRINTED_UNIT_BYTES = 6

const encoder = new TextEncoder()

/**
 * The upstream's answer: its body as text (cut where it would take more than
 * {@link MAX_PRINTED_TEXT_BYTES} as JSON, and then it says so), image, audio, or an embedded resource
 * where it is nothing of them; any status but 2xx is an error.
 */
export function shapeResponse(response: EgressResponse, requestUrl: URL): Shaped {
  const { status, body } = response
  if (status >= 200 && status < 300) return shapeSuccess(response)
  if (status >= 300 && status < 400) return shapeError(describeRedirect(response, requestUrl))
  const cut = body.subarray(0, MAX_ERROR_BODY_BYTES)
  const text = isText(response, cut) ? decodeText(response, cut) : describeBinary(response)
  const note =
    cut.length < body.length ? `\n(cut: the first ${cut.length} of ${body.length} bytes)` : ''
  return shapeError(
    body.length === 0 ? nameStatus(status) : `${nameStatus(status)}\n${text}${note}`,
  )
}

/**
 * What a response interceptor made of the answer, with the status that it came with. `structured` is
 * the same as JSON text, where it is an object that the tool has a schema for.
 */
export function shapeText(text: string, status: number, structured?: string): Shaped {
  if (status < 200 || status >= 300) return shapeError(`${nameStatus(status)}\n${text}`)
  const rest = structured === undefined ? '' : `,"structuredContent":${structured}`
  return { members: print({ type: 'text', text }, rest), isError: false }
}

/** The body as text; undefined where it is none. */
export function readText(response: EgressResponse): string | undefined {
  const { body } = response
  return isText(response, body) ? decodeText(response, body) : undefined
}

/** A failure, as one sentence for the model. */
export function shapeError(text: string): Shaped {
  return { members: print({ type: 'text', text }, ',"isError":true'), isError: true }
}

function shapeSuccess(response: EgressResponse): Shaped {
  const { status, body } = response
  if (body.length === 0) {
    const text = `The upstream answered ${status} ${STATUS_CODES[status] ?? ''}`.trimEnd()
    return {
      members: print({ type: 'text', text: `${text} with an empty body` }, ''),
      isError: false,
    }
  }
  return { members: print(createContent(response), ''), isError: false }
}

type Content =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'image' | 'audio'; readonly data: string; readonly mimeType: string }
  | {
      readonly type: 'resource'
      readonly resource: { readonly uri: string; readonly mimeType: string; readonly blob: string }
    }

function createContent(response: EgressResponse): Content {
  const { body, isCut = false } = response
  const mimeType = readMediaType(response)
  const family = mimeType.split('/', 1)[0]
  if ((family === 'image' || family === 'audio') && !mimeType.endsWith('+xml')) {
    return { type: family, data: asBuffer(body).toString('base64'), mimeType }
  }
  if (!isText(response, body)) return embed(body, mimeType)
  const text = decodeText(response, isCut ? trimCutCharacter(body) : body)
  const end = findPrintedEnd(text, MAX_PRINTED_TEXT_BYTES)
  const kept = end < text.length ? text.slice(0, end) : text
  if (kept.length === text.length && !isCut) return { type: 'text', text }
  const whole = isCut ? 'the answer is longer' : `of ${text.length}`
  return { type: 'text', text: `${kept}\n(cut: the first ${kept.length} characters; ${whole})` }
}

/** Bytes that nobody can read, under a name that is made of them (RFC 6920). */
function embed(body: Uint8Array, mimeType: string): Content {
  const uri = `ni:///sha-256;${createHash('sha256').update(body).digest('base64url')}`
  const blob = asBuffer(body).toString('base64')
  const type = mimeType || 'application/octet-stream'
  return { type: 'resource', resource: { uri, mimeType: type, blob } }
}

/** How much of the text takes at most so many bytes of JSON, quotes left out: its length, or less. */
function findPrintedEnd(text: string, maxBytes: number): number {
  if (text.length * MAX_PRINTED_UNIT_BYTES <= maxBytes) return text.length
  let bytes = 0
  for (let at = 0; at < text.length; at += 1) {
    bytes += countPrintedBytes(text.charCodeAt(at))
    // Not between the halves of a character.
    if (bytes > maxBytes) return text.charCodeAt(at) >>> 10 === LOW_SURROGATE ? at - 1 : at
  }
  return text.length
}

/** Decoded text has no lone surrogates: each is half of a character of four bytes. */
function countPrintedBytes(unit: number): number {
  // \b \t \n \f \r are 8 to 13 without 11.
  if (unit < 0x20) return unit >= 8 && unit <= 13 && unit !== 11 ? 2 : MAX_PRINTED_UNIT_BYTES
  if (unit < 0x80) return unit === 0x22 || unit === 0x5c ? 2 : 1
  if (unit < 0x800 || (unit >= 0xd800 && unit <= 0xdfff)) return 2
  return 3
}

function print(content: Content, rest: string): Uint8Array<ArrayBuffer> {
  return printMembers(`"content":[${JSON.stringify(content)}]${rest}`)
}

/** The text in UTF-8, in a buffer of its own. */
export function printMembers(text: string): Uint8Array<ArrayBuffer> {
  const bytes = encoder.encode(text)
  // Transferring takes the whole buffer along: it must hold nothing else.
  return bytes.byteLength === bytes.buffer.byteLength ? bytes : bytes.slice()
}

function nameStatus(status: number): string {
  return `HTTP ${status} ${STATUS_CODES[status] ?? ''}`.trimEnd()
}

function describeRedirect({ status, headers }: EgressResponse, requestUrl: URL): string {
  const { location } = headers
  const target = location === undefined ? null : URL.parse(location, requestUrl)
  const where = target === null || target.host === '' ? 'nowhere' : `to the host ${target.host}`
  return `${nameStatus(status)}: the upstream redirects ${where}, and redirects are not followed`
}

function describeBinary(response: EgressResponse): string {
  const type = readMediaType(response)
  const size = response.body.length
  return `The upstream answered with ${size} bytes of ${type === '' ? 'no stated type' : type}, which cannot be shown as text`
}

/** The media type without its parameters; empty where there is none. */
export function readMediaType({ headers }: Pick<EgressResponse, 'headers'>): string {
  const type = headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase() ?? ''
  // It is printed for a model and named to a client: only what is a media type may be.
  return /^[\w.+-]{1,64}\/[\w.+-]{1,100}$/.test(type) ? type : ''
}

const TEXT_TYPE =
  /^text\/|[/+](json|xml|yaml)$|\/(x-ndjson|jsonl|javascript|x-www-form-urlencoded|graphql|x-yaml)$/

/** Whether the headers call the body a text. */
export function isTextType(headers: EgressResponse['headers']): boolean {
  return TEXT_TYPE.test(readMediaType({ headers }))
}

function isText(response: EgressResponse, body: Uint8Array): boolean {
  if (isTextType(response.headers)) return true
  // Many APIs send text as application/octet-stream or as a type of their own. The last character
  // may be cut, which is no reason to call the rest binary.
  return !body.includes(0) && isUtf8(trimCutCharacter(body))
}

/** Without up to three bytes of a character whose end is missing. */
function trimCutCharacter(body: Uint8Array): Uint8Array {
  for (let back = 1; back <= 3 && back <= body.length; back += 1) {
    const byte = body[body.length - back] ?? 0
    if (byte >= 0xc0) return body.subarray(0, body.length - back)
    if (byte < 0x80) return body
  }
  return body
}

function decodeText({ headers }: EgressResponse, body: Uint8Array): string {
  const charset = /;\s*charset\s*=\s*"?([\w.:-]{1,40})/i.exec(headers['content-type'] ?? '')?.[1]
  if (charset === undefined || /^(utf-?8|us-ascii)$/i.test(charset))
    return asBuffer(body).toString('utf8')
  try {
    return new TextDecoder(charset).decode(body)
  } catch {
    return asBuffer(body).toString('utf8')
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

// How the body's argument becomes bytes. Forms nest with brackets (`a[b]=1`), as the APIs that take
// nested forms expect; OpenAPI itself says nothing that they agree with.
import { randomUUID } from 'node:crypto'
import type { ToolBody } from '../definition.ts'
import { ArgumentsError } from './error.ts'
import { isRecord, printScalar } from './number.ts'
import { createPrintBudget } from './print-budget.ts'

/** A body and the `content-type` that goes with it. */
export interface EncodedBody {
  readonly bytes: Uint8Array | string
  readonly contentType: string
}

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

/**
 * The body as it is sent. A form takes an object: lists of scalars repeat their name, lists of
 * objects are numbered from 0 (`a[0][b]=1`), objects nest (`a[b]=1`), `null` is left out. In
 * multipart an object or list within a part is JSON.
 * @throws {ArgumentsError} ARGUMENTS_INVALID when the value does not fit the encoding.
 */
export function encodeBody(body: ToolBody, value: unknown): EncodedBody {
  const { contentType } = body
  switch (body.encoding) {
    case 'json':
      return { bytes: JSON.stringify(value), contentType }
    case 'text':
      return { bytes: printScalar(value), contentType }
    case 'base64':
      return { bytes: decodeBase64(body, value), contentType }
    case 'form':
      return { bytes: encodeForm(expectObject(body, value)), contentType }
    case 'multipart':
      return encodeMultipart(expectObject(body, value), contentType)
  }
}

function expectObject(body: ToolBody, value: unknown): Readonly<Record<string, unknown>> {
  if (isRecord(value)) return value
  throw new ArgumentsError(
    `Invalid arguments: /${body.argument} must be object: its members are the form's fields`,
  )
}

function decodeBase64(body: ToolBody, value: unknown): Uint8Array {
  if (typeof value !== 'string' || !BASE64.test(value)) {
    throw new ArgumentsError(
      `Invalid arguments: /${body.argument} must be a string of base64 with its padding`,
    )
  }
  return Buffer.from(value, 'base64')
}

/** URLSearchParams is the URL standard's own printer of this media type. */
function encodeForm(fields: Readonly<Record<string, unknown>>): string {
  const pairs = new URLSearchParams()
  const spend = createPrintBudget()
  const append = (name: string, value: string) => {
    spend(name.length + value.length)
    pairs.append(name, value)
  }
  for (const [name, value] of Object.entries(fields)) appendField(append, name, value)
  return pairs.toString()
}

type Append = (name: string, value: string) => void

function appendField(append: Append, name: string, value: unknown): void {
  if (value === null || value === undefined) return
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) {
      const isStructure = isRecord(item) || Array.isArray(item)
      appendField(append, isStructure ? `${name}[${index}]` : name, item)
    }
  } else if (isRecord(value)) {
    for (const [member, inner] of Object.entries(value)) {
      appendField(append, `${name}[${member}]`, inner)
    }
  } else append(name, printScalar(value))
}

/** RFC 7578, with the names escaped as the HTML standard does. */
function encodeMultipart(
  fields: Readonly<Record<string, unknown>>,
  contentType: string,
): EncodedBody {
  const boundary = `hasmcp-${randomUUID()}`
  const parts: string[] = []
  for (const [name, value] of Object.entries(fields)) {
    for (const item of Array.isArray(value) ? value : [value]) {
      if (item === null || item === undefined) continue
      const isStructure = isRecord(item) || Array.isArray(item)
      const type = isStructure ? '\r\ncontent-type: application/json' : ''
      const disposition = `content-disposition: form-data; name="${escapeName(name)}"`
      parts.push(`--${boundary}\r\n${disposition}${type}\r\n\r\n${printScalar(item)}\r\n`)
    }
  }
  const mediaType = contentType.split(';', 1)[0]?.trim() ?? 'multipart/form-data'
  return {
    bytes: `${parts.join('')}--${boundary}--\r\n`,
    contentType: `${mediaType}; boundary=${boundary}`,
  }
}

function escapeName(name: string): string {
  return name.replaceAll('\r', '%0D').replaceAll('\n', '%0A').replaceAll('"', '%22')
}

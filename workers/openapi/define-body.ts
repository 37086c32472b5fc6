// The body of an upgraded operation: which of its media types a tool sends, and the schema of the
// argument that becomes it.
import type { ToolBody } from '../definition.ts'
import { isObject, own, ownString, type JsonObject } from './json-value.ts'

/** One media type of a `content`, chosen. */
export interface MediaTypeChoice {
  readonly contentType: string
  readonly encoding: ToolBody['encoding']
  readonly schema: unknown
}

/** A body before its argument has a name. */
export interface DefinedBody extends MediaTypeChoice {
  readonly isRequired: boolean
}

// Structured text that a model writes as well as it writes prose.
const TEXT_TYPES = /^text\/|[/+](?:xml|yaml|x-yaml|graphql|javascript|sql|x-ndjson|jsonl?)$/

const ENCODINGS = ['json', 'form', 'multipart', 'text', 'base64'] as const

/** The body with the schema of its argument, not yet clean; undefined where there is none. */
export function defineBody(requestBody: unknown): DefinedBody | undefined {
  if (!isObject(requestBody)) return undefined
  const content = own(requestBody, 'content')
  const choice = isObject(content) ? chooseMediaType(content) : undefined
  if (choice === undefined) return undefined
  const description = ownString(requestBody, 'description')
  const schema = describeSchema(choice)
  return {
    ...choice,
    schema: description === undefined || description === '' ? schema : { ...schema, description },
    isRequired: own(requestBody, 'required') === true || hasRequiredField(choice),
  }
}

/**
 * The media type that carries arguments best: JSON, then a URL-encoded form, multipart, text, and
 * anything else as base64; `application/json` before other JSON, otherwise the document's order.
 */
export function chooseMediaType(content: JsonObject): MediaTypeChoice | undefined {
  const choices = Object.entries(content).map(([contentType, media]) => ({
    // A range cannot be sent; JSON is what everything here speaks.
    contentType: contentType.includes('*') ? toConcrete(contentType) : contentType,
    encoding: toEncoding(contentType),
    schema: isObject(media) ? own(media, 'schema') : undefined,
  }))
  const exact = choices.find((choice) => baseType(choice.contentType) === 'application/json')
  if (exact !== undefined) return exact
  for (const encoding of ENCODINGS) {
    const choice = choices.find((candidate) => candidate.encoding === encoding)
    if (choice !== undefined) return choice
  }
  return undefined
}

/** Swagger 2 and Twilio mark a form's fields as required, and not the form. */
function hasRequiredField({ encoding, schema }: MediaTypeChoice): boolean {
  const required = isObject(schema) ? own(schema, 'required') : undefined
  const isForm = encoding === 'form' || encoding === 'multipart'
  return isForm && Array.isArray(required) && required.length > 0
}

function describeSchema(choice: MediaTypeChoice): JsonObject {
  const given = isObject(choice.schema) ? choice.schema : {}
  switch (choice.encoding) {
    case 'text':
      return { type: 'string' }
    case 'base64':
      return {
        type: 'string',
        contentEncoding: 'base64',
        contentMediaType: baseType(choice.contentType),
      }
    case 'form':
    case 'multipart':
      // Fields have names: what is no object cannot be sent as a form.
      return given['type'] === undefined && given['$ref'] === undefined
        ? { ...given, type: 'object' }
        : given
    case 'json':
      return given
  }
}

function toEncoding(contentType: string): ToolBody['encoding'] {
  const type = baseType(contentType)
  if (type === '*/*' || type === 'application/*' || /[/+]json$/.test(type)) return 'json'
  if (type === 'application/x-www-form-urlencoded') return 'form'
  if (type === 'multipart/form-data') return 'multipart'
  return TEXT_TYPES.test(type) ? 'text' : 'base64'
}

function toConcrete(range: string): string {
  const type = baseType(range)
  if (type === '*/*' || type === 'application/*') return 'application/json'
  return type === 'text/*' ? 'text/plain' : 'application/octet-stream'
}

function baseType(contentType: string): string {
  return (contentType.split(';')[0] ?? '').trim().toLowerCase()
}

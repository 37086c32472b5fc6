// Parameters of a path item or an operation, references followed, with only what a tool needs.
// Swagger 2's bodies and form fields come through here too, for the upgrader to move.
import { findHeaderProblem } from '../egress/header.ts'
import { LeftOutError } from './import-error.ts'
import { nameType, own, ownString, type JsonObject } from './json-value.ts'
import { readContent } from './read-content.ts'
import { isPropertyName } from './subschema.ts'
import type { Source } from './reduce-document.ts'
import { resolveReference } from './resolve-reference.ts'

/** A checked copy: `name` and `in` are strings, and `in` is one that the version knows. */
export interface SourceParameter {
  readonly name: string
  readonly in: string
  readonly [key: string]: unknown
}

const LOCATIONS = ['path', 'query', 'header', 'cookie']
const SWAGGER_LOCATIONS = ['path', 'query', 'header', 'body', 'formData']

// OpenAPI 3.1, "Parameter Object": these three "SHALL be ignored".
const IGNORED_HEADERS = ['accept', 'content-type', 'authorization']

// RFC 6265, 4.1.1: a cookie's name is a token.
const TOKEN = /^[\w!#$%&'*+.^`|~-]{1,256}$/

// Swagger 2 keeps a parameter's schema keywords on the parameter itself.
// prettier-ignore
const SWAGGER_KEYWORDS = [
  'type', 'format', 'default', 'enum', 'maximum', 'exclusiveMaximum', 'minimum', 'exclusiveMinimum',
  'maxLength', 'minLength', 'pattern', 'maxItems', 'minItems', 'uniqueItems', 'multipleOf',
  'x-nullable',
]
const COLLECTION_FORMATS = ['csv', 'ssv', 'tsv', 'pipes', 'multi']

/**
 * The parameters of one list, in order.
 *
 * @throws {LeftOutError} LEFT_OUT when one cannot be read
 */
export function readParameters(
  source: Source,
  value: unknown,
  place: string,
): readonly SourceParameter[] {
  if (value === undefined) return []
  if (!Array.isArray(value)) {
    throw new LeftOutError(`expected "parameters" to be an array, found ${nameType(value)}`)
  }
  return value.flatMap((entry: unknown, index) => {
    const what = `parameter ${index}`
    const parameter = resolveReference(source.document, entry, what)
    const at = `${place}/parameters/${index}`
    return readParameter(source, parameter, what, at) ?? []
  })
}

/** The operation's parameters on top of the path's: equal name and location replaces in place. */
export function mergeParameters(
  shared: readonly SourceParameter[],
  own: readonly SourceParameter[],
): readonly SourceParameter[] {
  const merged = new Map<string, SourceParameter>()
  for (const parameter of [...shared, ...own]) {
    const isHeader = parameter.in === 'header'
    const name = isHeader ? parameter.name.toLowerCase() : parameter.name
    // There is one body, whatever its parameter is called.
    merged.set(parameter.in === 'body' ? 'body' : `${parameter.in} ${name}`, parameter)
  }
  return [...merged.values()]
}

function readParameter(
  source: Source,
  parameter: JsonObject,
  what: string,
  place: string,
): SourceParameter | undefined {
  const name = ownString(parameter, 'name')
  const location = ownString(parameter, 'in')
  const locations = source.version === '2.0' ? SWAGGER_LOCATIONS : LOCATIONS
  if (location === undefined || !locations.includes(location)) {
    throw new LeftOutError(`expected "in" of ${what} to be one of ${locations.join(', ')}`)
  }
  if (location === 'body') return readSwaggerBody(source, parameter, place)
  if (name === undefined || name === '') throw new LeftOutError(`${what} has no name`)
  if (!isPropertyName(name) && name !== '__proto__')
    throw new LeftOutError(`the name of ${what} is over 512 characters`)
  if (location === 'header' && IGNORED_HEADERS.includes(name.toLowerCase())) return undefined
  const refusal = refuseName(name, location)
  if (refusal !== undefined) {
    source.warnings.add(`Left out a parameter (${place}): ${refusal}`)
    return undefined
  }
  const read = {
    name,
    in: location,
    description: ownString(parameter, 'description'),
    required: own(parameter, 'required') === true,
    deprecated: own(parameter, 'deprecated') === true,
  }
  if (source.version === '2.0') return { ...read, ...readSwaggerKeywords(source, parameter, place) }
  const content = own(parameter, 'content')
  if (content !== undefined) return { ...read, content: readContent(source, content, place) }
  return {
    ...read,
    style: ownString(parameter, 'style'),
    explode: own(parameter, 'explode'),
    allowReserved: own(parameter, 'allowReserved') === true,
    schema: source.schemas.copy(own(parameter, 'schema'), place),
  }
}

function refuseName(name: string, location: string): string | undefined {
  if (name === '__proto__' && location === 'formData') return 'its name is "__proto__"'
  if (location === 'cookie' && !TOKEN.test(name)) return 'its name cannot be that of a cookie'
  const problem = location === 'header' ? findHeaderProblem(name, '') : undefined
  return problem === undefined ? undefined : `the header ${JSON.stringify(name)} ${problem}`
}

function readSwaggerBody(source: Source, parameter: JsonObject, place: string): SourceParameter {
  return {
    name: 'body',
    in: 'body',
    description: ownString(parameter, 'description'),
    required: own(parameter, 'required') === true,
    schema: source.schemas.copy(own(parameter, 'schema'), place),
  }
}

function readSwaggerKeywords(source: Source, parameter: JsonObject, place: string): JsonObject {
  const keywords: Record<string, unknown> = {}
  for (const keyword of SWAGGER_KEYWORDS) {
    const value = own(parameter, keyword)
    if (value !== undefined) keywords[keyword] = value
  }
  const items = own(parameter, 'items')
  if (items !== undefined) keywords['items'] = source.schemas.copy(items, place)
  const format = ownString(parameter, 'collectionFormat')
  if (format !== undefined && COLLECTION_FORMATS.includes(format)) {
    keywords['collectionFormat'] = format
  }
  return keywords
}

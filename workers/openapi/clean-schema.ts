// An OpenAPI 3.1 schema as plain JSON Schema 2020-12: known keywords with values of the right type,
// in a fixed order. Everything else is dropped, because one bad keyword makes a validator refuse the
// whole tool.
import type { Spend } from './budget.ts'
import { cleanText } from './clean-text.ts'
import { isObject, own, ownString, type JsonObject } from './json-value.ts'
import { isPropertyName, mapSubschemas } from './subschema.ts'

/** Values of one enum: Box's largest has 201. */
export const MAX_ENUM_VALUES = 1_000

const MAX_TITLE_CHARACTERS = 128
const MAX_DESCRIPTION_CHARACTERS = 4_096
const MAX_PATTERN_CHARACTERS = 1_000
// RFC 6838 bounds a media type by 127 and 127; formats are words.
const MAX_WORD_CHARACTERS = 255
// An `allOf` below an `allOf`: deeper ones keep what they require.
const MAX_ALL_OF_DEPTH = 8

const TYPES = ['string', 'number', 'integer', 'boolean', 'array', 'object', 'null']
const TYPE_MISTAKES = new Map([
  ['int', 'integer'],
  ['long', 'integer'],
  ['float', 'number'],
  ['double', 'number'],
  ['bool', 'boolean'],
  ['str', 'string'],
  ['file', 'string'],
])

const REFERENCE_PREFIX = '#/components/schemas/'

/** What the walk over a schema tells, and asks, whoever walks. */
export interface CleanContext {
  /** The named schemas, for the `readOnly` of what a property refers to. */
  readonly named: JsonObject
  /** Called before each subschema; false replaces it with `{}`. */
  readonly enter: (depth: number) => boolean
  readonly spend: Spend
  /** Called for each reference; returns what `$ref` becomes. */
  readonly refer: (name: string, depth: number) => string
  /** Called with a clause about a flaw that was mended by dropping it. */
  readonly report: (problem: string) => void
}

/** The clean schema, ready for a request: read-only properties are gone. `depth` is its own level. */
export function cleanSchema(
  schema: unknown,
  depth: number,
  context: CleanContext,
  inheritedReadOnly: ReadonlySet<string> = new Set(),
): unknown {
  if (typeof schema === 'boolean') return schema
  if (!isObject(schema) || !context.enter(depth)) return {}
  const readOnly = new Set(inheritedReadOnly)
  collectReadOnly(schema, context, 0, readOnly)
  const result = cleanKeywords(schema, readOnly, context)
  const reference = ownString(schema, '$ref')
  if (reference !== undefined) {
    result['$ref'] = context.refer(reference.slice(REFERENCE_PREFIX.length), depth)
  }
  const subschemas = mapSubschemas(schema, (subschema, keyword, name) => {
    if (keyword === 'properties' && name !== undefined && readOnly.has(name)) return undefined
    if (keyword === 'patternProperties' && !isPattern(name)) {
      context.report('dropped a pattern that is no regular expression')
      return undefined
    }
    const inherited = keyword === 'allOf' ? readOnly : undefined
    return cleanSchema(subschema, depth + 1, context, inherited)
  })
  Object.assign(result, subschemas)
  return own(schema, 'nullable') === true ? addNull(result) : result
}

function cleanKeywords(
  schema: JsonObject,
  readOnly: ReadonlySet<string>,
  { report, spend }: CleanContext,
): Record<string, unknown> {
  const result: Record<string, unknown> = {}
  const set = (keyword: string, value: unknown) => {
    if (value !== undefined && value !== '') result[keyword] = value
  }
  set('title', cleanText(own(schema, 'title'), MAX_TITLE_CHARACTERS))
  set('description', cleanText(own(schema, 'description'), MAX_DESCRIPTION_CHARACTERS))
  set('type', cleanType(own(schema, 'type'), report))
  set('format', cleanWord(schema, 'format'))
  set('enum', cleanEnum(own(schema, 'enum'), report))
  if (Object.hasOwn(schema, 'const')) result['const'] = schema['const']
  if (Object.hasOwn(schema, 'default')) result['default'] = schema['default']
  const pattern = ownString(schema, 'pattern')
  if (isPattern(pattern)) set('pattern', pattern)
  else if (pattern !== undefined) report('dropped a pattern that is no regular expression')
  for (const keyword of COUNTS) set(keyword, cleanNumber(schema, keyword, isCount))
  cleanBounds(schema, set)
  set(
    'multipleOf',
    cleanNumber(schema, 'multipleOf', (value) => value > 0),
  )
  set('uniqueItems', own(schema, 'uniqueItems') === true ? true : undefined)
  set('contentEncoding', cleanWord(schema, 'contentEncoding'))
  set('contentMediaType', cleanWord(schema, 'contentMediaType'))
  // Binary: the upgrader takes the type away, but an argument of a tool can only be a string.
  if (result['contentMediaType'] !== undefined) result['type'] ??= 'string'
  const required = cleanNames(own(schema, 'required'), spend).filter((name) => !readOnly.has(name))
  set('required', required.length > 0 ? required : undefined)
  set('dependentRequired', cleanDependentRequired(own(schema, 'dependentRequired'), spend))
  set('deprecated', own(schema, 'deprecated') === true ? true : undefined)
  return result
}

const COUNTS = [
  'minLength',
  'maxLength',
  'minItems',
  'maxItems',
  'minContains',
  'maxContains',
  'minProperties',
  'maxProperties',
]

function cleanType(type: unknown, report: CleanContext['report']): unknown {
  if (type === undefined) return undefined
  // A type list that is nullable as well comes from the upgrader as `[[…], 'null']`.
  const given: unknown[] = (Array.isArray(type) ? type : [type]).flat(2)
  const known = given.flatMap((name) => {
    const mended = typeof name === 'string' ? (TYPE_MISTAKES.get(name) ?? name) : ''
    if (TYPES.includes(mended)) return [mended]
    report(`dropped the unknown type ${JSON.stringify(name)?.slice(0, 40)}`)
    return []
  })
  const types = [...new Set(known)]
  if (types.length === 0) return undefined
  return types.length === 1 ? types[0] : types
}

function cleanEnum(value: unknown, report: CleanContext['report']): unknown {
  if (!Array.isArray(value) || value.length === 0) return undefined
  if (value.length <= MAX_ENUM_VALUES) return value as unknown
  report(`dropped an enum of ${value.length} values, the limit is ${MAX_ENUM_VALUES}`)
  return undefined
}

function cleanWord(schema: JsonObject, keyword: string): string | undefined {
  const word = ownString(schema, keyword)
  return word !== undefined && word.length <= MAX_WORD_CHARACTERS ? word : undefined
}

function cleanNumber(
  schema: JsonObject,
  keyword: string,
  isRight: (value: number) => boolean,
): number | undefined {
  const value = own(schema, keyword)
  return typeof value === 'number' && Number.isFinite(value) && isRight(value) ? value : undefined
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}

/** Bounds are numbers in 2020-12; some documents that say 3.1 still have 3.0's booleans. */
function cleanBounds(schema: JsonObject, set: (keyword: string, value: unknown) => void): void {
  for (const [keyword, exclusive] of [
    ['minimum', 'exclusiveMinimum'],
    ['maximum', 'exclusiveMaximum'],
  ] as const) {
    const bound = cleanNumber(schema, keyword, () => true)
    const isExclusive = own(schema, exclusive) === true
    set(keyword, isExclusive ? undefined : bound)
    set(exclusive, isExclusive ? bound : cleanNumber(schema, exclusive, () => true))
  }
}

function cleanNames(value: unknown, spend: Spend): readonly string[] {
  if (!Array.isArray(value)) return []
  spend(value.length)
  const names = value.filter((name) => isPropertyName(name))
  return [...new Set(names)]
}

function cleanDependentRequired(value: unknown, spend: Spend): unknown {
  if (!isObject(value)) return undefined
  const entries = Object.entries(value).filter(([name]) => isPropertyName(name))
  return Object.fromEntries(entries.map(([name, names]) => [name, cleanNames(names, spend)]))
}

function isPattern(pattern: string | undefined): boolean {
  if (pattern === undefined || pattern.length > MAX_PATTERN_CHARACTERS) return false
  try {
    // JSON Schema 2020-12, 6.3.3: patterns are ECMA-262 with the `u` flag.
    return new RegExp(pattern, 'u') instanceof RegExp
  } catch {
    return false
  }
}

function addNull(schema: Record<string, unknown>): Record<string, unknown> {
  for (const keyword of ['anyOf', 'oneOf']) {
    const members = schema[keyword]
    if (!Array.isArray(members) || schema['type'] !== undefined) continue
    const hasNull = members.some((member) => isObject(member) && member['type'] === 'null')
    return hasNull ? schema : { ...schema, [keyword]: [...members, { type: 'null' }] }
  }
  const values = schema['enum']
  if (!Array.isArray(values) || values.includes(null) || schema['type'] !== undefined) return schema
  return { ...schema, enum: [...values, null] }
}

/** Names of properties that are read-only here or in an `allOf`: a request leaves them out. */
function collectReadOnly(
  schema: JsonObject,
  { named, spend }: Pick<CleanContext, 'named' | 'spend'>,
  depth: number,
  names: Set<string>,
): void {
  const properties = own(schema, 'properties')
  if (isObject(properties)) {
    const entries = Object.entries(properties)
    spend(entries.length)
    for (const [name, property] of entries) {
      const isOwn = isObject(property) && own(property, 'readOnly') === true
      if (isOwn || own(findTarget(property, named) ?? {}, 'readOnly') === true) names.add(name)
    }
  }
  const members = own(schema, 'allOf')
  if (!Array.isArray(members) || depth >= MAX_ALL_OF_DEPTH) return
  spend(members.length)
  for (const member of members as readonly unknown[]) {
    const target = findTarget(member, named) ?? member
    if (isObject(target)) collectReadOnly(target, { named, spend }, depth + 1, names)
  }
}

function findTarget(schema: unknown, named: JsonObject): JsonObject | undefined {
  const reference = isObject(schema) ? ownString(schema, '$ref') : undefined
  if (reference === undefined) return undefined
  const target = own(named, reference.slice(REFERENCE_PREFIX.length))
  return isObject(target) ? target : undefined
}

// Where a schema holds other schemas. Everything else in a schema is data: a key `$ref` inside a
// default or an enum is a value of the API, no reference.
import { isObject, own, type JsonObject } from './json-value.ts'

const SINGLE = [
  'items',
  'additionalProperties',
  'not',
  'if',
  'then',
  'else',
  'contains',
  'propertyNames',
  'unevaluatedItems',
  'unevaluatedProperties',
] as const
const LISTS = ['allOf', 'anyOf', 'oneOf', 'prefixItems'] as const
const MAPS = ['properties', 'patternProperties', 'dependentSchemas'] as const

/** A keyword with one subschema, with a list of them, or with a map of them by name. */
export type SubschemaKeyword =
  | (typeof SINGLE)[number]
  | (typeof LISTS)[number]
  | (typeof MAPS)[number]

// A longer one is no name; each would be printed again in every tool that has it.
const MAX_PROPERTY_NAME_CHARACTERS = 512

/** True for a property's name that a tool can have: no `__proto__`, at most 512 characters. */
export function isPropertyName(name: unknown): name is string {
  return (
    typeof name === 'string' && name !== '__proto__' && name.length <= MAX_PROPERTY_NAME_CHARACTERS
  )
}

/** Keywords whose value is data: arbitrary JSON that is never read as a schema. */
export const DATA_KEYWORDS = ['default', 'const', 'enum'] as const

/**
 * The subschema keywords of a schema with every subschema replaced by what `map` makes of it, in a
 * fixed order of keywords. Keywords with a value of the wrong type are left out, and so are empty
 * lists. A subschema for which `map` returns undefined is left out of its map or list.
 */
export function mapSubschemas(
  schema: JsonObject,
  map: (subschema: unknown, keyword: SubschemaKeyword, name: string | undefined) => unknown,
): Record<string, unknown> {
  const result: Record<string, unknown> = {}
  for (const keyword of MAPS) {
    const value = own(schema, keyword)
    if (!isObject(value)) continue
    const mapped: Record<string, unknown> = {}
    for (const [name, subschema] of Object.entries(value)) {
      const made = isPropertyName(name) ? map(subschema, keyword, name) : undefined
      if (made !== undefined) mapped[name] = made
    }
    result[keyword] = mapped
  }
  for (const keyword of SINGLE) {
    const value = own(schema, keyword)
    // `items` was a list until 2020-12, which calls that `prefixItems`.
    if (!isObject(value) && typeof value !== 'boolean') continue
    const made = map(value, keyword, undefined)
    if (made !== undefined) result[keyword] = made
  }
  for (const keyword of LISTS) {
    const value = own(schema, keyword) ?? (keyword === 'prefixItems' ? own(schema, 'items') : [])
    if (!Array.isArray(value) || value.length === 0) continue
    const mapped = value.map((member) => map(member, keyword, undefined))
    const kept = mapped.filter((member) => member !== undefined)
    if (kept.length > 0) result[keyword] = kept
  }
  return result
}

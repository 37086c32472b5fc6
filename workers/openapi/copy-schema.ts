// Copies the schemas that operations use out of the untrusted document into one flat list of named
// ones. What follows then knows a single kind of reference, and nothing of the document but what
// was copied reaches the upgrader.
import { ImportError } from './import-error.ts'
import { isObject, ownString, type JsonObject } from './json-value.ts'
import { makeUnique, type TakenNames } from './name.ts'
import { cutPointer, findValue, formatPointer, parsePointer } from './pointer.ts'
import { DATA_KEYWORDS, mapSubschemas } from './subschema.ts'
import { MAX_VALUES } from './parse-document.ts'
import type { Warnings } from './warning.ts'

/** Where the copied schemas live before the upgrade; afterwards it is always the second. */
export type SchemaHome = '#/definitions/' | '#/components/schemas/'

/** Copies schemas of a document and finds what they refer to. */
export interface SchemaCopier {
  /** A copy whose references all point to `home`; unknown keywords are left out. */
  copy(schema: unknown, place: string): unknown
  /** The schemas that copies refer to, by name, themselves copied. Call it last. */
  takeNamed(): Record<string, unknown>
  /** Where the document has the schema of a name. */
  findPlace(name: string): string | undefined
}

// prettier-ignore
const KEPT_KEYWORDS = [
  'type', 'format', 'title', 'description', 'deprecated', 'nullable', 'x-nullable', 'readOnly',
  'pattern', 'minLength', 'maxLength', 'minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum',
  'multipleOf', 'minItems', 'maxItems', 'uniqueItems', 'minContains', 'maxContains',
  'minProperties', 'maxProperties', 'required', 'dependentRequired', 'contentEncoding',
  'contentMediaType', ...DATA_KEYWORDS,
]

/** Characters of a default, a const or an enum as JSON: four times Box's longest enum. */
export const MAX_DATA_CHARACTERS = 16_384

// A component's name becomes a key of `$defs`.
const MAX_NAME_CHARACTERS = 64

/** A copier for one document. */
export function createSchemaCopier(
  document: JsonObject,
  home: SchemaHome,
  warnings: Warnings,
): SchemaCopier {
  const references = createReferences(document, warnings)
  const count = createCounter()
  const isSmall = createDataCheck()

  const copy = (schema: unknown, place: string): unknown => {
    count(undefined)
    if (!isObject(schema)) return typeof schema === 'boolean' ? schema : {}
    const result: Record<string, unknown> = {}
    for (const keyword of KEPT_KEYWORDS) {
      if (!Object.hasOwn(schema, keyword)) continue
      if (isData(keyword) && !isSmall(schema[keyword])) {
        warnings.add(
          `Simplified a schema (${place}): "${keyword}" is over ${MAX_DATA_CHARACTERS} characters`,
        )
        continue
      }
      count(schema[keyword])
      result[keyword] = schema[keyword]
    }
    const reference = ownString(schema, '$ref') ?? ownString(schema, '$dynamicRef')
    if (reference !== undefined) {
      const name = references.name(reference, place)
      if (name !== undefined) result['$ref'] = home + name
    }
    return Object.assign(
      result,
      mapSubschemas(schema, (subschema) => copy(subschema, place)),
    )
  }

  return {
    copy,
    takeNamed() {
      const named: Record<string, unknown> = {}
      // The list grows while it is read: a named schema may refer to others.
      for (const { name, schema, place } of references.targets) named[name] = copy(schema, place)
      return named
    },
    findPlace: (name) => references.places.get(name),
  }
}

interface Target {
  readonly name: string
  readonly schema: unknown
  readonly place: string
}

function createReferences(document: JsonObject, warnings: Warnings) {
  const names = new Map<string, string>()
  const taken: TakenNames = new Map()
  const targets: Target[] = []
  const places = new Map<string, string>()
  const name = (reference: string, place: string): string | undefined => {
    const segments = parsePointer(reference)
    const schema = segments === undefined ? undefined : findValue(document, segments)
    if (segments === undefined || (!isObject(schema) && typeof schema !== 'boolean')) {
      const why =
        segments === undefined ? 'only local references are followed' : 'there is no schema'
      warnings.add(`Simplified a schema (${place}): it refers to ${cutPointer(reference)}, ${why}`)
      return undefined
    }
    const key = JSON.stringify(segments)
    const known = names.get(key)
    if (known !== undefined) return known
    const wanted = (segments.at(-1) ?? '').replaceAll(/[^A-Za-z0-9_.-]+/g, '_')
    const isUsable = wanted !== '' && wanted !== '__proto__'
    const unique = makeUnique(isUsable ? wanted : 'schema', MAX_NAME_CHARACTERS, taken)
    names.set(key, unique)
    const target = { name: unique, schema, place: formatPointer(...segments) }
    targets.push(target)
    places.set(unique, target.place)
    return unique
  }
  return { name, targets, places }
}

function isData(keyword: string): boolean {
  return DATA_KEYWORDS.some((known) => known === keyword)
}

/** Remembers what it has measured: a shared parameter's enum is looked at in each operation. */
function createDataCheck(): (value: unknown) => boolean {
  const known = new WeakMap<object, boolean>()
  return (value) => {
    const measure = () => (JSON.stringify(value)?.length ?? 0) <= MAX_DATA_CHARACTERS
    if (typeof value !== 'object' || value === null) return measure()
    const isSmall = known.get(value) ?? measure()
    known.set(value, isSmall)
    return isSmall
  }
}

/** Counts a value and all below it, because a shared parameter is copied into each operation. */
function createCounter(): (value: unknown) => void {
  let total = 0
  const count = (value: unknown): void => {
    total += 1
    if (total > MAX_VALUES) {
      throw new ImportError(
        'DOCUMENT_TOO_LARGE',
        `The operations use more than ${MAX_VALUES} values once references are followed, the limit`,
      )
    }
    if (typeof value !== 'object' || value === null) return
    for (const child of Object.values(value)) count(child)
  }
  return count
}

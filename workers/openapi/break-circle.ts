// Finds references that lead back to their own schema without going down into the value: a validator
// would follow such a circle for ever. Recursion through properties or items is left alone.
import { isObject } from './json-value.ts'
import { mapSubschemas, type SubschemaKeyword } from './subschema.ts'

// JSON Schema 2020-12, 10.2: these apply to the same place of the value as the schema they are in.
const IN_PLACE: readonly SubschemaKeyword[] = [
  'allOf',
  'anyOf',
  'oneOf',
  'not',
  'if',
  'then',
  'else',
  'dependentSchemas',
]

/** Deletes one `$ref` of each circle, in place; returns the names of the schemas that had one. */
export function breakCircles(
  defs: ReadonlyMap<string, unknown>,
  prefix: string,
): readonly string[] {
  const state = new Map<string, 'open' | 'done'>()
  const broken: string[] = []
  const visit = (name: string): void => {
    state.set(name, 'open')
    for (const node of listReferences(defs.get(name))) {
      const target = String(node['$ref']).slice(prefix.length)
      if (state.get(target) === 'open') {
        delete node['$ref']
        broken.push(name)
      } else if (!state.has(target)) {
        visit(target)
      }
    }
    state.set(name, 'done')
  }
  for (const name of defs.keys()) if (!state.has(name)) visit(name)
  return broken
}

function listReferences(schema: unknown): readonly Record<string, unknown>[] {
  if (!isObject(schema)) return []
  const found: Record<string, unknown>[] = typeof schema['$ref'] === 'string' ? [schema] : []
  mapSubschemas(schema, (subschema, keyword) => {
    if (IN_PLACE.includes(keyword)) found.push(...listReferences(subschema))
    return undefined
  })
  return found
}

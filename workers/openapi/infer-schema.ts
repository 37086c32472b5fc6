// A JSON Schema from an example of what it shall describe: the types of what is there, and no more.
import { isObject } from './json-value.ts'

// An example is written by hand.
const MAX_DEPTH = 32

/**
 * The schema of values like the sample. A list's items are described by all that are in it; members
 * are required of the outermost object only, as an example shows what can be and not what must.
 */
export function inferSchema(sample: unknown, depth = 0): Record<string, unknown> {
  if (sample === null || depth > MAX_DEPTH) return {}
  if (Array.isArray(sample)) {
    const items = unite(sample.map((item) => inferSchema(item, depth + 1)))
    return { type: 'array', ...(items === undefined ? {} : { items }) }
  }
  if (isObject(sample)) {
    const properties = Object.fromEntries(
      Object.entries(sample).map(([name, value]) => [name, inferSchema(value, depth + 1)]),
    )
    return {
      type: 'object',
      properties,
      ...(depth === 0 ? { required: Object.keys(sample) } : {}),
    }
  }
  if (typeof sample === 'number') return { type: Number.isInteger(sample) ? 'integer' : 'number' }
  return { type: typeof sample }
}

/** What fits them all: their one schema, or any of the different ones. */
function unite(schemas: readonly Record<string, unknown>[]): unknown {
  const different = new Map(schemas.map((schema) => [JSON.stringify(schema), schema]))
  const numbers = [...different.values()].map((schema) => schema['type'])
  if (numbers.length > 0 && numbers.every((type) => type === 'integer' || type === 'number')) {
    return { type: numbers.includes('number') ? 'number' : 'integer' }
  }
  if (different.size <= 1) return [...different.values()][0]
  return { anyOf: [...different.values()] }
}

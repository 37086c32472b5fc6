// Makes the schemas of one tool self-contained. A named schema that is used once, or is small, goes
// where it is used, because many clients and models read `$ref` badly; what is shared or recursive
// goes to `$defs`. One that is too large is cut at the depth where it fits.
import { breakCircles } from './break-circle.ts'
import { CHARACTERS_PER_STEP, type Spend } from './budget.ts'
import { cleanSchema } from './clean-schema.ts'
import { isObject, type JsonObject } from './json-value.ts'
import { mapSubschemas } from './subschema.ts'

/** Subschemas of one tool after bundling. */
export const MAX_SUBSCHEMAS = 2_000

/** Levels of subschemas, references followed. */
export const MAX_SCHEMA_DEPTH = 64

// A named schema up to this length is repeated at each use: shorter than most references with the
// description around them.
const SMALL_SCHEMA_CHARACTERS = 512

const DEFS_PREFIX = '#/$defs/'
const ANNOTATIONS = ['title', 'description', 'default', 'deprecated']

/** Self-contained schemas in the order of the roots, with what they share. */
export interface Bundle {
  readonly schemas: readonly unknown[]
  /** Values of `$defs` by name, in the order of their first use. */
  readonly defs: Readonly<Record<string, unknown>>
  readonly subschemaCount: number
  /** True where something below `maxDepth` was replaced by `{}`. */
  readonly wasCut: boolean
}

/**
 * Bundles the roots, each at depth 1, or returns undefined where they have more than
 * {@link MAX_SUBSCHEMAS}. `report` is called with a flaw and the name of the schema that has it, or
 * undefined for a root.
 */
export function bundleSchemas(
  roots: readonly unknown[],
  named: JsonObject,
  maxDepth: number,
  spend: Spend,
  report: (problem: string, owner: string | undefined) => void,
): Bundle | undefined {
  const uses = new Map<string, number>()
  // Names by the depth of their shallowest use: shallow ones first, so that a cut takes deep ones.
  const waiting: string[][] = []
  const defs: Map<string, unknown> = new Map()
  let subschemaCount = 0
  let wasCut = false
  let owner: string | undefined
  const context = {
    named,
    spend,
    enter(depth: number) {
      spend(1)
      if (depth > maxDepth) wasCut = true
      else subschemaCount += 1
      return depth <= maxDepth && subschemaCount <= MAX_SUBSCHEMAS
    },
    refer(name: string, depth: number) {
      uses.set(name, (uses.get(name) ?? 0) + 1)
      const level = waiting[depth] ?? (waiting[depth] = [])
      level.push(name)
      return DEFS_PREFIX + name
    },
    report(problem: string) {
      report(problem, owner)
    },
  }
  const schemas = roots.map((root) => cleanSchema(root, 1, context))
  for (let depth = 1; depth < waiting.length && subschemaCount <= MAX_SUBSCHEMAS; depth += 1) {
    // The level grows while it is read: a schema that is only a reference adds to its own level.
    const level = waiting[depth] ?? []
    for (let index = 0; index < level.length; index += 1) {
      const name = level[index]
      if (name === undefined || defs.has(name)) continue
      owner = name
      // Reserved before the walk, so that `$defs` is in the order of use.
      defs.set(name, {})
      defs.set(name, cleanSchema(named[name], depth, context))
    }
  }
  if (subschemaCount > MAX_SUBSCHEMAS) return undefined
  for (const name of breakCircles(defs, DEFS_PREFIX)) {
    report('dropped a reference that leads back to itself', name)
  }
  return { ...inlineDefs(schemas, defs, uses, spend), subschemaCount, wasCut }
}

function inlineDefs(
  schemas: readonly unknown[],
  defs: ReadonlyMap<string, unknown>,
  uses: ReadonlyMap<string, number>,
  spend: Spend,
): Pick<Bundle, 'schemas' | 'defs'> {
  // A circle that a root reaches has a member that is used twice: by the way in and by the circle.
  const inlined = new Set(
    [...defs.keys()].filter((name) => uses.get(name) === 1 || isSmall(defs.get(name), spend)),
  )
  const inline = (schema: unknown): unknown => {
    if (!isObject(schema)) return schema
    const { $ref: reference, ...rest } = schema
    const copy = { ...rest, ...mapSubschemas(schema, inline) }
    if (typeof reference !== 'string') return copy
    const name = reference.slice(DEFS_PREFIX.length)
    if (!inlined.has(name)) return { $ref: reference, ...copy }
    return join(inline(defs.get(name)), copy)
  }
  const kept: Record<string, unknown> = {}
  for (const [name, schema] of defs) if (!inlined.has(name)) kept[name] = inline(schema)
  return { schemas: schemas.map(inline), defs: kept }
}

function isSmall(schema: unknown, spend: Spend): boolean {
  if (!isObject(schema)) return true
  const hasParts = Object.keys(mapSubschemas(schema, () => true)).length > 0
  if (hasParts || schema['$ref'] !== undefined) return false
  const { length } = JSON.stringify(schema)
  spend(length / CHARACTERS_PER_STEP)
  return length <= SMALL_SCHEMA_CHARACTERS
}

function join(target: unknown, siblings: JsonObject): unknown {
  const keys = Object.keys(siblings)
  if (keys.length === 0) return target
  if (!isObject(target)) return target === true ? siblings : target
  if (keys.every((key) => ANNOTATIONS.includes(key))) return { ...target, ...siblings }
  return { allOf: [target], ...siblings }
}

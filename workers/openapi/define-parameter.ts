// Parameters of an upgraded operation as a tool's: names for their arguments, and the style that
// OpenAPI gives them by default.
import type { ToolParameter } from '../definition.ts'
import { isObject, own, ownString, type JsonObject } from './json-value.ts'
import { chooseMediaType } from './define-body.ts'
import { makeUnique, MAX_NAME_CHARACTERS, toArgumentName, type TakenNames } from './name.ts'

/** A tool's parameter and the OpenAPI 3.1 schema of its argument, not yet clean. */
export interface DefinedParameter {
  readonly parameter: ToolParameter
  readonly schema: unknown
  readonly isRequired: boolean
}

type Location = ToolParameter['in']
type Style = ToolParameter['style']

// OpenAPI 3.1, "Style Values"; the first of each is the default of its location.
const STYLES: Readonly<Record<Location, readonly [Style, ...Style[]]>> = {
  path: ['simple', 'label', 'matrix'],
  query: ['form', 'spaceDelimited', 'pipeDelimited', 'deepObject'],
  header: ['simple'],
  cookie: ['form'],
}

/** Of two parameters with one name, the one whose location comes first here keeps the name. */
const LOCATIONS = ['path', 'query', 'header', 'cookie'] as const

/**
 * The parameters in the document's order, then a required string for each slot of the path that
 * none of them fills. A path parameter without a slot is left out. `takenNames` receives the names
 * of the arguments.
 */
export function defineParameters(
  list: unknown,
  path: string,
  takenNames: TakenNames,
): readonly DefinedParameter[] {
  const slots = [...new Set(Array.from(path.matchAll(/\{([^{}]+)\}/g), ([, name]) => name ?? ''))]
  const declared = (Array.isArray(list) ? (list as readonly unknown[]) : []).filter(isObject)
  const fitting = declared.filter(
    (parameter) => parameter['in'] !== 'path' || slots.includes(readName(parameter)),
  )
  const filled = new Set(
    fitting.filter((parameter) => parameter['in'] === 'path').map((entry) => readName(entry)),
  )
  const missing = slots
    .filter((name) => !filled.has(name))
    .map((name) => ({ name, in: 'path', schema: { type: 'string' } }))
  const all: readonly JsonObject[] = [...fitting, ...missing]
  const names = nameArguments(all, takenNames)
  return all.map((parameter) => {
    const location = readLocation(parameter)
    return {
      parameter: toParameter(parameter, names.get(parameter) ?? ''),
      schema: describe(readSchema(parameter), parameter),
      isRequired: location === 'path' || own(parameter, 'required') === true,
    }
  })
}

function nameArguments(
  parameters: readonly JsonObject[],
  taken: TakenNames,
): ReadonlyMap<JsonObject, string> {
  const ranked = LOCATIONS.flatMap((location) =>
    parameters.filter((parameter) => readLocation(parameter) === location),
  )
  const names = new Map<JsonObject, string>()
  const claim = (isRight: (wanted: string, parameter: JsonObject) => boolean) => {
    for (const parameter of ranked) {
      const wanted = toArgumentName(readName(parameter))
      if (names.has(parameter) || taken.has(wanted) || !isRight(wanted, parameter)) continue
      taken.set(wanted, 1)
      names.set(parameter, wanted)
    }
  }
  // Names that stay as they are go first: `DateCreated<` must not take the name of another.
  claim((wanted, parameter) => wanted === readName(parameter))
  claim(() => true)
  for (const parameter of ranked) {
    if (names.has(parameter)) continue
    const wanted = toArgumentName(readName(parameter))
    const suffixed = `${wanted.slice(0, MAX_NAME_CHARACTERS - 8)}_${readLocation(parameter)}`
    names.set(parameter, makeUnique(suffixed, MAX_NAME_CHARACTERS, taken))
  }
  return names
}

function toParameter(parameter: JsonObject, argument: string): ToolParameter {
  const location = readLocation(parameter)
  const styles = STYLES[location]
  const style = styles.find((known) => known === own(parameter, 'style')) ?? styles[0]
  const explode = own(parameter, 'explode')
  const content = own(parameter, 'content')
  const isJson = isObject(content) && chooseMediaType(content)?.encoding === 'json'
  return {
    argument,
    name: readName(parameter),
    in: location,
    style,
    // OpenAPI 3.1: "When style is form, the default value is true. For all other styles, false."
    explode: typeof explode === 'boolean' ? explode : style === 'form',
    ...(isJson ? { isJson } : {}),
    ...(location === 'query' && own(parameter, 'allowReserved') === true
      ? { allowReserved: true }
      : {}),
  }
}

function readSchema(parameter: JsonObject): unknown {
  const content = own(parameter, 'content')
  if (!isObject(content)) return own(parameter, 'schema')
  const choice = chooseMediaType(content)
  return choice?.encoding === 'json' ? choice.schema : { type: 'string' }
}

/** The schema with the parameter's own description and deprecation on top. */
function describe(schema: unknown, parameter: JsonObject): unknown {
  const description = ownString(parameter, 'description')
  return {
    ...(isObject(schema) ? schema : {}),
    ...(description === undefined || description === '' ? {} : { description }),
    ...(own(parameter, 'deprecated') === true ? { deprecated: true } : {}),
  }
}

function readName(parameter: JsonObject): string {
  return ownString(parameter, 'name') ?? ''
}

function readLocation(parameter: JsonObject): Location {
  return LOCATIONS.find((location) => location === own(parameter, 'in')) ?? 'query'
}

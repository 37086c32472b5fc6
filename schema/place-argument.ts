// Where the arguments of a tool made by hand go: where its author says, else to the slots of its path,
// and else to the query or the body, as the method suggests.
import type { HttpMethod, ToolParameter } from '../workers/definition.ts'
import type { Target } from './read-path.ts'
import { invalid, quote, type InputPath } from './validate.ts'

/** What the author says of one argument. */
export interface PlacedArgument {
  readonly argument: string
  readonly in: 'PATH' | 'QUERY' | 'HEADER' | 'COOKIE' | 'BODY'
  /** On the wire; default: the argument's own. */
  readonly name?: string | null | undefined
}

/** Where all of them go. */
export interface Placement {
  readonly parameters: readonly ToolParameter[]
  /** Of the JSON body; undefined where there is no body. */
  readonly members: readonly string[] | undefined
}

interface Arguments {
  readonly method: HttpMethod
  readonly names: readonly string[]
  readonly target: Target
  readonly given: readonly PlacedArgument[]
}

const BODY_METHODS: readonly HttpMethod[] = ['POST', 'PUT', 'PATCH']
const BODYLESS_METHODS: readonly HttpMethod[] = ['GET', 'HEAD']

/**
 * The place of every argument.
 *
 * @throws {InvalidError} INVALID when a slot has no argument, or an argument no place or two
 */
export function placeArguments(path: InputPath, input: Arguments): Placement {
  const { method, names, target, given } = input
  checkGiven([...path, 'parameters'], input)
  const slotNames = [...target.slots, ...Object.values(target.querySlots)]
  const missing = slotNames.find((slot) => !names.includes(slot))
  if (missing !== undefined) {
    throw invalid(
      [...path, 'path'],
      `has the slot {${missing}}, and the arguments have nothing of that name`,
    )
  }
  const members: string[] = []
  const parameters: ToolParameter[] = []
  for (const name of names) {
    if (target.slots.includes(name)) parameters.push(toParameter(name, 'path', name))
    for (const [key, slot] of Object.entries(target.querySlots)) {
      if (slot === name) parameters.push(toParameter(name, 'query', key))
    }
    if (slotNames.includes(name)) continue
    const said = given.find(({ argument }) => argument === name)
    const fallback = BODY_METHODS.includes(method) ? 'BODY' : 'QUERY'
    const place = said?.in ?? fallback
    if (place === 'BODY') members.push(name)
    else parameters.push(toParameter(name, LOCATIONS[place], said?.name ?? name))
  }
  const hasBody = members.length > 0 || (BODY_METHODS.includes(method) && names.length === 0)
  return { parameters, members: hasBody ? members : undefined }
}

const LOCATIONS = { PATH: 'path', QUERY: 'query', HEADER: 'header', COOKIE: 'cookie' } as const

function checkGiven(path: InputPath, { method, names, target, given }: Arguments): void {
  const seen = new Set<string>()
  for (const [index, { argument, in: place, name }] of given.entries()) {
    const here = [...path, String(index)]
    if (!names.includes(argument) || seen.has(argument)) {
      throw invalid(
        [...here, 'argument'],
        `is ${quote(argument)}; expected the name of an argument that has no place yet`,
      )
    }
    seen.add(argument)
    const isSlot = target.slots.includes(argument)
    if (isSlot !== (place === 'PATH')) {
      const expected = isSlot ? 'PATH, as the path has its slot' : 'a path with its slot'
      throw invalid([...here, 'in'], `is ${place}; expected ${expected}`)
    }
    if (place === 'BODY' && BODYLESS_METHODS.includes(method)) {
      throw invalid([...here, 'in'], `is BODY, which a ${method} request does not have`)
    }
    if (typeof name !== 'string' || place === 'QUERY') continue
    const isToken = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,128}$/.test(name)
    if (place === 'BODY' || place === 'PATH' || !isToken) {
      throw invalid(
        [...here, 'name'],
        `is ${quote(name)}; expected a header's or a cookie's name, and none for ${place}`,
      )
    }
  }
}

/** With the style that OpenAPI has for the place by default. */
function toParameter(argument: string, place: ToolParameter['in'], name: string): ToolParameter {
  const isForm = place === 'query' || place === 'cookie'
  return { argument, name, in: place, style: isForm ? 'form' : 'simple', explode: isForm }
}

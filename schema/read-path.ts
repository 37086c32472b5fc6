// The path that a tool's author writes: a template with `{argument}` slots, variables, and a query that
// is partly fixed and partly slots.
import { findMalformedReference } from '../workers/call/variable.ts'
import { checkReferences } from './validate-url.ts'
import { invalid, quote, type InputPath } from './validate.ts'

/** What a path says of a request. */
export interface Target {
  /** Without the query. */
  readonly path: string
  /** Arguments that stand in the path. */
  readonly slots: readonly string[]
  /** Fixed parameters of the query. */
  readonly query: Readonly<Record<string, string>>
  /** Parameters of the query that an argument fills, by their names. */
  readonly querySlots: Readonly<Record<string, string>>
}

const MAX_PATH_CHARACTERS = 2_048

const SLOT = /(?<!\$)\{([^{}]*)\}/g

/**
 * The parts of the path.
 *
 * @throws {InvalidError} INVALID when it is no path below a base URL
 */
export function readPath(where: InputPath, text: string): Target {
  if (text.length > MAX_PATH_CHARACTERS) {
    throw invalid(where, `has ${text.length} characters, the limit is ${MAX_PATH_CHARACTERS}`)
  }
  checkReferences(where, text)
  const [path = '', query, ...rest] = text.split('?')
  const isOdd = /[\s\p{Cc}\p{Cs}\\#]/u.test(text) || rest.length > 0
  if (!path.startsWith('/') || path.startsWith('//') || isOdd) {
    throw invalid(
      where,
      `is ${quote(text)}; expected a path below the base URL without spaces, such as "/pets/{petId}?limit=10"`,
    )
  }
  if (
    decode(where, path)
      .split('/')
      .some((segment) => segment === '.' || segment === '..')
  ) {
    throw invalid(where, `is ${quote(text)}; expected no "." and ".." segments`)
  }
  const slots = [...new Set(Array.from(path.matchAll(SLOT), ([, name]) => name ?? ''))]
  const bare = path.replaceAll(SLOT, '').replaceAll(/\$\{\w+\}/g, '')
  if (/[{}]/.test(bare) || slots.includes('')) {
    throw invalid(where, `is ${quote(text)}; expected slots like {petId}, each closed and named`)
  }
  return { path, slots, ...readQuery(where, query ?? '') }
}

function readQuery(where: InputPath, text: string): Pick<Target, 'query' | 'querySlots'> {
  const query = new Map<string, string>()
  const querySlots = new Map<string, string>()
  for (const pair of text.split('&').filter((part) => part !== '')) {
    const [key = '', ...values] = pair.split('=')
    const name = decode(where, key)
    const value = values.join('=')
    if (name === '' || query.has(name) || querySlots.has(name)) {
      throw invalid(where, `has the query parameter ${quote(name)} empty or twice`)
    }
    const slot = /^\{([^{}]+)\}$/.exec(value)?.[1]
    if (slot !== undefined) querySlots.set(name, slot)
    else if (/[{}]/.test(value.replaceAll(/\$\{\w+\}/g, ''))) {
      throw invalid(
        where,
        `has ${quote(pair)} in its query; expected a fixed value, or one slot and nothing else`,
      )
    } else query.set(name, decode(where, value))
  }
  return { query: Object.fromEntries(query), querySlots: Object.fromEntries(querySlots) }
}

function decode(where: InputPath, text: string): string {
  try {
    const decoded = decodeURIComponent(text)
    if (findMalformedReference(decoded) === undefined) return decoded
  } catch {
    // Told below, in the same words.
  }
  throw invalid(where, `has ${quote(text)}, which is not percent-encoded as a URL is`)
}

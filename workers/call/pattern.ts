// Patterns of tenants' schemas, matched in linear time: `RegExp` backtracks, and `^(a+)+$` against
// forty letters would hold a thread and every call in it.
import { RE2JS } from 're2js'
import type { RegExpEngine } from 'ajv/dist/types/index.js'

/** A pattern longer than this describes a grammar; the longest in GitHub's API has 109 characters. */
const MAX_PATTERN_LENGTH = 4_096

/** Instructions times characters. The slowest pattern tried took 26 ms for as many. */
const MAX_STEPS = 10_000_000

/**
 * Ajv's regular expressions. A pattern that the engine does not know (look-around, back references)
 * or that would take too long matches everything: the upstream is the judge of what it accepts.
 */
export const linearRegExp: RegExpEngine = Object.assign(
  (pattern: string) => {
    const engine = compile(pattern)
    return {
      test: (text: string) =>
        engine === undefined || text.length * engine.size > MAX_STEPS || engine.regexp.test(text),
      // Ajv shares one expression among patterns that print alike.
      toString: () => pattern,
    }
  },
  // Only Ajv's standalone code, which is not used here, would print this.
  { code: 'linearRegExp' },
)

function compile(pattern: string): { regexp: RE2JS; size: number } | undefined {
  if (pattern.length > MAX_PATTERN_LENGTH) return undefined
  try {
    const regexp = RE2JS.compile(RE2JS.translateRegExp(pattern))
    return { regexp, size: regexp.programSize() }
  } catch {
    return undefined
  }
}

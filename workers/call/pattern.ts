// Patterns of tenants' schemas, matched in linear time: `RegExp` backtracks, and `^(a+)+$` against
// forty letters would hold a thread and every call in it.
import { RE2JS } from 're2js'
import type { RegExpEngine } from 'ajv/dist/types/index.js'
import type { CheckBudget } from './check-budget.ts'

/** A pattern longer than this describes a grammar; the longest in GitHub's API has 109 characters. */
const MAX_PATTERN_LENGTH = 4_096

/**
 * Ajv's regular expressions. A pattern that the engine does not know (look-around, back references)
 * or that the check has no steps left for matches everything: the upstream is the judge of what it
 * accepts. To refuse instead would refuse 2,000 UUIDs, whose 15 ms are counted as the 290 ms that
 * the slowest pattern of that size could take.
 */
export function createRegExpEngine(budget: CheckBudget): RegExpEngine {
  return Object.assign(
    (pattern: string) => {
      const engine = compile(pattern)
      return {
        test: (text: string) =>
          engine === undefined ||
          !budget.spendOnPattern(engine.size, text.length) ||
          engine.regexp.test(text),
        // Ajv shares one expression among patterns that print alike.
        toString: () => pattern,
      }
    },
    // Only Ajv's standalone code, which is not used here, would print this.
    { code: 'createRegExpEngine' },
  )
}

function compile(pattern: string): { regexp: RE2JS; size: number } | undefined {
  if (pattern.length > MAX_PATTERN_LENGTH) return undefined
  try {
    const regexp = RE2JS.compile(RE2JS.translateRegExp(pattern))
    return { regexp, size: regexp.programSize() }
  } catch {
    return undefined
  }
}

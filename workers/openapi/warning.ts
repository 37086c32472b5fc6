// Collects what an import left out or simplified. Bounded and without repetition, because a shared
// schema has the same flaw in every operation that uses it.
import { cleanLine } from './clean-text.ts'

/** Sentences that an outcome carries at most; the last one counts the rest. */
export const MAX_WARNINGS = 100

const MAX_WARNING_CHARACTERS = 600
// Bounds the memory of the set that finds repetitions.
const MAX_KNOWN = 10_000

/** The sentences about what an import left out, without repetition. */
export interface Warnings {
  /** Adds a sentence, once. */
  add(sentence: string): void
  /** At most {@link MAX_WARNINGS} sentences in the order of their first occurrence. */
  list(): readonly string[]
}

/** An empty collection. */
export function createWarnings(): Warnings {
  const known = new Set<string>()
  return {
    add(sentence) {
      if (known.size < MAX_KNOWN) known.add(cleanLine(sentence, MAX_WARNING_CHARACTERS))
    },
    list() {
      const all = [...known]
      if (all.length <= MAX_WARNINGS) return all
      const shown = all.slice(0, MAX_WARNINGS - 1)
      return [...shown, `${all.length - shown.length} more warnings are not shown`]
    },
  }
}

// Bounds the work of one import. A small document can name a large schema in thousands of places,
// so that its size says little about what it costs; steps are counted instead of seconds, so that
// the answer is the same on every machine.
import { ImportError } from './import-error.ts'

/** Steps of one import, about a microsecond each; GitHub's document takes 25,000. */
export const MAX_STEPS = 2_000_000

/** Characters of JSON that are printed in about the time of one step. */
export const CHARACTERS_PER_STEP = 100

/**
 * Takes steps from the budget.
 *
 * @throws {ImportError} DOCUMENT_TOO_LARGE when it is used up
 */
export type Spend = (steps: number) => void

/** A fresh budget of {@link MAX_STEPS}. */
export function createBudget(): Spend {
  let left = MAX_STEPS
  return (steps) => {
    left -= steps
    if (left >= 0) return
    throw new ImportError(
      'DOCUMENT_TOO_LARGE',
      'The document takes too much work to import: expected fewer operations or smaller schemas',
    )
  }
}

// What nested arguments grow to when every leaf repeats the path to it: a few megabytes of JSON
// could become gigabytes of a query or a form.
import { ArgumentsError } from './error.ts'

// Four times the largest request: paths of honest arguments add a fraction of that.
const MAX_PRINTED_CHARACTERS = 16 * 1024 * 1024

/** Counts what is about to be printed. */
export type SpendCharacters = (count: number) => void

/**
 * A budget for one query or form.
 *
 * The function throws ArgumentsError ARGUMENTS_INVALID when it is spent.
 */
export function createPrintBudget(): SpendCharacters {
  let left = MAX_PRINTED_CHARACTERS
  return (count) => {
    left -= count
    if (left >= 0) return
    throw new ArgumentsError(
      `Invalid arguments: written out they take more than ${MAX_PRINTED_CHARACTERS} characters; expected shorter names or less nesting`,
    )
  }
}

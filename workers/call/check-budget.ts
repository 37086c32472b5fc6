// What one check of arguments may cost. Schemas and arguments are both tenants', and a check runs
// without a pause on a thread that serves everybody: neither's size alone bounds their product, so
// the work itself is counted while it is done.
import { ArgumentsError } from './error.ts'

/**
 * Steps of one check: a value meets a subschema, or a loop turns. The slowest kind (a branch of
 * `anyOf` that fails and describes its error) took 0.35 to 0.5 µs: about 200 ms in all.
 */
const MAX_STEPS = 500_000

/**
 * Steps of all patterns of one check: instructions times characters. The slowest pattern tried
 * (`[ab]*a[ab]{100}c`) took 0.1 µs for each: at most about 100 ms.
 */
const MAX_PATTERN_STEPS = 1_000_000

/** A test of the emptiest text took 5 µs, as long as 50 steps of the slowest pattern. */
const MIN_PATTERN_STEPS = 50

// Other work, by how much of it counts as a step.
const CHARACTERS_PER_STEP = 100
// Node lists 200,000 keys in 85 ms: the worst check found, of nothing but lists, took 430 ms.
const KEYS_PER_STEP = 2
const COMPARISONS_PER_STEP = 4
const ERRORS_PER_STEP = 100

/** The counters of one compiled check. Its methods are called by Ajv's generated code. */
export class CheckBudget {
  #stepsLeft = 0
  #patternStepsLeft = 0
  #args: unknown

  /** Begins a check of these arguments with full counters. */
  start(args: unknown): void {
    this.#stepsLeft = MAX_STEPS
    this.#patternStepsLeft = MAX_PATTERN_STEPS
    this.#args = args
  }

  /** Forgets the arguments. */
  end(): void {
    this.#args = undefined
  }

  /** @throws {ArgumentsError} ARGUMENTS_INVALID when no step is left; so do all methods below. */
  step(count = 1): void {
    this.#stepsLeft -= count
    if (this.#stepsLeft < 0) throw new ArgumentsError(describeSize(this.#args))
  }

  /** Counts the reading of a text. */
  read(characters: number): void {
    this.step(characters / CHARACTERS_PER_STEP)
  }

  /** Counts the comparison of two values, without what is inside them. */
  compare(): void {
    this.step(1 / COMPARISONS_PER_STEP)
  }

  /** `Object.keys`, counted. */
  listKeys(value: object): string[] {
    const keys = Object.keys(value)
    this.step(keys.length / KEYS_PER_STEP)
    return keys
  }

  /** `Object.assign`, counted. */
  assign(target: object, source: object): object {
    this.step(Object.keys(source).length / KEYS_PER_STEP)
    return Object.assign(target, source)
  }

  /** `concat`, counted: each branch that fails copies the errors of those before it. */
  concat(errors: readonly unknown[], more: readonly unknown[]): unknown[] {
    this.step((errors.length + more.length) / ERRORS_PER_STEP)
    return errors.concat(more)
  }

  /** A member's name as a part of a JSON pointer, counted. */
  escapePointer(name: string): string {
    this.read(name.length)
    return name.replaceAll('~', '~0').replaceAll('/', '~1')
  }

  /**
   * True when a pattern of this size may be tried on a text of this length; its steps are then
   * spent. False leaves the others their steps.
   */
  spendOnPattern(size: number, characters: number): boolean {
    const steps = Math.max(MIN_PATTERN_STEPS, size * characters)
    if (steps > this.#patternStepsLeft) return false
    this.#patternStepsLeft -= steps
    return true
  }
}

function describeSize(args: unknown): string {
  const { values, characters } = measure(args)
  return (
    "Invalid arguments: they are too large to check against this tool's schema: " +
    `${values} values and ${characters} characters take more than ${MAX_STEPS} steps; ` +
    'expected fewer or shorter ones'
  )
}

/** Counts without recursion, because arguments nest as deeply as JSON does. */
function measure(args: unknown): { values: number; characters: number } {
  const waiting: unknown[] = [args]
  let values = 0
  let characters = 0
  while (waiting.length > 0) {
    const value = waiting.pop()
    values += 1
    if (typeof value === 'string') characters += value.length
    else if (typeof value === 'object' && value !== null) {
      for (const member of Object.values(value)) waiting.push(member)
    }
  }
  return { values, characters }
}

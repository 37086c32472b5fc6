// The failure that a model can mend.

/** The arguments cannot become a request. `message` says what is wrong, where, and what is expected. */
export class ArgumentsError extends Error {
  override readonly name = 'ArgumentsError'
  readonly code = 'ARGUMENTS_INVALID'
}

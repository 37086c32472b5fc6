// The failures of a call that are nobody's network: a model can mend its arguments, an owner the
// variables.
import type { InterceptorFailure } from '../messages.ts'

/** The arguments cannot become a request. `message` says what is wrong, where, and what is expected. */
export class ArgumentsError extends Error {
  override readonly name = 'ArgumentsError'
  readonly code = 'ARGUMENTS_INVALID'
}

/** An interceptor ended the call. `message` names it, its limit and its line. */
export class InterceptorError extends Error {
  override readonly name = 'InterceptorError'
  readonly code: InterceptorFailure | 'CANCELLED'
  constructor(code: InterceptorError['code'], message: string) {
    super(message)
    this.code = code
  }
}

/** A `${NAME}` cannot be filled. `message` names the variable and never its value. */
export class VariableError extends Error {
  override readonly name = 'VariableError'
  readonly code: 'VARIABLE_MISSING' | 'VARIABLE_REFUSED'
  constructor(code: VariableError['code'], message: string) {
    super(message)
    this.code = code
  }
}

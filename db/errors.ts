// What the database refuses, as classes a caller branches on. Messages are for the client: they
// never hold SQL, a column's bytes or the database's address; what the driver said is the `cause`.

/** The row does not exist, or belongs to another account: the two look alike on purpose. */
export class NotFoundError extends Error {
  override readonly name = 'NotFoundError'
  readonly code = 'NOT_FOUND'
}

/** Another row has what must be unique, or the row is no longer what the caller took it for. */
export class ConflictError extends Error {
  override readonly name = 'ConflictError'
  readonly code = 'CONFLICT'
  /** Of the row that was to be changed; undefined where the conflict is about something else. */
  readonly currentVersion: number | undefined

  constructor(
    message: string,
    options?: ErrorOptions & { readonly currentVersion?: number | undefined },
  ) {
    super(message, options)
    this.currentVersion = options?.currentVersion
  }
}

/** A value is outside of its domain. */
export class InvalidError extends Error {
  override readonly name = 'InvalidError'
  readonly code = 'INVALID'
  /** The input field, `['baseUrl']`; empty where it is not known. */
  readonly path: readonly string[]

  constructor(message: string, path: readonly string[], options?: ErrorOptions) {
    super(message, options)
    this.path = path
  }
}

/** The database cannot be reached now: nothing is known to be wrong with the request. */
export class UnavailableError extends Error {
  override readonly name = 'UnavailableError'
  readonly code = 'UNAVAILABLE'
}

/** Whoever asked has no more time or is gone: what was begun is rolled back. */
export class StoppedError extends Error {
  override readonly name = 'StoppedError'
  readonly code = 'TIMEOUT'
}

/** The process must not start; the message says what to change. */
export class StartError extends Error {
  override readonly name = 'StartError'
  readonly code = 'START_REFUSED'
}

/** The CONFLICT of a change that is meant for another version of the row than the present one. */
export function toVersionError(
  noun: string,
  { id, version }: { readonly id: string; readonly version: number },
  expected: number | undefined,
): ConflictError {
  return new ConflictError(
    `The ${noun} ${id} has version ${version}, expected ${expected}: it was changed since it was read`,
    { currentVersion: version },
  )
}

// The one error of this folder. Its messages name the origin that was asked for and nothing that
// was learnt on the way there (addresses, closed ports): whoever chooses URLs must not be able to
// map a network with them.

/** Why a request has no response. A subset of `CallFailure` in `workers/messages.ts`. */
export type EgressFailure =
  | 'EGRESS_DENIED'
  | 'UPSTREAM_UNREACHABLE'
  | 'UPSTREAM_TIMEOUT'
  | 'UPSTREAM_INVALID'
  | 'RESPONSE_TOO_LARGE'
  | 'CANCELLED'

/** A request that has no response. `message` may be shown to a client, `cause` is for a log. */
export class EgressError extends Error {
  override readonly name = 'EgressError'
  readonly code: EgressFailure

  constructor(code: EgressFailure, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
  }
}

/** What every failure to connect says, whether the port is closed, filtered or not there at all. */
export function createUnreachableError(origin: string, cause?: unknown): EgressError {
  return new EgressError('UPSTREAM_UNREACHABLE', `Cannot reach ${origin}`, cause)
}

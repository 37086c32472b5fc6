// The signal that ends the database's work for one request. It travels with the asynchronous
// context and not as a parameter: between `withAccount` and the pool stands Kysely, which hands
// nothing down, and what nobody passes on nobody can forget to.
import { AsyncLocalStorage } from 'node:async_hooks'

import { StoppedError } from './errors.ts'

const signals = new AsyncLocalStorage<AbortSignal | undefined>()

/**
 * What `work` returns. Once `signal` is aborted, its statements are broken off, its transactions
 * rolled back and new ones refused, with StoppedError; a commit that has begun ends as it ends.
 */
export function runUnder<T>(signal: AbortSignal, work: () => T): T {
  return signals.run(signal, work)
}

/** What `work` returns, which is somebody else's too: no signal of the caller's ends it. */
export function runDetached<T>(work: () => T): T {
  return signals.run(undefined, work)
}

/** The signal that the caller runs under, if any. */
export function currentSignal(): AbortSignal | undefined {
  return signals.getStore()
}

/**
 * Refuses to go on under an aborted signal.
 * @throws {StoppedError} TIMEOUT when it is
 */
export function refuseAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw toStoppedError(signal)
}

/** A new error each time: Kysely writes its own stack into those that pass through it. */
export function toStoppedError(signal: AbortSignal): StoppedError {
  return new StoppedError('The work was stopped', { cause: signal.reason })
}

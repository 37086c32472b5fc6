// What a caller of the pool branches on; everything else that goes wrong is an outcome.

/** Every place and every place in the line is taken: ask again later. */
export class BusyError extends Error {
  override readonly name = 'BusyError'
  readonly code = 'BUSY'
}

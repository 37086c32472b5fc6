// A request whose client went away while sending it. Only the body's stream can tell, and by the
// time its error reaches a route's end it looks like a failure of our own: it gets its name here.

// Not registered; nginx's "client closed request". Nobody receives it: it is for the log.
const CLIENT_CLOSED_STATUS = 499

/** The connection ended before the request's body did: nothing went wrong on this side. */
export class ClientGoneError extends Error {
  override readonly name = 'ClientGoneError'
  readonly code = 'CLIENT_GONE'
}

/**
 * The request's body as it arrives; nothing where there is none.
 *
 * @throws {ClientGoneError} CLIENT_GONE when the connection ends before the body
 */
export async function* readChunks(request: Request): AsyncGenerator<Uint8Array, void> {
  let isEmpty = true
  try {
    // What the consumer throws does not pass through here: it ends the loop at `yield`.
    for await (const chunk of request.body ?? []) {
      isEmpty = false
      yield chunk
    }
  } catch (error) {
    throw new ClientGoneError('The connection ended in the middle of the body', { cause: error })
  }
  // A connection that is lost before the first read looks like an empty body.
  if (isEmpty && request.signal.aborted) {
    throw new ClientGoneError('The connection ended before the body')
  }
}

/** What a {@link ClientGoneError} is answered with: status 499 without a body. */
export function clientGoneResponse(): Response {
  return new Response(null, { status: CLIENT_CLOSED_STATUS })
}

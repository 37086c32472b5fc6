// Everything that crosses the border to the thread of the embedded database. Each connection has a
// MessagePort of its own, over which the bytes of PostgreSQL's protocol travel as `Uint8Array` in
// both directions; closing the port ends the connection.
import type { MessagePort } from 'node:worker_threads'

/** What the thread is started with. */
export interface EmbeddedData {
  /** Directory of the database's files; it exists. */
  readonly directory: string
}

/** To the thread. */
export type EmbeddedRequest =
  /** Opens a connection; the port is transferred. */
  | { readonly type: 'connect'; readonly port: MessagePort }
  /** Shuts the database down; the thread answers and waits to be ended. */
  | { readonly type: 'close' }

/** From the thread. */
export type EmbeddedReply =
  | { readonly type: 'ready' }
  /** The database cannot be opened; the thread ends. */
  | { readonly type: 'failed'; readonly message: string }
  | { readonly type: 'closed' }

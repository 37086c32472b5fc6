// Everything a resolver can reach. It is made once per request, so a resolver needs no imports of
// the process around it and a test can give its own.
import type { Database } from '../db/client.ts'
import { withAccount } from '../db/transaction.ts'
import type { Tx } from '../db/transaction.ts'
import type { ImportOutcome, DocumentSource } from '../workers/messages.ts'

/** There is no viewer. */
export class UnauthenticatedError extends Error {
  override readonly name = 'UnauthenticatedError'
  readonly code = 'UNAUTHENTICATED'
  constructor() {
    super('Not signed in: send the header "Authorization: Bearer hmk_…" with a valid API key')
  }
}

/** Who asks. */
export interface Viewer {
  readonly accountId: string
  /** Undefined for the administrator's key, which is configured and in no table. */
  readonly apiKeyId: string | undefined
}

/** All that a resolver can reach. */
export interface Context {
  readonly requestId: string
  readonly db: Database
  /** Undefined where no valid credential was sent; the root types refuse that by default. */
  readonly viewer: Viewer | undefined
  /** Reads an OpenAPI document in a worker thread. Bytes are transferred: they are gone afterwards. */
  readonly importDocument: (source: DocumentSource, accountId: string) => Promise<ImportOutcome>
  /** Absolute URL of a server's MCP endpoint. */
  readonly mcpUrl: (serverId: string) => string
}

/**
 * The viewer.
 *
 * @throws {UnauthenticatedError} UNAUTHENTICATED when there is none.
 */
export function viewerOf(context: Context): Viewer {
  if (context.viewer === undefined) throw new UnauthenticatedError()
  return context.viewer
}

/**
 * What `run` returns, in one transaction that sees the viewer's account only.
 *
 * @throws {UnauthenticatedError} UNAUTHENTICATED when there is no viewer.
 */
export async function inAccount<T>(context: Context, run: (tx: Tx) => Promise<T>): Promise<T> {
  return await withAccount(context.db, viewerOf(context).accountId, run)
}

const flights = new WeakMap<Context, Map<string, Promise<unknown>>>()

/**
 * What `run` returns; callers of one request that ask for the same `key` while it is under way share
 * it. A list of a hundred tools so reads their provider once. Nothing is kept once it has settled,
 * therefore a later mutation of the same request is never hidden by an older answer.
 */
export async function inAccountOnce<T>(
  context: Context,
  key: string,
  run: (tx: Tx) => Promise<T>,
): Promise<T> {
  const mine = flights.get(context) ?? new Map<string, Promise<unknown>>()
  flights.set(context, mine)
  const running = mine.get(key)
  // The key names the query, and with it the type of what comes back.
  if (running !== undefined) return (await running) as T
  const flight = inAccount(context, run).finally(() => mine.delete(key))
  mine.set(key, flight)
  return await flight
}

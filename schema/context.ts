// Everything a resolver can reach. It is made once per request, so a resolver needs no imports of
// the process around it and a test can give its own.
import type { Database } from '../db/client.ts'
import { withAccount, withOperator } from '../db/transaction.ts'
import type { OperatorTx, Tx } from '../db/transaction.ts'
import type { Vault } from '../db/vault.ts'
import type { Sandbox } from '../workers/sandbox/supervisor.ts'
import type { CallOutcome, DocumentSource, ImportOutcome } from '../workers/messages.ts'

/** There is no viewer. */
export class UnauthenticatedError extends Error {
  override readonly name = 'UnauthenticatedError'
  readonly code = 'UNAUTHENTICATED'
  constructor() {
    super('Not signed in: send the header "Authorization: Bearer hmk_…" with a valid API key')
  }
}

/** The viewer is none who may do this. */
export class ForbiddenError extends Error {
  override readonly name = 'ForbiddenError'
  readonly code = 'FORBIDDEN'
}

/** The credential is valid, but its account is suspended. */
export class SuspendedError extends Error {
  override readonly name = 'SuspendedError'
  readonly code = 'SUSPENDED'
  constructor() {
    super(
      'This account is suspended: its keys and tokens work again once the instance administrator reactivates it',
    )
  }
}

/** Who asks. */
export interface Viewer {
  readonly accountId: string
  /** Undefined for the administrator's key, which is configured and in no table. */
  readonly apiKeyId: string | undefined
  /** May administer the accounts of the whole installation, besides all that is in its own. */
  readonly isAdministrator: boolean
}

/** A call of a tool from here. */
export interface ToolTrial {
  readonly accountId: string
  readonly toolId: string
  /** The server whose view of the tool it is; undefined: the tool by itself, enabled or not. */
  readonly serverId: string | undefined
  /** JSON text of an object. */
  readonly argumentsText: string
  /** Aborting it aborts the upstream request. */
  readonly signal: AbortSignal
}

/**
 * The work that may take longer than an operation, as it has limits of its own: those of an import
 * (fetching, reading) and of a call.
 */
export type OwnBound = 'importOpenApi' | 'callTool'

/** The outcome of a call, its `members` JSON text without the braces around it. */
export type CallResult = Extract<CallOutcome, { readonly type: 'result' }>

/** All that a resolver can reach. */
export interface Context {
  readonly requestId: string
  readonly db: Database
  /** Encrypts secrets; what resolvers read back of them is ciphertext. */
  readonly vault: Vault
  /** Undefined where no valid credential was sent; the root types refuse that by default. */
  readonly viewer: Viewer | undefined
  /** Reads an OpenAPI document in a worker thread. Bytes are transferred: they are gone afterwards. */
  readonly importDocument: (source: DocumentSource, accountId: string) => Promise<ImportOutcome>
  /** Compiles and runs scripts, and knows which of them are off. */
  readonly sandbox: Pick<Sandbox, 'run' | 'check' | 'quarantineOf'>
  /** Calls a tool as an MCP client's request would, in the same threads and with the same limits. */
  readonly callTool: (trial: ToolTrial) => Promise<CallResult>
  /** Aborted when the operation's time is up or the client is gone. The database obeys it by itself. */
  readonly signal: AbortSignal
  /** What `run` returns. Meanwhile the operation's time stands still; the client's going still counts. */
  readonly withOwnBound: <T>(name: OwnBound, run: () => Promise<T>) => Promise<T>
  /** 32 bytes that nobody but this installation can compute, the same ones for the same `purpose`. */
  readonly deriveBytes: (purpose: string) => Uint8Array
  /** Absolute URL of a server's MCP endpoint. */
  readonly mcpUrl: (serverId: string) => string
  /** Opaque text for what comes after `id` in the list of that name, as the viewer's account sees it. */
  readonly printCursor: (list: string, id: string) => string
  /** The id that the cursor names; undefined when it is none of that list and account. */
  readonly readCursor: (list: string, cursor: string) => string | undefined
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

/**
 * What `run` returns, in one transaction that sees the rows of all accounts and nothing that is theirs.
 *
 * @throws {ForbiddenError} FORBIDDEN when the viewer is not the instance administrator.
 * @throws {UnauthenticatedError} UNAUTHENTICATED when there is no viewer.
 */
export async function asOperator<T>(
  context: Context,
  run: (tx: OperatorTx) => Promise<T>,
): Promise<T> {
  if (!viewerOf(context).isAdministrator) throw notAdministrator()
  return await withOperator(context.db, run)
}

/** The refusal of whoever is not the instance administrator. */
export function notAdministrator(): ForbiddenError {
  return new ForbiddenError(
    "Accounts are managed by the instance administrator: send this installation's HASMCP_ADMIN_KEY instead of an API key",
  )
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

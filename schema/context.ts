// Everything a resolver can reach. It is made once per request, so a resolver needs no imports of
// the process around it and a test can give its own.
import type { Database } from '../db/client.ts'
import type { GrantLevel, Role } from '../db/identity-tables.ts'
import type { Invitation } from '../db/invitation.ts'
import type { Session } from '../db/session.ts'
import { withAccount, withIdentity, withOperator } from '../db/transaction.ts'
import type { OperatorTx, Tx } from '../db/transaction.ts'
import type { User } from '../db/user.ts'
import type { Vault } from '../db/vault.ts'
import type { Sandbox } from '../workers/sandbox/supervisor.ts'
import type { CallOutcome, DocumentSource, ImportOutcome } from '../workers/messages.ts'
import {
  ForbiddenError,
  noAccount,
  notAdministrator,
  UnauthenticatedError,
  type SuspendedError,
} from './refusal.ts'
import type { Permission } from './role.ts'

/** Who asks. */
export interface Viewer {
  /** Undefined for a person who belongs to none, or whose account is suspended. */
  readonly accountId: string | undefined
  /** Why there is none. */
  readonly accountProblem?: SuspendedError | undefined
  /** Of the credential, in the account; undefined where there is no account. */
  readonly role: Role | undefined
  /** What the credential may do. */
  readonly permissions: ReadonlySet<Permission>
  /** Server → what the person may do with it beyond that. */
  readonly grants: ReadonlyMap<string, GrantLevel>
  /** Whether the credential has the person's grants at all. */
  readonly carriesGrants: boolean
  /** Whose credential it is; undefined for the account's own. */
  readonly userId: string | undefined
  /** Undefined for a session, and for the administrator's key, which is configured and in no table. */
  readonly apiKeyId: string | undefined
  /** Of a person who is signed in with a browser. */
  readonly session: Person | undefined
  /** May administer the accounts of the whole installation, besides all that is in its own. */
  readonly isAdministrator: boolean
}

/** Who asks, on behalf of an account. */
export interface AccountViewer extends Viewer {
  readonly accountId: string
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

/** What is done with people beyond the database: links, mail, cookies. */
export interface People {
  /** Whether every person who is signed in may make an account. */
  readonly isSignUpOpen: boolean
  /** The signed link that accepts it. */
  readonly linkInvitation: (invitation: Invitation) => Promise<string>
  /** Mails the link; false where that is not set up, or the mail server did not take it. */
  readonly mailInvitation: (
    invitation: Invitation,
    accountName: string,
    link: string,
  ) => Promise<boolean>
  /**
   * The id of the account that the link made the person a member of.
   *
   * The promise rejects with {@link ConflictError} CONFLICT where the link is none, used, too old,
   * taken back or for another address, or the person is a member already.
   */
  readonly acceptInvitation: (url: string, user: User) => Promise<string>
  /** Gives the session that account and a new secret, which the response tells the browser. */
  readonly renewSession: (sessionId: string, accountId: string) => Promise<void>
}

/** What a ticket can be for. */
export type TicketPurpose = 'SCHEMA'

/** An address that can be opened once, for a minute. */
export interface Ticket {
  readonly url: string
  readonly expiresAt: Date
}

/** All that a resolver can reach. */
export interface Context {
  readonly requestId: string
  readonly db: Database
  /** Encrypts secrets; what resolvers read back of them is ciphertext. */
  readonly vault: Vault
  /** Undefined where no valid credential was sent; every root field refuses that. */
  readonly viewer: Viewer | undefined
  /** The viewer as they are now: they may have lost a right since the request came. */
  readonly authenticateAgain: () => Promise<Viewer | undefined>
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
  /** What is done with people beyond the database. */
  readonly people: People
  /** What is signed for others to read. */
  readonly tickets: {
    readonly issue: (purpose: TicketPurpose, subject: string) => Promise<Ticket>
    /** The new key's id. */
    readonly rotate: () => Promise<string>
  }
  /** Opaque text for what comes after `id` in the list of that name, as the viewer's account sees it. */
  readonly printCursor: (list: string, id: string) => string
  /** The id that the cursor names; undefined when it is none of that list and account. */
  readonly readCursor: (list: string, cursor: string) => string | undefined
}

/**
 * The viewer.
 *
 * @throws {UnauthenticatedError} UNAUTHENTICATED when there is none.
 * @throws {ForbiddenError} FORBIDDEN when they act on behalf of no account.
 * @throws {SuspendedError} SUSPENDED when the account is suspended.
 */
export function viewerOf(context: Context): AccountViewer {
  const viewer = anyViewerOf(context)
  if (!actsForAccount(viewer)) throw viewer.accountProblem ?? noAccount()
  return viewer
}

function actsForAccount(viewer: Viewer): viewer is AccountViewer {
  return viewer.accountId !== undefined
}

/**
 * The viewer, who may belong to no account.
 *
 * @throws {UnauthenticatedError} UNAUTHENTICATED when there is none.
 */
export function anyViewerOf(context: Context): Viewer {
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
  if (!anyViewerOf(context).isAdministrator) throw notAdministrator()
  return await withOperator(context.db, run)
}

/** A person who is signed in with a browser. */
export interface Person {
  readonly user: User
  readonly session: Session
}

/**
 * The person who is signed in.
 *
 * @throws {ForbiddenError} FORBIDDEN when the viewer is an API key.
 */
export function personOf(context: Context): Person {
  const { session } = anyViewerOf(context)
  if (session !== undefined) return session
  throw new ForbiddenError('This is for people who are signed in with a browser, not for API keys')
}

/** What `run` returns, in one transaction that sees people and where they belong. */
export async function asIdentity<T>(
  context: Context,
  run: (tx: OperatorTx) => Promise<T>,
): Promise<T> {
  return await withIdentity(context.db, run)
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

// One connection to the database, embedded or a server: an instance of the driver with a single
// socket, which is ours, so that one whose server has fallen silent can be broken off.
import { connect, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'

import type { PostgresQueryResult } from 'kysely'
import postgres, { type Options, type Sql } from 'postgres'

import { readText } from './database-error.ts'

/** What to connect to. */
export interface ConnectionOptions {
  /** `postgres://…`; without it, `openSocket` decides. */
  readonly url?: string
  /** The way to the embedded database. */
  readonly openSocket?: () => Duplex
  readonly statementTimeoutMs: number
}

/** A connection, opened by its first statement and again by the first one after its loss. */
export interface Connection {
  readonly sql: Sql
  /** Of the connection that is open or being opened. */
  socket: Duplex | undefined
  /** Told when the connection is gone. */
  onLost: (() => void) | undefined
  /** The statement under way, or the last one. */
  statement: Cancellable | undefined
  /** Its server was asked to cancel: never to be used again. */
  isGivenUp: boolean
}

/** How long a server has to accept a connection and to answer its first statement. */
export const CONNECT_TIMEOUT_MS = 2_000

const KEEP_ALIVE_S = 5

/**
 * What the database or the driver reported, without the text of the query and its parameters,
 * which the driver's own errors carry, and with a stack that Kysely can extend.
 */
export class QueryError extends Error {
  override readonly name = 'QueryError'
  readonly code: string
  readonly constraint_name: string
  /** The connection is not to be used any more: whatever is not an error of the statement alone. */
  readonly isFatal: boolean

  constructor(error: unknown) {
    super(readText(error, 'message'))
    this.code = readText(error, 'code')
    this.constraint_name = readText(error, 'constraint_name')
    this.isFatal = readText(error, 'severity') !== 'ERROR'
  }
}

/** A connection that is not open yet. */
export function createConnection(options: ConnectionOptions): Connection {
  const { url, openSocket, statementTimeoutMs } = options
  const driverOptions: DriverOptions = {
    max: 1,
    fetch_types: false,
    connect_timeout: CONNECT_TIMEOUT_MS / 1000,
    idle_timeout: 0,
    max_lifetime: null,
    keep_alive: KEEP_ALIVE_S,
    // A refused connection costs less than a millisecond; whoever would wait longer than needed
    // after a restart is the caller.
    backoff: () => 0,
    onnotice: () => {},
    connection: { application_name: 'hasmcp', statement_timeout: statementTimeoutMs },
    socket: (parsed) => {
      const socket = openSocket?.() ?? openTcp(parsed)
      // After that it is the cancel request's, which lives a moment longer than the connection.
      if (!connection.isGivenUp) connection.socket = socket
      return socket
    },
    onclose: () => {
      connection.onLost?.()
    },
  }
  const connection: Connection = {
    sql: url === undefined ? postgres(driverOptions) : postgres(url, driverOptions),
    socket: undefined,
    onLost: undefined,
    statement: undefined,
    isGivenUp: false,
  }
  return connection
}

/**
 * Runs one statement.
 * @throws {Error} with the `code` and `constraint_name` of PostgreSQL or the driver
 */
export async function execute(
  connection: Connection,
  text: string,
  parameters: readonly unknown[],
): Promise<PostgresQueryResult<unknown>> {
  try {
    const statement = connection.sql.unsafe(text, [...parameters] as never[], { prepare: true })
    connection.statement = statement as Cancellable
    const result = await statement
    return {
      command: result.command as PostgresQueryResult<unknown>['command'],
      rowCount: result.count ?? 0,
      rows: [...result],
    }
  } catch (error) {
    throw new QueryError(error)
  }
}

/**
 * Asks the server to stop the statement under way, which otherwise goes on after the connection is
 * closed. The request may come late, so the connection must be closed and never be used again.
 */
export function cancelStatement(connection: Connection): void {
  connection.isGivenUp = true
  const { statement } = connection
  // `cancel()` calls the same and drops its promise, whose rejection would end the process where
  // the server is gone by now. It settles within the connect time-out.
  statement?.canceller?.(statement).catch(() => {})
}

/** A statement of the driver, whose types lack this. */
interface Cancellable {
  readonly canceller?: ((statement: unknown) => Promise<void>) | null
}

/** Ends the connection and breaks off what runs on it. */
export async function closeConnection(connection: Connection): Promise<void> {
  await connection.sql.end({ timeout: 0 })
  // The driver says goodbye and waits for the other side, which may be gone.
  connection.socket?.destroy()
}

/** The driver's options as it reads them: its types lack one of these and narrow two. */
export type DriverOptions = Omit<Options<Record<never, never>>, 'socket' | 'max_lifetime'> & {
  /** Must not throw: the driver learns of failures from the socket's events only. */
  readonly socket: (parsed: ParsedOptions) => Duplex
  readonly max_lifetime: null
  readonly onnotify?: (channel: string, payload: string) => void
}

/** What the driver makes of a URL, as far as a socket needs it. */
interface ParsedOptions {
  readonly host: readonly string[]
  readonly port: readonly number[]
  readonly path?: string | false
}

let attempts = 0

/** A socket on its way to the server; where the URL names several, to another one each time. */
export function openTcp(parsed: ParsedOptions): Socket {
  attempts += 1
  if (typeof parsed.path === 'string') return connect(parsed.path)
  const index = attempts % parsed.host.length
  const host = parsed.host[index] ?? 'localhost'
  const port = parsed.port[index] ?? 5432
  const socket = connect({ host, port, noDelay: true })
  // The driver tells TLS the name of the host by this property.
  return Object.assign(socket, { host, port })
}

// The database, embedded or a server, as one thing: the same driver, dialect and migrations. What
// differs is how bytes get there, and whether other processes can change something.
import { Kysely, PostgresDialect, sql, type PostgresPool } from 'kysely'

import { readText } from './database-error.ts'
import { openEmbedded } from './embedded.ts'
import { StartError } from './errors.ts'
import type { EventBus } from './events.ts'
import { createLocalEvents } from './local-events.ts'
import { migrate } from './migrate.ts'
import { openNotifyEvents } from './notify-events.ts'
import { createPool, type PoolOptions } from './pool.ts'
import type { Tables } from './tables.ts'

/** An open database at the schema of this code. */
export interface Database {
  readonly kind: 'embedded' | 'postgres'
  /** For the tables of no tenant; everything else goes through `transaction.ts`. */
  readonly kysely: Kysely<Tables>
  readonly events: EventBus
  /** Ends every connection, breaking off what runs; leaves no timer, thread or lock. */
  close(): Promise<void>
}

/** Where the database is and who is told about its state. */
export interface DatabaseOptions {
  /** For the embedded database; made if it does not exist. */
  readonly dataDir: string
  /** `postgres://user:password@host:port/name`. Default: the embedded database. */
  readonly databaseUrl?: string | undefined
  readonly onLog?: ((level: 'info' | 'warn', message: string) => void) | undefined
}

const STATEMENT_TIMEOUT_MS = 5_000
// One after the other, and one process waits for another's migrations.
const MIGRATION_TIMEOUT_MS = 60_000
const MAX_CONNECTIONS = 10
// The oldest version that its makers still mend at the time of the first release.
const MIN_SERVER_VERSION = 14

/**
 * Opens the database, takes `dataDir` for this process where it is embedded, and migrates it.
 * @throws {StartError} START_REFUSED when that cannot be; the message says what to change
 */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const { dataDir, databaseUrl, onLog = () => {} } = options
  return databaseUrl === undefined || databaseUrl === ''
    ? await openEmbeddedDatabase(dataDir, onLog)
    : await openServerDatabase(databaseUrl, onLog)
}

type Log = (level: 'info' | 'warn', message: string) => void

async function openEmbeddedDatabase(dataDir: string, onLog: Log): Promise<Database> {
  const embedded = await openEmbedded(dataDir, onLog)
  // One connection: the database has one backend, and two would see each other's transaction.
  const source = { openSocket: () => embedded.openSocket(), max: 1 }
  try {
    await migrateBy(source, onLog)
  } catch (error) {
    await embedded.close()
    throw error
  }
  const kysely = createKysely<Tables>({ ...source, statementTimeoutMs: STATEMENT_TIMEOUT_MS })
  const events = createLocalEvents((error) => {
    onLog('warn', `A listener of events failed: ${readText(error, 'message')}`)
  })
  return {
    kind: 'embedded',
    kysely,
    events,
    async close() {
      await events.close()
      await kysely.destroy()
      await embedded.close()
    },
  }
}

async function openServerDatabase(url: string, onLog: Log): Promise<Database> {
  const address = describe(url)
  try {
    await migrateBy({ url, max: 1 }, onLog)
    const events = await openNotifyEvents(url, onLog)
    const kysely = createKysely<Tables>({
      url,
      max: MAX_CONNECTIONS,
      statementTimeoutMs: STATEMENT_TIMEOUT_MS,
    })
    return {
      kind: 'postgres',
      kysely,
      events,
      async close() {
        await events.close()
        await kysely.destroy()
      },
    }
  } catch (error) {
    if (error instanceof StartError) throw error
    throw new StartError(`Cannot use the database ${address}: ${explain(error)}`, { cause: error })
  }
}

async function migrateBy(source: Pick<PoolOptions, 'url' | 'openSocket' | 'max'>, onLog: Log) {
  const kysely = createKysely<never>({ ...source, statementTimeoutMs: MIGRATION_TIMEOUT_MS })
  try {
    await refuseOldServer(kysely)
    const count = await migrate(kysely)
    if (count > 0) onLog('info', `The schema of the database was changed by ${count} migrations`)
  } finally {
    await kysely.destroy()
  }
}

async function refuseOldServer(kysely: Kysely<never>): Promise<void> {
  const { rows } = await sql<{ version: number }>`
    select current_setting('server_version_num')::integer / 10000 as version`.execute(kysely)
  const version = rows[0]?.version ?? 0
  if (version >= MIN_SERVER_VERSION) return
  throw new StartError(
    `PostgreSQL ${version} is too old: HasMCP needs version ${MIN_SERVER_VERSION} or later`,
  )
}

function createKysely<T>(options: PoolOptions): Kysely<T> {
  const pool: PostgresPool = createPool(options)
  return new Kysely<T>({ dialect: new PostgresDialect({ pool }) })
}

/** The address without user and password. */
function describe(databaseUrl: string): string {
  if (!URL.canParse(databaseUrl) || !/^postgres(?:ql)?:/.test(databaseUrl)) {
    throw new StartError('DATABASE_URL must read postgres://user:password@host:port/name')
  }
  const url = new URL(databaseUrl)
  return `"${url.pathname.slice(1)}" at ${url.hostname}:${url.port || '5432'}`
}

const REASONS: ReadonlyMap<string, string> = new Map([
  ['ECONNREFUSED', 'nothing listens there'],
  ['ENOTFOUND', 'the host name is unknown'],
  ['EAI_AGAIN', 'the host name cannot be looked up'],
  ['CONNECT_TIMEOUT', 'it does not answer'],
  ['CONNECTION_CLOSED', 'it closes the connection'],
  ['28P01', 'the user name or the password is wrong'],
  ['28000', 'the server refuses this user'],
  ['3D000', 'there is no such database'],
  ['42501', 'the user may not create tables there'],
  ['53300', 'the server has too many connections'],
  ['57P03', 'the server is starting up or shutting down'],
])

function explain(error: unknown): string {
  const code = readText(error, 'code')
  return REASONS.get(code) ?? `it reports ${code === '' ? 'no reason' : code}`
}

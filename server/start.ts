// Puts the parts together in the order they depend on each other, and takes them apart in the
// reverse order. No part knows this file.
import { readFile } from 'node:fs/promises'
import { openDatabase, type Database } from '../db/client.ts'
import { createPool, type Pool } from '../workers/pool.ts'
import { createSandbox, type Sandbox } from '../workers/sandbox/supervisor.ts'
import { sandboxCommand } from '../workers/sandbox/spawn-process.ts'
import { createApp, type App } from './app.ts'
import type { Config } from './config.ts'
import { createHandlers, mcpUrlOf } from './create-handlers.ts'
import { openFirstAccount, openOwnerKey } from './first-account.ts'
import { createGraphiql } from './graphiql.ts'
import { listen, type HttpServer } from './http-server.ts'
import { loadInstanceKey, proveInstanceKey } from './instance-key.ts'
import { createLog, type Log } from './log.ts'
import { printSignInLink } from './sign-in/print-link.ts'
import { createMetricsPage } from './metrics-page.ts'
import { settlesWithin } from './settles-within.ts'
import { createRateLimit } from './rate-limit.ts'

/** The product, running. */
export interface Running {
  readonly app: App
  readonly db: Database
  readonly pool: Pool
  readonly log: Log
  readonly key: Buffer
  readonly accountId: string
  /** The owner's API key (or `HASMCP_ADMIN_KEY`) and whether it was made by this start. */
  readonly ownerKey: { readonly text: string; readonly isNew: boolean }
  /** Signs the owner in with a browser, once; at the first start without an identity provider. */
  readonly signInLink: string | undefined
  readonly graphqlUrl: string
  readonly mcpUrl: (serverId: string) => string
  /** Takes no new connections, finishes running calls for up to {@link DRAIN_MS}, then ends. */
  readonly stop: () => Promise<void>
}

/** Kubernetes kills after 30 s; what is left is for closing files and threads. */
export const DRAIN_MS = 25_000
// What is cancelled at the end of the drain still has to be told so.
const CANCEL_GRACE_MS = 1_000
const MIB = 1024 * 1024

/**
 * Starts everything and listens.
 *
 * @throws {StartError} START_REFUSED with a sentence: the port, the data directory, the database, its
 *   schema or the encryption key does not allow a start.
 */
export async function start(config: Config): Promise<Running> {
  const log = createLog(config.logLevel)
  const undo: (() => unknown)[] = []
  try {
    const sandbox = openSandbox(config, log)
    undo.push(() => sandbox.close())
    // Threads boot while the database does: together they are most of a start's time.
    const pool = createPool({
      sandbox,
      egressAllow: config.egressAllow,
      ...(config.callThreads === undefined ? {} : { callThreads: config.callThreads }),
    })
    undo.push(() => pool.close())
    const key = config.encryptionKey ?? (await loadInstanceKey(config.dataDir))
    const db = await openDatabase({
      dataDir: config.dataDir,
      ...(config.databaseUrl === undefined ? {} : { databaseUrl: config.databaseUrl }),
      onLog: (level, message) => {
        log[level](message)
      },
    })
    undo.push(() => db.close())
    await proveInstanceKey(db, key)
    const { id: accountId, isNew: isFirstStart } = await openFirstAccount(db)
    const ownerKey =
      config.adminKey === undefined
        ? await openOwnerKey(db, accountId, key)
        : { text: config.adminKey, isNew: false }
    return await serve({
      config,
      log,
      pool,
      sandbox,
      db,
      key,
      accountId,
      ownerKey,
      isFirstStart,
    })
  } catch (error) {
    for (const step of undo.reverse()) await step()
    throw error
  }
}

function openSandbox({ sandbox }: Config, log: Log): Sandbox {
  const { engine, slots, softCpuMs, hardCpuMs, memoryMib, rssMib } = sandbox
  return createSandbox({
    command: sandboxCommand(engine),
    ...(slots === undefined ? {} : { slots }),
    softCpuMs,
    hardCpuMs,
    memoryBytes: memoryMib * MIB,
    rssBytes: rssMib * MIB,
    onLog: (message) => {
      log.warn({ sandbox: engine }, message)
    },
  })
}

type Parts = Pick<Running, 'log' | 'pool' | 'db' | 'key' | 'accountId' | 'ownerKey'> & {
  readonly config: Config
  readonly sandbox: Sandbox
  readonly isFirstStart: boolean
}

/** What is known only while the process runs. */
interface State {
  /** Empty until the port is known: nothing asks before a request arrives. */
  publicUrl: string
  isStopping: boolean
}

async function serve(parts: Parts): Promise<Running> {
  const { config, log, pool, sandbox, db, key, accountId, ownerKey, isFirstStart } = parts
  const state: State = { publicUrl: config.publicUrl ?? '', isStopping: false }
  const publicUrl = () => state.publicUrl
  const mcpUrl = (serverId: string) => mcpUrlOf(state.publicUrl, serverId)
  const handlers = createHandlers({ ...parts, publicUrl, version: await readVersion() })
  const app = createApp({
    ...handlers,
    mcp: handlers.mcp.answer,
    metricsPage: createMetricsPage(handlers.metrics, config.metricsToken),
    graphiql: config.isGraphiqlOn ? createGraphiql(handlers.isSignedIn) : undefined,
    findUnreadiness: () => findUnreadiness(db, state.isStopping),
    rateLimit: createRateLimit(config.rateLimitPerMinute),
    log,
  })
  // An edit, in whichever process it was made, gives the script another chance in this one.
  db.events.subscribe(({ noun, id }) => {
    if (noun === 'interceptor') sandbox.release(id)
  })
  const http = await listen(app, config.host, config.port)
  state.publicUrl ||= http.origin
  log.info({ origin: http.origin, database: db.kind, runtime: runtimeName() }, 'listening')
  const stop = async () => {
    state.isStopping = true
    // Streams would hold the drain up until its end.
    handlers.mcp.close()
    await drain(http, pool, log)
    await pool.close()
    await sandbox.close()
    await db.close()
  }
  const graphqlUrl = `${state.publicUrl}/graphql`
  // Nobody else can sign in then; and a later start finds `npm run sign-in-link`.
  const signInLink =
    isFirstStart && config.signIn.authProviders.length === 0
      ? await printSignInLink(key, state.publicUrl)
      : undefined
  return { app, signInLink, db, pool, log, key, accountId, ownerKey, mcpUrl, graphqlUrl, stop }
}

async function findUnreadiness(db: Database, isStopping: boolean): Promise<string | undefined> {
  if (isStopping) return 'The process is stopping'
  try {
    await db.kysely.selectNoFrom((sql) => sql.lit(1).as('one')).execute()
    return undefined
  } catch {
    return 'The database cannot be reached'
  }
}

async function drain(http: HttpServer, pool: Pool, log: Log): Promise<void> {
  const drained = http.drain()
  if (await settlesWithin(drained, DRAIN_MS)) return
  log.warn('cancelling the calls that did not finish in time')
  pool.cancelAll()
  if (!(await settlesWithin(drained, CANCEL_GRACE_MS))) http.close()
}

async function readVersion(): Promise<string> {
  const text = await readFile(new URL('../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}

function runtimeName(): string {
  const { bun, deno, node } = process.versions
  if (bun !== undefined) return `Bun ${bun}`
  return deno === undefined ? `Node ${node}` : `Deno ${deno}`
}

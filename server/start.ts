// Puts the parts together in the order they depend on each other, and takes them apart in the
// reverse order. No part knows this file.
import { readFile } from 'node:fs/promises'
import { openDatabase, type Database } from '../db/client.ts'
import { hashCredential } from '../db/credential.ts'
import { createVault, type Vault } from '../db/vault.ts'
import { createPool, type Pool } from '../workers/pool.ts'
import { createSandbox, type Sandbox } from '../workers/sandbox/supervisor.ts'
import { sandboxCommand } from '../workers/sandbox/spawn-process.ts'
import { createApp, type App, type AppDeps } from './app.ts'
import { createApiKeyAuthenticator } from './authenticate-api-key.ts'
import type { Config } from './config.ts'
import { createDocumentUpload } from './document.ts'
import { openFirstAccount, openOwnerKey } from './first-account.ts'
import { createGraphiql } from './graphiql.ts'
import { createGraphql } from './graphql.ts'
import { listen, type HttpServer } from './http-server.ts'
import { deriveKey, loadInstanceKey, proveInstanceKey } from './instance-key.ts'
import { createLog, type Log } from './log.ts'
import type { RouteInterception } from './mcp/build-interception.ts'
import { createContentStore } from './mcp/content-store.ts'
import { createMcpEndpoint, type McpEndpoint } from './mcp/endpoint.ts'
import { createToolTrial } from './tool-trial.ts'
import { createRouteStore } from './mcp/route.ts'
import { openVariables } from './mcp/resolve-variable.ts'
import type { CallTool } from './mcp/tool.ts'
import { createUseOnce } from './mcp/use-once.ts'
import { composeSignIn } from './sign-in/compose.ts'
import { printSignInLink } from './sign-in/print-link.ts'
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
const MAX_ANSWER_BYTES = 10 * 1024 * 1024

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
    const accountId = await openFirstAccount(db)
    const ownerKey =
      config.adminKey === undefined
        ? await openOwnerKey(db, accountId, key)
        : { text: config.adminKey, isNew: false }
    return await serve({ config, log, pool, sandbox, db, key, accountId, ownerKey })
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
}

/** What is known only while the process runs. */
interface State {
  /** Empty until the port is known: nothing asks before a request arrives. */
  publicUrl: string
  isStopping: boolean
}

async function serve(parts: Parts): Promise<Running> {
  const { config, log, pool, sandbox, db, key, accountId, ownerKey } = parts
  const state: State = { publicUrl: config.publicUrl ?? '', isStopping: false }
  const mcpUrl = (serverId: string) => `${state.publicUrl}/mcp/${serverId}`
  const handlers = createHandlers(parts, state, mcpUrl, await readVersion())
  const app = createApp({
    ...handlers,
    mcp: handlers.mcp.answer,
    graphiql: config.isGraphiqlOn ? createGraphiql() : undefined,
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
    ownerKey.isNew && config.signIn.authProviders.length === 0
      ? await printSignInLink(key, state.publicUrl)
      : undefined
  return { app, signInLink, db, pool, log, key, accountId, ownerKey, mcpUrl, graphqlUrl, stop }
}

function createHandlers(
  { config, log, pool, sandbox, db, key, accountId }: Parts,
  state: State,
  mcpUrl: (serverId: string) => string,
  version: string,
): Pick<AppDeps, 'graphql' | 'documentUpload' | 'pages'> & { readonly mcp: McpEndpoint } {
  const onError = (error: unknown, requestId: string) => {
    log.error({ requestId, err: error }, 'unexpected error')
  }
  const { adminKey } = config
  const admin =
    adminKey === undefined ? {} : { admin: { keyHash: hashCredential(adminKey), accountId } }
  const byKey = createApiKeyAuthenticator({ db, ...admin })
  const signIn = composeSignIn({
    setting: config.signIn,
    egressAllow: config.egressAllow,
    db,
    key,
    log,
    firstAccountId: accountId,
    publicUrl: () => state.publicUrl,
  })
  // Whoever sends a key does not mean the cookie that a browser adds.
  const authenticate = async (request: Request) =>
    request.headers.has('authorization') ? await byKey(request) : await signIn.authenticate(request)
  const credentialKey = deriveKey(key, 'credential')
  const vault = createVault(deriveKey(key, 'vault'))
  const call = toolCaller(pool, vault, config.callTimeoutMs)
  return {
    mcp: createMcpEndpoint({
      events: db.events,
      sessionKey: deriveKey(key, 'mcp session'),
      stateKey: deriveKey(key, 'mcp request state'),
      useOnce: createUseOnce(db),
      routes: createRouteStore(db),
      call,
      content: createContentStore(db),
      allowedOrigins: (origin) => isAllowedOrigin(origin, state.publicUrl),
      cursorKey: deriveKey(key, 'mcp cursor'),
      version,
      onError,
    }),
    graphql: createGraphql({
      db,
      importDocument: pool.import,
      vault,
      sandbox,
      callTool: createToolTrial(db, call),
      deriveBytes: (purpose) => deriveKey(credentialKey, purpose),
      mcpUrl,
      authenticate,
      createPeople: signIn.createPeople,
      cursorKey: deriveKey(key, 'graphql cursor'),
      isIntrospectionOn: config.isIntrospectionOn,
      onError,
    }),
    documentUpload: createDocumentUpload({ db, authenticate }),
    pages: signIn.pages,
  }
}

function toolCaller(pool: Pool, vault: Vault, timeoutMs: number): CallTool {
  return async ({ route, tool, argumentsText, signal, resource, clientHeaders, onProgress }) =>
    await pool.call({
      accountId: route.accountId,
      definitionHash: tool.definitionHash,
      definition: tool.definition,
      baseUrl: tool.baseUrl,
      headers: tool.headers,
      query: tool.query,
      ...(tool.interception && splitInterception(tool.interception)),
      ...(tool.variables && { variables: openVariables(vault, route.dataKey, tool.variables) }),
      argumentsText,
      ...(resource && { resource }),
      ...(clientHeaders && { clientHeaders }),
      ...(tool.resultMode === 'MCP_RESULT' && { isMcpResult: true }),
      onProgress,
      timeoutMs,
      maxResponseBytes: MAX_ANSWER_BYTES,
      signal,
    })
}

function splitInterception({ scripts, request, response, tool }: RouteInterception) {
  return { scripts, interception: { request, response, tool } }
}

/** A page on this machine (an inspector) may call; a page elsewhere is DNS rebinding. */
function isAllowedOrigin(origin: string, publicUrl: string): boolean {
  if (origin === publicUrl) return true
  const host = URL.parse(origin)?.hostname
  return host === 'localhost' || host === '127.0.0.1' || host === '[::1]'
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

async function settlesWithin(promise: Promise<void>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, ms, false)
  })
  const isSettled = await Promise.race([promise.then(() => true), late])
  clearTimeout(timer)
  return isSettled
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

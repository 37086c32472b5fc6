// What answers requests, built from the parts of the process: one function for each kind of endpoint.
import type { Database } from '../db/client.ts'
import { hashCredential } from '../db/credential.ts'
import { createVault, type Vault } from '../db/vault.ts'
import type { Pool } from '../workers/pool.ts'
import type { Sandbox } from '../workers/sandbox/supervisor.ts'
import type { AppDeps } from './app.ts'
import { createApiKeyAuthenticator } from './authenticate-api-key.ts'
import type { Config } from './config.ts'
import { createDocumentUpload } from './document.ts'
import { createGraphql, type GraphqlDeps } from './graphql.ts'
import { deriveKey } from './instance-key.ts'
import type { Log } from './log.ts'
import type { RouteInterception } from './mcp/build-interception.ts'
import { createContentStore } from './mcp/content-store.ts'
import { createMcpEndpoint, type McpEndpoint } from './mcp/endpoint.ts'
import { openVariables } from './mcp/resolve-variable.ts'
import { createRouteStore } from './mcp/route.ts'
import type { CallTool } from './mcp/tool.ts'
import { createUseOnce } from './mcp/use-once.ts'
import { createMetrics, type Metrics } from './metrics.ts'
import { createSchemaDownload } from './schema-download.ts'
import { composeSignIn, type SignInHouse } from './sign-in/compose.ts'
import { createTickets } from './ticket.ts'
import { createToolTrial } from './tool-trial.ts'

const MAX_ANSWER_BYTES = 10 * 1024 * 1024

/** What the handlers are built from. */
export interface HandlerParts {
  readonly config: Config
  readonly log: Log
  readonly pool: Pool
  readonly sandbox: Sandbox
  readonly db: Database
  /** The installation's key. */
  readonly key: Buffer
  /** The first account. */
  readonly accountId: string
  /** Of this program. */
  readonly version: string
  /** The origin under which this process is reached; known once it listens. */
  readonly publicUrl: () => string
}

/** The handlers, and what of them the process needs besides. */
export interface Handlers extends Pick<
  AppDeps,
  'graphql' | 'documentUpload' | 'pages' | 'schemaDownload' | 'listKeys'
> {
  readonly mcp: McpEndpoint
  readonly metrics: Metrics | undefined
  readonly isSignedIn: SignInHouse['isSignedIn']
}

/** Builds them; nothing asks before a request arrives. */
export function createHandlers(parts: HandlerParts): Handlers {
  const { config, db, key, log, accountId: firstAccountId, publicUrl } = parts
  const { signIn: setting, egressAllow } = config
  const signIn = composeSignIn({ setting, egressAllow, db, key, log, firstAccountId, publicUrl })
  const authenticate = createAuthenticator(parts, signIn)
  const tickets = createTickets({ db, sealKey: deriveKey(key, 'signing key'), publicUrl })
  const onError = (error: unknown, requestId: string) => {
    log.error({ requestId, err: error }, 'unexpected error')
  }
  const vault = createVault(deriveKey(key, 'vault'))
  const metrics = openMetrics(parts, () => mcp.countStreams())
  const call = toolCaller(parts, vault, metrics)
  const credentialKey = deriveKey(key, 'credential')
  const mcp = createMcp(parts, call, onError)
  return {
    mcp,
    metrics,
    graphql: createGraphql({
      db,
      importDocument: parts.pool.import,
      vault,
      sandbox: parts.sandbox,
      callTool: createToolTrial(db, call),
      deriveBytes: (purpose) => deriveKey(credentialKey, purpose),
      mcpUrl: (serverId) => mcpUrlOf(publicUrl(), serverId),
      authenticate,
      createPeople: signIn.createPeople,
      tickets,
      cursorKey: deriveKey(key, 'graphql cursor'),
      isIntrospectionOn: config.isIntrospectionOn,
      onError,
    }),
    documentUpload: createDocumentUpload({ db, authenticate }),
    pages: signIn.pages,
    schemaDownload: createSchemaDownload({
      authenticate,
      tickets,
      isIntrospectionOn: config.isIntrospectionOn,
    }),
    listKeys: tickets.listKeys,
    isSignedIn: signIn.isSignedIn,
  }
}

/** Absolute URL of a server's MCP endpoint. */
export function mcpUrlOf(publicUrl: string, serverId: string): string {
  return `${publicUrl}/mcp/${serverId}`
}

function createMcp(
  { db, key, version, publicUrl }: HandlerParts,
  call: CallTool,
  onError: (error: unknown, requestId: string) => void,
): McpEndpoint {
  return createMcpEndpoint({
    events: db.events,
    sessionKey: deriveKey(key, 'mcp session'),
    stateKey: deriveKey(key, 'mcp request state'),
    useOnce: createUseOnce(db),
    routes: createRouteStore(db),
    call,
    content: createContentStore(db),
    allowedOrigins: (origin) => isAllowedOrigin(origin, publicUrl()),
    cursorKey: deriveKey(key, 'mcp cursor'),
    version,
    onError,
  })
}

/** Whoever sends a key does not mean the cookie that a browser adds. */
function createAuthenticator(
  { config, db, accountId }: Pick<HandlerParts, 'config' | 'db' | 'accountId'>,
  signIn: SignInHouse,
): GraphqlDeps['authenticate'] {
  const { adminKey } = config
  const admin =
    adminKey === undefined ? {} : { admin: { keyHash: hashCredential(adminKey), accountId } }
  const byKey = createApiKeyAuthenticator({ db, ...admin })
  return (request) =>
    request.headers.has('authorization') ? byKey(request) : signIn.authenticate(request)
}

/** Undefined where nobody may read them: then nothing is counted either. */
function openMetrics({ config, pool, sandbox }: HandlerParts, streams: () => number) {
  if (config.metricsToken === undefined) return undefined
  return createMetrics({
    callsRunning: () => pool.countCalls().running,
    callsWaiting: () => pool.countCalls().waiting,
    streams,
    sandbox: sandbox.stats,
  })
}

function toolCaller(
  { pool, config }: HandlerParts,
  vault: Vault,
  metrics: Metrics | undefined,
): CallTool {
  return async ({ route, tool, argumentsText, signal, resource, clientHeaders, onProgress }) => {
    const running = pool.call({
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
      timeoutMs: config.callTimeoutMs,
      maxResponseBytes: MAX_ANSWER_BYTES,
      signal,
    })
    return await (metrics === undefined ? running : metrics.timeCall(running))
  }
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

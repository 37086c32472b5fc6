// All routes on one screen: a Request comes in, a Response goes out, and nothing here knows on
// which runtime or socket. The IP address is a parameter, used for the rate limit and dropped.
import { Hono, type Context, type Next } from 'hono'
import { randomUUID } from 'node:crypto'
import { withBoundedBody } from './bounded-body.ts'
import { ClientGoneError, clientGoneResponse } from './client-gone.ts'
import { errorResponse, toPublicError } from './errors.ts'
import { wantsGraphiql } from './graphiql.ts'
import type { Log } from './log.ts'
import type { Metrics } from './metrics.ts'
import type { RateLimit } from './rate-limit.ts'
import type { Page, Pages } from './sign-in/pages.ts'

/** Answers one request; `requestId` stands in every error and log line about it. */
export type Handler = (request: Request, requestId: string) => Promise<Response>

/** What the routes are made of. */
export interface AppDeps {
  readonly mcp: (request: Request, serverId: string, requestId: string) => Promise<Response>
  readonly graphql: Handler
  /** The page for a browser; undefined where it is turned off. */
  readonly graphiql?: ((request: Request) => Promise<Response>) | undefined
  readonly documentUpload: Handler
  readonly schemaDownload: Handler
  /** RFC 7517 */
  readonly listKeys: () => Promise<readonly object[]>
  /** For people with a browser. */
  readonly pages: Pages
  /** A sentence when the process should get no traffic now. */
  readonly findUnreadiness: () => Promise<string | undefined>
  readonly rateLimit: RateLimit
  /** What is counted; undefined where nobody may read it. */
  readonly metrics?: Pick<Metrics, 'countRequest'> | undefined
  /** `GET /metrics`; undefined where nobody may read them. */
  readonly metricsPage?: ((request: Request) => Promise<Response>) | undefined
  readonly log: Log
}

/** What the socket knows and a Request does not. */
export interface Connection {
  readonly ip: string
}

/** The product: a request and where it came from, to its response. It never rejects. */
export type App = (request: Request, connection: Connection) => Promise<Response>

type Env = { Bindings: Connection; Variables: { requestId: string } }

/** Carried by every response; the same id stands in errors and log lines. */
export const REQUEST_ID_HEADER = 'x-request-id'
// Bodies are parsed on the main thread: 256 KiB of GraphQL take under 10 ms.
const MAX_GRAPHQL_BYTES = 256 * 1024

/** The product as a function. It never rejects: what fails unexpectedly is logged and masked. */
export function createApp(deps: AppDeps): App {
  const routes = new Hono<Env>()
  routes.use((c, next) => admit(deps, c, next))
  routes.get('/livez', () => new Response('ok\n'))
  routes.get('/readyz', async () => {
    const reason = await deps.findUnreadiness()
    return reason === undefined
      ? new Response('ok\n')
      : new Response(`${reason}\n`, { status: 503 })
  })
  routes.all('/mcp/:serverId', (c) =>
    deps.mcp(c.req.raw, c.req.param('serverId'), c.get('requestId')),
  )
  routes.all('/graphql', (c) => answerGraphql(deps, c.req.raw, c.get('requestId')))
  routes.post('/documents', (c) => deps.documentUpload(c.req.raw, c.get('requestId')))
  const { metricsPage } = deps
  if (metricsPage !== undefined) routes.get('/metrics', (c) => metricsPage(c.req.raw))
  routes.get('/schema.graphql', (c) => deps.schemaDownload(c.req.raw, c.get('requestId')))
  routes.get('/.well-known/jwks.json', async (c) =>
    c.json({ keys: await deps.listKeys() }, 200, { 'cache-control': 'public, max-age=300' }),
  )
  const { pages } = deps
  const page = (answer: Page) => (c: Context<Env>) =>
    answer(c.req.raw, c.req.param('providerId') ?? '')
  routes.get('/', page(pages.show))
  routes.get('/sign-in', page(pages.choose))
  routes.get('/sign-in/link', page(pages.link))
  routes.post('/sign-in/link', page(pages.link))
  routes.get('/sign-in/:providerId', page(pages.begin))
  routes.get('/sign-in/:providerId/callback', page(pages.finish))
  routes.get('/invitation', page(pages.invitation))
  routes.post('/invitation', page(pages.invitation))
  routes.post('/switch-account', page(pages.switchAccount))
  routes.post('/sign-out', page(pages.signOut))
  routes.notFound((c) => {
    const message = `There is nothing at ${withoutCredentials(c.req.path).slice(0, 200)}; see /sign-in, /graphql and /mcp/{serverId}`
    return errorResponse({ code: 'NOT_FOUND', message }, c.get('requestId'))
  })
  routes.onError((error, c) => answerError(deps, error, c.get('requestId')))
  return async (request, connection) => await routes.fetch(request, connection)
}

/** Around every route: the request id, the rate limit and, at level debug, a line in the log. */
async function admit(
  { rateLimit, log, metrics }: AppDeps,
  c: Context<Env>,
  next: Next,
): Promise<void> {
  const requestId = randomUUID()
  c.set('requestId', requestId)
  const startedAt = performance.now()
  const verdict = await rateLimit(c.env.ip)
  if (verdict.isAllowed) await next()
  else c.res = tooManyRequests(verdict.retryAfterSeconds, requestId)
  c.res.headers.set(REQUEST_ID_HEADER, requestId)
  metrics?.countRequest(c.req.path, c.res.status, performance.now() - startedAt)
  if (!log.isLevelEnabled('debug')) return
  const { method } = c.req
  const path = withoutCredentials(c.req.path)
  const ms = Math.round(performance.now() - startedAt)
  log.debug({ requestId, method, path, status: c.res.status, ms }, 'request')
}

/** Somebody pastes a token into the path one day: it is neither logged nor echoed. */
function withoutCredentials(path: string): string {
  return path
    .replaceAll(/(hm[ksb])(?:_|%5f)[^/]+/gi, '$1_…')
    .replaceAll(/eyJ[\w-]+\.[^/]*/g, 'eyJ…')
}

async function answerGraphql(
  deps: AppDeps,
  request: Request,
  requestId: string,
): Promise<Response> {
  if (deps.graphiql !== undefined && wantsGraphiql(request)) return await deps.graphiql(request)
  const bounded = await withBoundedBody(request, MAX_GRAPHQL_BYTES)
  if (bounded !== undefined) return await deps.graphql(bounded, requestId)
  const message = `The request body is larger than ${MAX_GRAPHQL_BYTES} bytes; upload large documents to POST /documents`
  return errorResponse({ code: 'TOO_LARGE', message }, requestId, { connection: 'close' })
}

function tooManyRequests(retryAfterSeconds: number, requestId: string): Response {
  const message = `Too many requests from this address; try again in ${retryAfterSeconds} s`
  return errorResponse({ code: 'RATE_LIMITED', message }, requestId, {
    'retry-after': String(retryAfterSeconds),
  })
}

function answerError(deps: AppDeps, error: unknown, requestId: string): Response {
  if (error instanceof ClientGoneError) return clientGoneResponse()
  const known = toPublicError(error)
  if (known.code === 'INTERNAL') deps.log.error({ requestId, err: error }, 'unexpected error')
  return errorResponse(known, requestId)
}

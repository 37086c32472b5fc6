// Signs in without a browser: each step is a request that a test can spoil, with a jar for the one cookie.
// What came of it is one line, in which nothing that must not happen can hide.
import assert from 'node:assert/strict'
import { sql } from 'kysely'
import { hashCredential } from '../../db/credential.ts'
import { linkKeyOf } from '../../server/sign-in/compose.ts'
import { printLinkToken } from '../../server/sign-in/link-token.ts'
import { startApp, type TestApp } from './app.ts'
import type { Cleanup } from './database.ts'
import { forge, JWKS, type Forgery } from './forged-token.ts'
import {
  HOSTILE_PERSON,
  startHostileProvider,
  type HostileBehaviour,
  type HostileProvider,
} from './hostile-provider.ts'

const FROM = { ip: '192.0.2.1' }
const COOKIE = 'hasmcp-session'

/** A browser as far as cookies and forms go; it follows no redirect. */
export interface Client {
  /** `name=value` as it is sent; the empty text: none. */
  cookie: string
  /** A path of ours, or a whole URL. */
  get(path: string, headers?: HeadersInit): Promise<Response>
  /** A form of our own page, unless the headers say otherwise. */
  post(
    path: string,
    form: Readonly<Record<string, string>>,
    headers?: HeadersInit,
  ): Promise<Response>
  /** Whatever a browser can be made to send. */
  send(path: string, init: RequestInit): Promise<Response>
  /** A script of our own page. */
  ask(query: string, headers?: HeadersInit): Promise<Response>
}

/** An empty browser, or one with that cookie. */
export function openClient(app: Pick<TestApp, 'app' | 'graphqlUrl'>, cookie = ''): Client {
  const { origin } = new URL(app.graphqlUrl)
  const client: Client = {
    cookie,
    send,
    get: (path, headers = {}) => send(path, { headers }),
    post(path, form, headers) {
      const all = new Headers({ origin, ...Object.fromEntries(new Headers(headers)) })
      return send(path, { method: 'POST', headers: all, body: new URLSearchParams(form) })
    },
    ask(query, headers) {
      const own = { origin, 'content-type': 'application/json', 'x-hasmcp-csrf': '1' }
      const all = new Headers({ ...own, ...Object.fromEntries(new Headers(headers)) })
      return send('/graphql', { method: 'POST', headers: all, body: JSON.stringify({ query }) })
    },
  }
  async function send(path: string, init: RequestInit) {
    const headers = new Headers(init.headers)
    if (client.cookie !== '' && !headers.has('cookie')) headers.set('cookie', client.cookie)
    const request = new Request(new URL(path, origin), { ...init, headers })
    const response = await app.app(request, FROM)
    for (const text of response.headers.getSetCookie()) {
      const [pair = ''] = text.split(';')
      client.cookie = pair.endsWith('=') ? '' : pair
    }
    return response
  }
  return client
}

/** The token of a link that signs in, as the machine prints it. */
export async function makeLinkToken(
  { key }: TestApp,
  lifetimeMs = 600_000,
  subject = 'vic@example.com',
): Promise<string> {
  const expiresAt = new Date(Date.now() + lifetimeMs)
  return await printLinkToken(linkKeyOf(key), 'sign-in', { subject, expiresAt })
}

/** What the button behind such a link sends. */
export async function useLink(client: Client, token: string): Promise<Response> {
  return await client.post('/sign-in/link', { token })
}

/** Where a redirect leads; throws where there is none. */
export function placeOf(response: Response): URL {
  const location = response.headers.get('location')
  if (location === null) throw new Error(`No redirect, but ${response.status}`)
  return new URL(location, 'http://here.invalid')
}

/** A sign-in that has been agreed to at the provider, which asks nothing: the callback's path. */
export async function agree(authorization: URL): Promise<URL> {
  const response = await fetch(authorization, { redirect: 'manual' })
  await response.body?.cancel()
  return placeOf(response)
}

/** The same where a page asks who it is, as at `identity-provider.ts`. */
export async function agreeAs(authorization: URL, email: string): Promise<URL> {
  const jar = new Map<string, string>()
  const open = async (url: URL, init: RequestInit = {}) => {
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ')
    const response = await fetch(url, { ...init, redirect: 'manual', headers: { cookie } })
    for (const text of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(text) ?? []
      jar.set(name, value)
    }
    await response.body?.cancel()
    return response
  }
  const form = new URLSearchParams({ email, answer: 'continue' })
  for (let url = authorization; ;) {
    let response = await open(url)
    if (response.status === 200) response = await open(url, { method: 'POST', body: form })
    url = new URL(placeOf(response).href.replace('http://here.invalid', ''), url)
    if (url.origin !== authorization.origin) return url
  }
}

interface Identities {
  readonly sessions: ReadonlyMap<string, string>
  readonly people: ReadonlySet<string>
}

async function readIdentities(app: TestApp): Promise<Identities> {
  const { rows: people } = await sql<{ email_key: string }>`
    select email_key from person`.execute(app.db.kysely)
  const { rows: sessions } = await sql<{ hash: string; email_key: string }>`
    select encode(session.hash, 'hex') as hash, email_key
    from session join person on person.id = person_id`.execute(app.db.kysely)
  return {
    people: new Set(people.map((row) => row.email_key)),
    sessions: new Map(sessions.map((row) => [row.hash, row.email_key])),
  }
}

/**
 * What came of it: status and the page's title, the place that a redirect leads to, or the error's code;
 * `as …` where a session began, `new` where a person was made, and whatever else changed in `!`.
 */
export async function outcomeOf(app: TestApp, work: () => Promise<Response>): Promise<string> {
  const before = await readIdentities(app)
  const response = await work()
  const after = await readIdentities(app)
  const begun = [...after.sessions].filter(([hash]) => !before.sessions.has(hash))
  const ended = [...before.sessions].filter(([hash]) => !after.sessions.has(hash))
  const made = [...after.people].filter((key) => !before.people.has(key))
  const given = response.headers.getSetCookie().flatMap((text) => {
    const value = new RegExp(`^(?:__Host-)?${COOKIE}=([^;]*)`).exec(text)?.[1] ?? ''
    const key = after.sessions.get(hashCredential(value).toString('hex'))
    return key === undefined ? [] : [key]
  })
  const opened = begun.map(([, key]) => key)
  return [
    `${response.status} ${await describe(response)}`,
    ...opened.map((key) => `as ${key}`),
    ...(made.length > 0 ? ['new'] : []),
    ...(given.join() === opened.join() ? [] : ['!cookie']),
    ...(made.length > opened.length ? ['!person'] : []),
    ...(ended.length > 0 ? ['-session'] : []),
  ].join(' ')
}

async function describe(response: Response): Promise<string> {
  const location = response.headers.get('location')
  if (location !== null) return location
  const text = await response.text()
  const title = /<title>(.*) · HasMCP<\/title>/.exec(text)?.[1]
  return title ?? /"code":"(\w+)"/.exec(text)?.[1] ?? (text.startsWith('{"data"') ? 'data' : text)
}

/** The product with a provider that may lie. */
export interface Stage {
  readonly app: TestApp
  readonly provider: HostileProvider
  /** The id of a provider that nothing is known of yet: it has the same metadata, asked for anew. */
  nextId(): string
}

/** How a sign-in is spoiled. */
export interface Plan extends Omit<HostileBehaviour, 'idToken' | 'signing'> {
  /** Default: of the stage, and the same one each time. */
  readonly providerId?: string
  readonly returnTo?: string
  /** The ID token, in place of the provider's own. */
  readonly forgery?: Forgery
}

const MAX_PROVIDERS = 20

/** Starts both; everybody may sign up. */
export async function openStage(
  t: Cleanup,
  env: Readonly<Record<string, string>> = {},
): Promise<Stage> {
  const provider = await startHostileProvider(t)
  const { issuer, clientId, clientSecret } = provider
  const ids = Array.from({ length: MAX_PROVIDERS }, (_, index) => `p${index}`)
  const app = await startApp(t, {
    SIGN_UP: 'open',
    RATE_LIMIT_PER_MINUTE: '0',
    AUTH_PROVIDERS: JSON.stringify(
      ids.map((id) => ({ id, type: 'oidc', issuer, clientId, clientSecret })),
    ),
    ...env,
  })
  // The first is everybody's.
  const unused = ids.slice(1)
  const nextId = () => {
    const id = unused.shift()
    if (id === undefined) throw new Error(`There are ${MAX_PROVIDERS} providers`)
    return id
  }
  return { app, provider, nextId }
}

/** The answer to the callback, or to whatever came before it and did not lead there. */
export async function signIn(
  stage: Pick<Stage, 'provider'>,
  client: Client,
  plan: Plan = {},
): Promise<Response> {
  const back = await goThere(stage, client, plan)
  return back instanceof Response ? back : await client.get(`${back.pathname}${back.search}`)
}

/** The first half: the callback's URL as the provider gave it; or the answer that led nowhere. */
export async function goThere(
  { provider }: Pick<Stage, 'provider'>,
  client: Client,
  { providerId = 'p0', returnTo, forgery = {}, ...behaviour }: Plan = {},
): Promise<URL | Response> {
  const { paddingBytes = 0, ...answer } = behaviour.answers?.jwks ?? {}
  const padding = 'x'.repeat(paddingBytes)
  const answers = {
    ...behaviour.answers,
    jwks: { body: JSON.stringify({ ...JWKS, padding }), ...answer },
  }
  provider.behave({ ...behaviour, answers })
  const query = returnTo === undefined ? '' : `?returnTo=${encodeURIComponent(returnTo)}`
  const begun = await client.get(`/sign-in/${providerId}${query}`)
  if (begun.status !== 303) return begun
  const authorization = placeOf(begun)
  const now = Math.floor(Date.now() / 1_000)
  const claims = {
    iss: provider.issuer,
    aud: provider.clientId,
    sub: HOSTILE_PERSON.sub,
    iat: now,
    exp: now + 300,
    nonce: authorization.searchParams.get('nonce'),
  }
  provider.behave({ ...behaviour, answers, idToken: forge(claims, forgery) })
  return await agree(authorization)
}

/** Compares all outcomes at once: a table with two mistakes shows both. */
export async function assertRows<Row extends readonly [string, ...(readonly unknown[])]>(
  rows: Readonly<Record<string, Row>>,
  run: (row: Row, name: string) => Promise<string>,
): Promise<void> {
  const outcomes: Record<string, string> = {}
  for (const [name, row] of Object.entries(rows)) outcomes[name] = await run(row, name)
  assert.deepEqual(
    outcomes,
    Object.fromEntries(Object.entries(rows).map(([name, [expected]]) => [name, expected])),
  )
}

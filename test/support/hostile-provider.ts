// A provider that lies, stalls and floods: it plays OpenID Connect well enough for a whole sign-in
// by `fetch`, without a browser, and each part of each answer is a test's to spoil.
import { createPublicKey, generateKeyPairSync, randomBytes, type KeyObject } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { base64url, exportJWK, SignJWT, type JWTPayload } from 'jose'
import type { Cleanup } from './database.ts'
import { startUpstream, type RecordedRequest } from './upstream.ts'

/** Over the members of an honest answer; undefined takes one out. */
export type Spoiled = Readonly<Record<string, unknown>>

/** How an endpoint answers, whatever it would say. */
export interface HostileAnswer {
  /** Default: 200. */
  readonly status?: number
  /** Default: `application/json`. */
  readonly contentType?: string
  readonly headers?: Readonly<Record<string, string>>
  /** In place of the honest one. */
  readonly body?: string
  /** An honest answer in JSON gets a member of so many bytes. */
  readonly paddingBytes?: number
  /** Resolves when the answer may begin. */
  readonly wait?: () => Promise<unknown>
  /**
   * `silent`: not a byte. `stalled`: half of the answer, then nothing. `endless`: bytes for ever.
   * `reset`: the connection is cut.
   */
  readonly fault?: 'silent' | 'stalled' | 'endless' | 'reset'
}

/** What signs the ID token. */
export type Signing =
  /** RS256 by the key that is published. */
  | 'published'
  /** By another key under the published one's `kid`. */
  | 'another-key'
  /** By another key under a `kid` of its own. */
  | 'unknown-kid'
  /** `alg: none` and no signature. */
  | 'none'
  /** HS256 by the client's secret. */
  | 'client-secret'
  /** HS256 by the published key's PEM: the confusion of algorithms. */
  | 'public-key'

/** Every part that is not given is honest. */
export interface HostileBehaviour {
  readonly answers?: Readonly<Partial<Record<HostileEndpoint, HostileAnswer>>>
  readonly metadata?: Spoiled
  /** `code`, `state` and `iss` of the redirect back. */
  readonly authorization?: Spoiled
  readonly tokenBody?: Spoiled
  /** Claims; or, as text, all of the token. */
  readonly idToken?: Spoiled | string
  readonly signing?: Signing
  readonly userinfo?: Spoiled
}

export type HostileEndpoint = 'discovery' | 'jwks' | 'token' | 'userinfo'

export interface HostileProvider {
  /** `http://localhost:port`, which is also the entry for EGRESS_ALLOW. */
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: string
  readonly requests: readonly RecordedRequest[]
  /** Every code, access token, refresh token and ID token that was issued so far. */
  readonly tokens: readonly string[]
  /** From now on; what was set before is forgotten. */
  behave(behaviour: HostileBehaviour): void
  /** Of the endpoint: the requests so far. */
  count(endpoint: HostileEndpoint): number
}

/** What an honest provider says of the only person here. */
export const HOSTILE_PERSON = {
  sub: 'hostile-1',
  email: 'mallory@example.com',
  email_verified: true,
  name: 'Mallory',
} as const

const PATHS: Readonly<Record<string, HostileEndpoint>> = {
  '/.well-known/openid-configuration': 'discovery',
  '/jwks': 'jwks',
  '/token': 'token',
  '/userinfo': 'userinfo',
}

interface State {
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: string
  readonly privateKey: KeyObject
  readonly tokens: string[]
  /** Code → nonce of its request. */
  readonly nonces: Map<string, string | undefined>
  behaviour: HostileBehaviour
}

/** Starts one that is honest until told otherwise; it stops when the test ends. */
export async function startHostileProvider(
  t: Cleanup,
  behaviour: HostileBehaviour = {},
): Promise<HostileProvider> {
  const counts = new Map<HostileEndpoint, number>()
  const { promise: ready, resolve: setReady } = Promise.withResolvers<State>()
  const upstream = await startUpstream(async (request, response) => {
    const state = await ready
    const url = new URL(request.url, state.issuer)
    if (url.pathname === '/authorize') return authorize(state, url.searchParams, response)
    const endpoint = PATHS[url.pathname]
    if (endpoint === undefined) return response.writeHead(404).end()
    counts.set(endpoint, (counts.get(endpoint) ?? 0) + 1)
    const honest = await createBody(state, endpoint, request)
    await send(response, honest, state.behaviour.answers?.[endpoint] ?? {})
  }, 'localhost')
  t.after(() => upstream.close())
  const state: State = {
    issuer: upstream.origin,
    clientId: 'hasmcp',
    clientSecret: `canary-client-secret-${randomBytes(16).toString('hex')}`,
    privateKey: createKey(),
    tokens: [],
    nonces: new Map(),
    behaviour,
  }
  setReady(state)
  const { issuer, clientId, clientSecret, tokens } = state
  return {
    issuer,
    clientId,
    clientSecret,
    requests: upstream.requests,
    tokens,
    behave: (next) => {
      state.behaviour = next
    },
    count: (endpoint) => counts.get(endpoint) ?? 0,
  }
}

const createKey = (): KeyObject => generateKeyPairSync('rsa', { modulusLength: 2_048 }).privateKey

/** Agrees at once, with whatever it is asked. */
function authorize(state: State, query: URLSearchParams, response: ServerResponse): void {
  const code = randomBytes(16).toString('hex')
  state.tokens.push(code)
  state.nonces.set(code, query.get('nonce') ?? undefined)
  const honest = { code, state: query.get('state') ?? undefined, iss: state.issuer }
  const url = new URL(query.get('redirect_uri') ?? '')
  for (const [name, value] of Object.entries({ ...honest, ...state.behaviour.authorization })) {
    if (value !== undefined) url.searchParams.set(name, String(value))
  }
  response.writeHead(302, { location: url.href }).end()
}

async function createBody(
  state: State,
  endpoint: HostileEndpoint,
  request: RecordedRequest,
): Promise<object> {
  const { behaviour, issuer } = state
  switch (endpoint) {
    case 'discovery':
      return {
        issuer,
        authorization_endpoint: `${issuer}/authorize`,
        token_endpoint: `${issuer}/token`,
        userinfo_endpoint: `${issuer}/userinfo`,
        jwks_uri: `${issuer}/jwks`,
        response_types_supported: ['code'],
        subject_types_supported: ['public'],
        id_token_signing_alg_values_supported: ['RS256'],
        scopes_supported: ['openid', 'profile', 'email'],
        token_endpoint_auth_methods_supported: ['client_secret_post', 'client_secret_basic'],
        code_challenge_methods_supported: ['S256'],
        authorization_response_iss_parameter_supported: true,
        ...behaviour.metadata,
      }
    case 'jwks': {
      const key = await exportJWK(createPublicKey(state.privateKey))
      return { keys: [{ ...key, kid: 'published', use: 'sig', alg: 'RS256' }] }
    }
    case 'token':
      return createTokenBody(state, new URLSearchParams(request.body).get('code') ?? '')
    case 'userinfo':
      return { ...HOSTILE_PERSON, ...behaviour.userinfo }
  }
}

async function createTokenBody(state: State, code: string): Promise<object> {
  const { idToken, signing = 'published', tokenBody } = state.behaviour
  const now = Math.floor(Date.now() / 1_000)
  const claims = {
    iss: state.issuer,
    aud: state.clientId,
    sub: HOSTILE_PERSON.sub,
    iat: now,
    exp: now + 3_600,
    nonce: state.nonces.get(code),
  }
  const body = {
    access_token: randomBytes(16).toString('hex'),
    refresh_token: randomBytes(16).toString('hex'),
    token_type: 'Bearer',
    expires_in: 3_600,
    id_token:
      typeof idToken === 'string' ? idToken : await sign(state, { ...claims, ...idToken }, signing),
    ...tokenBody,
  }
  for (const text of [body.access_token, body.refresh_token, body.id_token]) {
    if (typeof text === 'string' && text !== '') state.tokens.push(text)
  }
  return body
}

async function sign(state: State, claims: Spoiled, signing: Signing): Promise<string> {
  const encode = (value: object) => base64url.encode(JSON.stringify(value))
  if (signing === 'none') return `${encode({ alg: 'none' })}.${encode(claims)}.`
  const jwt = new SignJWT(claims as JWTPayload)
  const kid = signing === 'unknown-kid' ? 'unknown' : 'published'
  switch (signing) {
    case 'published':
      return jwt.setProtectedHeader({ alg: 'RS256', kid }).sign(state.privateKey)
    case 'another-key':
    case 'unknown-kid':
      return jwt.setProtectedHeader({ alg: 'RS256', kid }).sign(createKey())
    case 'client-secret':
      return jwt.setProtectedHeader({ alg: 'HS256' }).sign(Buffer.from(state.clientSecret))
    case 'public-key': {
      const pem = createPublicKey(state.privateKey).export({ type: 'spki', format: 'pem' })
      return jwt.setProtectedHeader({ alg: 'HS256', kid }).sign(Buffer.from(pem))
    }
  }
}

async function send(response: ServerResponse, honest: object, how: HostileAnswer): Promise<void> {
  const { status = 200, contentType = 'application/json', paddingBytes = 0, fault, wait } = how
  await wait?.()
  if (fault === 'silent') return
  if (fault === 'reset') return void response.socket?.resetAndDestroy()
  const padding = paddingBytes === 0 ? {} : { padding: 'x'.repeat(paddingBytes) }
  const body = how.body ?? JSON.stringify({ ...honest, ...padding })
  response.writeHead(status, { 'content-type': contentType, ...how.headers })
  if (fault === 'stalled') return void response.write(body.slice(0, body.length / 2))
  // Whoever has had enough hangs up; that is what is tested.
  if (fault === 'endless') return pipeline(Readable.from(repeat()), response).catch(() => {})
  response.end(body)
}

function* repeat(): Generator<string> {
  yield '{"padding":"'
  for (;;) yield 'x'.repeat(65_536)
}

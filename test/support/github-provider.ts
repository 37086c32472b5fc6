// A provider that speaks as GitHub does (and as GitHub Enterprise Server, whose API lies under
// /api/v3): OAuth 2.0 without OpenID, an `iss` that is not its origin, and refused tokens that are answered with status 200.
import { createHash, randomBytes } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import type { Cleanup } from './database.ts'
import { startUpstream, type RecordedRequest } from './upstream.ts'

export interface GitHubEmail {
  readonly email: string
  /** Default: of the first address only. */
  readonly primary?: boolean
  /** Default: true. */
  readonly verified?: boolean
}

/** Somebody who can sign in at the provider by typing the login. */
export interface GitHubUser {
  readonly login: string
  /** Null where the user has given none. */
  readonly name: string | null
  readonly emails: readonly GitHubEmail[]
  /** Stays when the login changes. Default: by the place in the list, from 1001. */
  readonly id?: number
}

/** A page asks for `login` and has the buttons "Continue" and "Cancel". */
export interface GitHubProvider {
  /** `http://localhost:port`, which is also the entry for EGRESS_ALLOW. */
  readonly origin: string
  readonly clientId: string
  readonly clientSecret: string
  /** Everything that was asked, pages and API. */
  readonly requests: readonly RecordedRequest[]
  /** Every code and access token that was issued so far. */
  readonly tokens: readonly string[]
  /** The only callback URL from now on, compared letter by letter (GitHub itself takes paths below it). */
  register(callbackUrl: string): void
  /** The `iss` of its answers from now on; undefined: none, as of older servers. */
  answerAs(iss: string | undefined): void
  /** Everybody from now on: for a login or an address that changes between two sign-ins. */
  replaceUsers(users: readonly GitHubUser[]): void
}

interface Grant {
  readonly id: number
  readonly scopes: readonly string[]
  readonly redirectUri: string
  readonly codeChallenge: string
}

interface State {
  users: readonly GitHubUser[]
  callbackUrl: string
  iss: string | undefined
  readonly clientId: string
  readonly clientSecret: string
  readonly tokens: string[]
  readonly codes: Map<string, Grant>
  readonly grants: Map<string, Grant>
}

const FIRST_ID = 1_001

const DOCS = 'https://docs.github.com/apps/managing-oauth-apps'

/** As GitHub words them. */
const TOKEN_ERRORS = {
  incorrect_client_credentials: 'The client_id and/or client_secret passed are incorrect.',
  redirect_uri_mismatch:
    'The redirect_uri MUST match the registered callback URL for this application.',
  bad_verification_code: 'The code passed is incorrect or expired.',
} as const

/** Starts one; it stops when the test ends. */
export async function startGitHubProvider(
  t: Cleanup,
  users: readonly GitHubUser[],
): Promise<GitHubProvider> {
  const state: State = {
    users,
    callbackUrl: '',
    iss: undefined,
    clientId: `Iv1.${randomBytes(8).toString('hex')}`,
    clientSecret: `canary-github-secret-${randomBytes(16).toString('hex')}`,
    tokens: [],
    codes: new Map(),
    grants: new Map(),
  }
  // As with the other provider, cookies know no ports: the product is at 127.0.0.1.
  const upstream = await startUpstream((request, response) => {
    const url = new URL(request.url, 'http://localhost')
    switch (`${request.method} ${url.pathname}`) {
      case 'GET /login/oauth/authorize':
        return authorize(state, url.searchParams, response)
      case 'POST /login/oauth/authorize':
        return decide(state, url.searchParams, new URLSearchParams(request.body), response)
      case 'POST /login/oauth/access_token':
        return exchange(state, request, response)
      case 'GET /api/v3/user':
      case 'GET /api/v3/user/emails':
        return answerApi(state, url.pathname, request, response)
      default:
        return answerJson(response, 404, { message: 'Not Found', status: '404' })
    }
  }, 'localhost')
  t.after(() => upstream.close())
  const { origin, requests } = upstream
  const { clientId, clientSecret, tokens } = state
  state.iss = `${origin}/login/oauth`
  return {
    origin,
    clientId,
    clientSecret,
    requests,
    tokens,
    register: (callbackUrl) => {
      state.callbackUrl = callbackUrl
    },
    answerAs: (iss) => {
      state.iss = iss
    },
    replaceUsers: (next) => {
      state.users = next
    },
  }
}

function answerJson(response: ServerResponse, status: number, body: unknown): void {
  response
    .writeHead(status, { 'content-type': 'application/json; charset=utf-8' })
    .end(JSON.stringify(body))
}

function answerPage(response: ServerResponse, status: number, message: string, form = ''): void {
  response
    .writeHead(status, { 'content-type': 'text/html; charset=utf-8' })
    .end(
      `<!doctype html><html lang="en"><title>GitHub</title><p role="alert">${message}</p>${form}`,
    )
}

/** The callback with these parameters, the provider's name for itself and the state that was sent. */
function redirect(
  state: State,
  query: URLSearchParams,
  response: ServerResponse,
  parameters: Readonly<Record<string, string>>,
): void {
  const url = new URL(state.callbackUrl)
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value)
  if (state.iss !== undefined) url.searchParams.set('iss', state.iss)
  const sent = query.get('state')
  if (sent !== null) url.searchParams.set('state', sent)
  response.writeHead(302, { location: url.href }).end()
}

/** True where the request may go on; else it is answered. */
function isRequestValid(state: State, query: URLSearchParams, response: ServerResponse): boolean {
  if (query.get('client_id') !== state.clientId || state.callbackUrl === '') {
    answerPage(response, 404, 'There is no such application')
    return false
  }
  if ((query.get('redirect_uri') ?? state.callbackUrl) !== state.callbackUrl) {
    const error = 'redirect_uri_mismatch'
    redirect(state, query, response, { error, error_description: TOKEN_ERRORS[error] })
    return false
  }
  // GitHub takes a request without; we never send one.
  if (query.get('code_challenge_method') !== 'S256' || !query.get('code_challenge')) {
    answerPage(response, 400, 'This test provider wants a code_challenge by S256')
    return false
  }
  return true
}

function authorize(state: State, query: URLSearchParams, response: ServerResponse): void {
  if (!isRequestValid(state, query, response)) return
  // Without an action a form is sent to the address of its own page, query included.
  answerPage(
    response,
    200,
    '',
    `<h1>Sign in to GitHub</h1>
    <form method="post"><label>Login <input name="login" type="text" autofocus></label>
    <button name="answer" value="continue">Continue</button>
    <button name="answer" value="cancel">Cancel</button></form>`,
  )
}

function decide(
  state: State,
  query: URLSearchParams,
  form: URLSearchParams,
  response: ServerResponse,
): void {
  if (!isRequestValid(state, query, response)) return
  if (form.get('answer') === 'cancel') {
    const error_description = 'The user has denied your application access.'
    return redirect(state, query, response, { error: 'access_denied', error_description })
  }
  const index = state.users.findIndex(({ login }) => login === form.get('login'))
  const user = state.users[index]
  if (user === undefined) return answerPage(response, 400, 'Nobody here has this login')
  const code = randomBytes(10).toString('hex')
  state.tokens.push(code)
  state.codes.set(code, {
    id: user.id ?? FIRST_ID + index,
    scopes: (query.get('scope') ?? '').split(/[ ,]+/).filter((scope) => scope !== ''),
    redirectUri: state.callbackUrl,
    codeChallenge: query.get('code_challenge') ?? '',
  })
  redirect(state, query, response, { code })
}

/** The grant that a code stood for, which it does once; or the error. */
function redeem(state: State, form: URLSearchParams): Grant | keyof typeof TOKEN_ERRORS {
  if (
    form.get('client_id') !== state.clientId ||
    form.get('client_secret') !== state.clientSecret
  ) {
    return 'incorrect_client_credentials'
  }
  const code = form.get('code') ?? ''
  const grant = state.codes.get(code)
  state.codes.delete(code)
  const verifier = form.get('code_verifier') ?? ''
  const challenge = createHash('sha256').update(verifier).digest('base64url')
  if (grant?.codeChallenge !== challenge) return 'bad_verification_code'
  const redirectUri = form.get('redirect_uri') ?? grant.redirectUri
  return redirectUri === grant.redirectUri ? grant : 'redirect_uri_mismatch'
}

function exchange(state: State, request: RecordedRequest, response: ServerResponse): void {
  const grant = redeem(state, new URLSearchParams(request.body))
  if (typeof grant === 'string') {
    const error_uri = `${DOCS}/troubleshooting-oauth-app-access-token-request-errors/#${grant.replaceAll('_', '-')}`
    const error = { error: grant, error_description: TOKEN_ERRORS[grant], error_uri }
    return answerToken(request, response, error)
  }
  const access_token = `gho_${randomBytes(18).toString('hex')}`
  state.tokens.push(access_token)
  state.grants.set(access_token, grant)
  answerToken(request, response, {
    access_token,
    token_type: 'bearer',
    scope: grant.scopes.join(','),
  })
}

/** A form, unless JSON is asked for; status 200 even of an error. */
function answerToken(
  request: RecordedRequest,
  response: ServerResponse,
  body: Readonly<Record<string, string>>,
): void {
  if (request.headers.accept?.includes('application/json')) return answerJson(response, 200, body)
  response
    .writeHead(200, { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' })
    .end(new URLSearchParams(body).toString())
}

function answerApi(
  state: State,
  path: string,
  { headers }: RecordedRequest,
  response: ServerResponse,
): void {
  const refuse = (status: number, message: string) =>
    answerJson(response, status, { message, status: String(status) })
  if (headers['user-agent'] === undefined) {
    return refuse(403, 'Request forbidden by administrative rules: a User-Agent header is required')
  }
  const token = /^(?:Bearer|token) (.+)$/i.exec(headers.authorization ?? '')?.[1]
  if (token === undefined) return refuse(401, 'Requires authentication')
  const grant = state.grants.get(token)
  const { users } = state
  const user = users.find(({ id }, index) => (id ?? FIRST_ID + index) === grant?.id)
  if (grant === undefined || user === undefined) return refuse(401, 'Bad credentials')
  if (path === '/api/v3/user') {
    const { login, name } = user
    const avatar_url = `https://avatars.githubusercontent.com/u/${grant.id}?v=4`
    return answerJson(response, 200, { login, id: grant.id, avatar_url, name, email: null })
  }
  // As GitHub does without the scope: what may not be seen is not there.
  if (!grant.scopes.some((scope) => scope === 'user' || scope === 'user:email')) {
    return refuse(404, 'Not Found')
  }
  const emails = user.emails.map(({ email, primary, verified = true }, index) => ({
    email,
    primary: primary ?? index === 0,
    verified,
    visibility: null,
  }))
  answerJson(response, 200, emails)
}

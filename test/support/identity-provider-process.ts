// A certified OpenID provider, `oidc-provider`, as a process of its own: its keys, cookies and event
// loop are not the product's. Reads a JSON command a line on stdin and answers each with a line on
// stdout, in order; ends with its stdin, so that no killed test leaves it behind.
import { Console } from 'node:console'
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import type { Adapter, AdapterPayload, ClientAuthMethod, ClientMetadata } from 'oidc-provider'

/** Somebody who can sign in, as the claims say it. */
export interface ProviderAccount {
  readonly sub: string
  readonly email: string
  readonly name: string
  readonly picture?: string
  readonly isEmailVerified: boolean
}

/** From the test. `start` comes first and once. */
export type ToProvider =
  | {
      readonly type: 'start'
      readonly clientId: string
      readonly clientSecret: string
      readonly clientAuthMethod: ClientAuthMethod
      readonly accounts: readonly ProviderAccount[]
    }
  /** The client's only redirect URIs from now on. */
  | { readonly type: 'register'; readonly redirectUris: readonly string[] }
  /** Everybody from now on; a `sub` that is missing is gone. */
  | { readonly type: 'replace-accounts'; readonly accounts: readonly ProviderAccount[] }
  | { readonly type: 'list-tokens' }

/** To the test: the answer to each command. */
export type FromProvider =
  | { readonly type: 'started'; readonly issuer: string }
  | { readonly type: 'done' }
  /** Codes, access, ID and refresh tokens in the order of their issue. */
  | { readonly type: 'tokens'; readonly tokens: readonly string[] }

// stdout is the answers', and oidc-provider prints notices as it is imported.
globalThis.console = new Console(process.stderr, process.stderr)
const { default: Provider } = await import('oidc-provider')

const tokens: string[] = []
const stored = new Map<string, AdapterPayload>()
let client: ClientMetadata = { client_id: '' }
let accounts: readonly ProviderAccount[] = []

/** Expiry is oidc-provider's own check; a client without a redirect URI is not there yet. */
function createAdapter(model: string): Adapter {
  const key = (id: string) => `${model}:${id}`
  return {
    upsert: async (id, payload) => void stored.set(key(id), payload),
    find: async (id) => {
      if (model !== 'Client') return stored.get(key(id))
      return id === client.client_id && client.redirect_uris !== undefined ? client : undefined
    },
    findByUid: async (uid) =>
      [...stored].find(([id, { uid: own }]) => id.startsWith(key('')) && own === uid)?.[1],
    findByUserCode: async () => undefined,
    consume: async (id) => {
      const payload = stored.get(key(id))
      if (payload) payload.consumed = Math.floor(Date.now() / 1_000)
    },
    destroy: async (id) => void stored.delete(key(id)),
    revokeByGrantId: async (grantId) => {
      for (const [id, payload] of stored) if (payload.grantId === grantId) stored.delete(id)
    },
  }
}

function createProvider(issuer: string) {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 })
  const provider = new Provider(issuer, {
    adapter: createAdapter,
    jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256' }] },
    cookies: { keys: [randomBytes(32).toString('hex')] },
    claims: { openid: ['sub'], profile: ['name', 'picture'], email: ['email', 'email_verified'] },
    features: { devInteractions: { enabled: false } },
    pkce: { required: () => true },
    ttl: {
      AccessToken: 3_600,
      AuthorizationCode: 60,
      Grant: 3_600,
      IdToken: 3_600,
      Interaction: 3_600,
      RefreshToken: 3_600,
      Session: 3_600,
    },
    findAccount: (_context, sub) => {
      const account = accounts.find((other) => other.sub === sub)
      if (account === undefined) return undefined
      const { isEmailVerified, ...claims } = account
      return { accountId: sub, claims: () => ({ ...claims, email_verified: isEmailVerified }) }
    },
    // Its own page for errors has the browser fetch a font from fonts.googleapis.com.
    renderError: (context, { error, error_description }) => {
      context.type = 'html'
      context.body = page(`${error}: ${error_description}`, '')
    },
    // Who signs in has agreed: the recipe of oidc-provider's for a client that is its owner's own.
    loadExistingGrant: async ({ oidc }) => {
      const { client: asking, session } = oidc
      if (!asking || !session?.accountId) return undefined
      const known = session.grantIdFor(asking.clientId)
      if (known !== undefined) return oidc.provider.Grant.find(known)
      const { Grant } = oidc.provider
      const grant = new Grant({ clientId: asking.clientId, accountId: session.accountId })
      grant.addOIDCScope('openid profile email offline_access')
      await grant.save()
      return grant
    },
  })
  provider.on('authorization.success', (_context, answer) => record(answer))
  provider.on('grant.success', ({ body }) => record(body))
  return provider
}

function record(answer: unknown): void {
  const all = answer as Readonly<Record<string, unknown>>
  for (const name of ['code', 'access_token', 'id_token', 'refresh_token']) {
    if (typeof all[name] === 'string') tokens.push(all[name])
  }
}

const FORM = `<form method="post">
<label>Email <input name="email" type="text" autofocus></label>
<button name="answer" value="continue">Continue</button>
<button name="answer" value="cancel">Cancel</button></form>`

const page = (message: string, form = FORM) => `<!doctype html><html lang="en">
<title>Provider</title><h1>Sign in at the provider</h1><p role="alert">${message}</p>${form}</html>`

/** The page on which somebody says who they are. */
async function interact(
  provider: ReturnType<typeof createProvider>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  response.setHeader('content-type', 'text/html; charset=utf-8')
  if (request.method !== 'POST') return void response.end(page(''))
  const form = new URLSearchParams(await text(request))
  if (form.get('answer') === 'cancel') {
    const error_description = 'End-User aborted interaction'
    const refusal = { error: 'access_denied', error_description }
    return provider.interactionFinished(request, response, refusal)
  }
  const account = accounts.find(({ email }) => email === form.get('email'))
  if (account === undefined) {
    response.statusCode = 400
    return void response.end(page('Nobody here has this address'))
  }
  const login = { accountId: account.sub, remember: true }
  return provider.interactionFinished(request, response, { login })
}

/** The issuer. */
async function start(command: ToProvider & { readonly type: 'start' }): Promise<string> {
  client = {
    client_id: command.clientId,
    client_secret: command.clientSecret,
    token_endpoint_auth_method: command.clientAuthMethod,
    grant_types: ['authorization_code', 'refresh_token'],
  }
  accounts = command.accounts
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const issuer = `http://localhost:${(server.address() as AddressInfo).port}`
  const provider = createProvider(issuer)
  const answer = provider.callback()
  server.on('request', (request, response) => {
    if (!request.url?.startsWith('/interaction/')) return void answer(request, response)
    interact(provider, request, response).catch((error: unknown) => {
      console.error(error)
      response.writeHead(500).end(String(error))
    })
  })
  return issuer
}

async function obey(command: ToProvider): Promise<FromProvider> {
  switch (command.type) {
    case 'start':
      return { type: 'started', issuer: await start(command) }
    case 'register':
      client = { ...client, redirect_uris: command.redirectUris }
      return { type: 'done' }
    case 'replace-accounts':
      accounts = command.accounts
      return { type: 'done' }
    case 'list-tokens':
      return { type: 'tokens', tokens }
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const answer = await obey(JSON.parse(line) as ToProvider)
  process.stdout.write(`${JSON.stringify(answer)}\n`)
}
process.exit()

// Providers that lie: what they say of who somebody is, and how they answer. Each row has one outcome, and
// whatever it does beyond that stands in the outcome too.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { createIdentityFetch } from '../server/sign-in/identity-fetch.ts'
import { createOpenIdProvider } from '../server/sign-in/openid-provider.ts'
import { SignInError } from '../server/sign-in/provider.ts'
import {
  forge,
  JWKS,
  macWith,
  OTHER_JWK,
  OTHER_KEY,
  PUBLIC_PEM,
  signWith,
  WEAK_JWKS,
  WEAK_KEY,
  type Forgery,
} from './support/forged-token.ts'
import {
  HOSTILE_PERSON,
  startHostileProvider,
  type HostileAnswer,
  type HostileEndpoint,
} from './support/hostile-provider.ts'
import {
  agree,
  assertRows,
  openClient,
  openStage,
  outcomeOf,
  signIn,
  type Plan,
} from './support/sign-in-drive.ts'
import { startUpstream } from './support/upstream.ts'

const SIGNED_IN = '303 / as mallory@example.com'
const FAILED = '502 The identity provider did not answer as it should'
const UNVERIFIED = '403 Your address is not verified'

// The first test's person is known to the others.
const stage = await openStage({ after })
const lure = await startUpstream()
after(() => lure.close())

/** Whatever a provider names is not asked: it would be this listener. */
function assertNothingLured(): void {
  assert.deepEqual([lure.requests, lure.connectionCount()], [[], 0])
}

const NOW = Math.floor(Date.now() / 1_000)
const byOther = signWith(OTHER_KEY)

function forgeries(): Readonly<Record<string, readonly [string, Forgery]>> {
  const jwk = OTHER_JWK
  return {
    honest: [`${SIGNED_IN} new`, {}],
    'alg none, no signature': [FAILED, { header: { alg: 'none' }, sign: () => '' }],
    'alg None': [FAILED, { header: { alg: 'None' }, sign: () => '' }],
    'alg nOnE under a good signature': [FAILED, { header: { alg: 'nOnE' } }],
    'alg missing': [FAILED, { header: { alg: undefined } }],
    'alg a list': [FAILED, { header: { alg: ['RS256'] } }],
    "HS256 by the client's secret": [
      FAILED,
      { header: { alg: 'HS256' }, sign: macWith(stage.provider.clientSecret) },
    ],
    'HS256 by the public key': [FAILED, { header: { alg: 'HS256' }, sign: macWith(PUBLIC_PEM) }],
    'HS256 by nothing': [FAILED, { header: { alg: 'HS256' }, sign: macWith('') }],
    'ES256 of zeros': [
      FAILED,
      { header: { alg: 'ES256' }, sign: () => Buffer.alloc(64).toString('base64url') },
    ],
    'another key': [FAILED, { sign: byOther }],
    'another key, no kid': [FAILED, { header: { kid: undefined }, sign: byOther }],
    'no kid': [SIGNED_IN, { header: { kid: undefined } }],
    'unknown kid': [FAILED, { header: { kid: 'other' }, sign: byOther }],
    'kid a path': [FAILED, { header: { kid: '../../../../dev/null' }, sign: macWith('') }],
    'kid SQL': [FAILED, { header: { kid: "' or ''='" } }],
    'kid a URL': [FAILED, { header: { kid: `${lure.origin}/kid` } }],
    'kid of 100 KiB': [FAILED, { header: { kid: 'k'.repeat(102_400) } }],
    'kid of 1 MiB': [FAILED, { header: { kid: 'k'.repeat(1_048_576) } }],
    'kid an object': [FAILED, { header: { kid: {} } }],
    'its own jwk': [FAILED, { header: { jwk }, sign: byOther }],
    'its own jwk, no kid': [FAILED, { header: { kid: undefined, jwk }, sign: byOther }],
    'jku elsewhere': [
      FAILED,
      { header: { jku: `${lure.origin}/jku`, kid: 'other' }, sign: byOther },
    ],
    'x5u elsewhere': [FAILED, { header: { x5u: `${lure.origin}/x5u` }, sign: byOther }],
    'x5c of its own': [FAILED, { header: { x5c: ['MIIB'] }, sign: byOther }],
    'crit unknown': [FAILED, { header: { crit: ['x'], x: 1 } }],
    'crit empty': [FAILED, { header: { crit: [] } }],
    'payload not encoded': [FAILED, { header: { b64: false, crit: ['b64'] } }],
    'typ of an access token': [FAILED, { header: { typ: 'at+jwt' } }],
    'typ of a logout token': [FAILED, { header: { typ: 'logout+jwt' } }],
    'typ a number': [FAILED, { header: { typ: 1 } }],
    'typ JWT': [SIGNED_IN, { header: { typ: 'JWT' } }],
    'typ jwt': [SIGNED_IN, { header: { typ: 'jwt' } }],
    'exp a minute ago': [FAILED, { claims: { exp: NOW - 61 } }],
    'exp ten seconds ago': [SIGNED_IN, { claims: { exp: NOW - 10 } }],
    'exp missing': [FAILED, { claims: { exp: undefined } }],
    'exp a text': [FAILED, { claims: { exp: String(NOW + 300) } }],
    'exp 1e308': [FAILED, { claims: { exp: 1e308 } }],
    'nbf in two minutes': [FAILED, { claims: { nbf: NOW + 120 } }],
    'nbf a text': [FAILED, { claims: { nbf: '0' } }],
    'iat in two minutes': [FAILED, { claims: { iat: NOW + 120 } }],
    'iat in half a minute': [SIGNED_IN, { claims: { iat: NOW + 30 } }],
    'iat missing': [FAILED, { claims: { iat: undefined } }],
    'iat a text': [FAILED, { claims: { iat: String(NOW) } }],
    'aud of another': [FAILED, { claims: { aud: 'other' } }],
    'aud in capitals': [FAILED, { claims: { aud: 'HASMCP' } }],
    'aud missing': [FAILED, { claims: { aud: undefined } }],
    'aud empty': [FAILED, { claims: { aud: [] } }],
    'aud a list of us': [SIGNED_IN, { claims: { aud: ['hasmcp'] } }],
    'aud of two, no azp': [FAILED, { claims: { aud: ['hasmcp', 'other'] } }],
    'aud of two, azp another': [FAILED, { claims: { aud: ['hasmcp', 'other'], azp: 'other' } }],
    'aud of two, azp us': [SIGNED_IN, { claims: { aud: ['hasmcp', 'other'], azp: 'hasmcp' } }],
    'iss another': [FAILED, { claims: { iss: 'https://accounts.google.com' } }],
    'iss missing': [FAILED, { claims: { iss: undefined } }],
    'sub missing': [FAILED, { claims: { sub: undefined } }],
    'sub a number': [FAILED, { claims: { sub: 1 } }],
    'sub of somebody else than the user info': [FAILED, { claims: { sub: 'hostile-2' } }],
    'nonce another': [FAILED, { claims: { nonce: 'x'.repeat(43) } }],
    'nonce missing': [FAILED, { claims: { nonce: undefined } }],
    'nonce empty': [FAILED, { claims: { nonce: '' } }],
    'a bit of the signature': [FAILED, { whole: (token) => flip(token, token.length - 100) }],
    'a bit of the payload': [FAILED, { whole: (token) => flip(token, token.indexOf('.') + 30) }],
    'cut by one': [FAILED, { whole: (token) => token.slice(0, -1) }],
    'signature empty': [FAILED, { sign: () => '' }],
    'two parts': [FAILED, { whole: (token) => token.slice(0, token.lastIndexOf('.')) }],
    'five parts': [FAILED, { whole: (token) => `${token}..` }],
    empty: [FAILED, { whole: () => '' }],
    'three dots': [FAILED, { whole: () => '..' }],
    'claims a list': [FAILED, { whole: (token) => token.replace(/\..*\./, '.W10.') }],
    'an address that is not verified beside a user info where it is': [
      UNVERIFIED,
      { claims: { email: 'ada@example.com', email_verified: false, name: 'Ada' } },
    ],
  }
}

function flip(token: string, at: number): string {
  return `${token.slice(0, at)}${token[at] === 'A' ? 'B' : 'A'}${token.slice(at + 1)}`
}

test('an ID token signs somebody in only if every part of it is right; what it points to is never asked', async () => {
  const { issuer } = stage.provider
  const rows = {
    ...forgeries(),
    'iss with a slash': [FAILED, { claims: { iss: `${issuer}/` } }],
    'iss in capitals': [FAILED, { claims: { iss: issuer.toUpperCase() } }],
  } as const satisfies Record<string, readonly [string, Forgery]>
  await assertRows(rows, ([, forgery]) =>
    outcomeOf(stage.app, () => signIn(stage, openClient(stage.app), { forgery })),
  )
  assertNothingLured()
})

/** In this order: who was there before is who it is afterwards. */
const ADDRESSES: readonly (readonly [expected: string, email: unknown])[] = [
  ['303 / as ada@example.com new', 'ada@example.com'],
  ['303 / as ada@example.com', 'ADA@EXAMPLE.COM'],
  ['303 / as ada+1@example.com new', 'ada+1@example.com'],
  ['303 / as a.da@example.com new', 'a.da@example.com'],
  ['303 / as \u0430da@example.com new', '\u0430da@example.com'],
  ['303 / as \uFF41da@example.com new', '\uFF41da@example.com'],
  ['303 / as ada@xn--exmple-4nf.com new', 'ada@ex\u0430mple.com'],
  ['303 / as bo@xn--mnchen-3ya.de new', 'bo@m\u00FCnchen.de'],
  ['303 / as bo@xn--mnchen-3ya.de', 'bo@xn--mnchen-3ya.de'],
  ['303 / as bo@xn--mnchen-3ya.de', 'BO@M\u00DCNCHEN.DE'],
  ['303 / as bo@xn--fa-hia.de new', 'bo@fa\u00DF.de'],
  ['303 / as \u00E9@example.com new', '\u00E9@example.com'],
  [UNVERIFIED, 'e\u0301@example.com'],
  [UNVERIFIED, '\u212Aada@example.com'],
  [UNVERIFIED, 'ada@\u212Aexample.com'],
  [UNVERIFIED, 'ada@\uFF45xample.com'],
  [UNVERIFIED, 'ada@example\u3002com'],
  [UNVERIFIED, 'ada@\u017Fexample.com'],
  [UNVERIFIED, 'a\u200Bda@example.com'],
  [UNVERIFIED, 'ada@exa\u200Bmple.com'],
  [UNVERIFIED, 'ada@exa\u00ADmple.com'],
  [UNVERIFIED, 'ada@exa\u200Dmple.com'],
  [UNVERIFIED, 'ada@example.com.'],
  [UNVERIFIED, '.ada@example..com'],
  [UNVERIFIED, 'ada@example.com/evil.example'],
  [UNVERIFIED, 'ada@example.com#.evil.example'],
  [UNVERIFIED, 'ada@example.com?.evil.example'],
  [UNVERIFIED, 'ada@example.com\\.evil.example'],
  [UNVERIFIED, 'ada@example.com:25'],
  [UNVERIFIED, 'ada@ex%61mple.com'],
  [UNVERIFIED, 'ada@example.com@evil.example'],
  [UNVERIFIED, 'ada@evil.example,ada@example.com'],
  [UNVERIFIED, '<ada@example.com>'],
  [UNVERIFIED, '"ada"@example.com'],
  [UNVERIFIED, 'ada(bo)@example.com'],
  [UNVERIFIED, ' ada@example.com'],
  [UNVERIFIED, 'ada@example.com\r\nBcc: bo@example.com'],
  [UNVERIFIED, 'ada\u0000@example.com'],
  [UNVERIFIED, 'ada\uD800@example.com'],
  [UNVERIFIED, 'ada@exam\uD800ple.com'],
  [UNVERIFIED, 'ada@[127.0.0.1]'],
  [UNVERIFIED, 'ada@127.0.0.1'],
  [UNVERIFIED, 'ada@1.2'],
  [UNVERIFIED, 'owner@localhost'],
  [UNVERIFIED, 'OWNER@LOCALHOST'],
  [UNVERIFIED, 'owner@localhost.'],
  [UNVERIFIED, 'owner@\uFF4Cocalhost'],
  [UNVERIFIED, `${'a'.repeat(65)}@example.com`],
  [UNVERIFIED, `ada@${'a.'.repeat(125)}com`],
  [UNVERIFIED, 'ada'],
  [UNVERIFIED, '@example.com'],
  [UNVERIFIED, 'ada@'],
  [UNVERIFIED, ''],
  [UNVERIFIED, ['ada@example.com']],
  [UNVERIFIED, { toString: 'ada@example.com' }],
  [UNVERIFIED, null],
  [UNVERIFIED, undefined],
]

/** Of `email_verified`, and whatever else a provider says of the same person. */
const CLAIMS: Readonly<Record<string, readonly [string, Readonly<Record<string, unknown>>]>> = {
  'email_verified false': [UNVERIFIED, { email_verified: false }],
  'email_verified missing': [UNVERIFIED, { email_verified: undefined }],
  'email_verified "true"': [UNVERIFIED, { email_verified: 'true' }],
  'email_verified 1': [UNVERIFIED, { email_verified: 1 }],
  'email_verified null': [UNVERIFIED, { email_verified: null }],
  'sub another': [FAILED, { sub: 'hostile-2' }],
  'sub missing': [FAILED, { sub: undefined }],
  'sub a list': [FAILED, { sub: [HOSTILE_PERSON.sub] }],
  'name an object': [SIGNED_IN, { name: { first: 'Mallory' } }],
  'name with NUL, of 10,000 characters': [SIGNED_IN, { name: '\u0000\uD800'.repeat(5_000) }],
  'picture a script': [SIGNED_IN, { picture: 'javascript:alert(1)' }],
}

test('an address is somebody only where all mail systems agree, and only if the provider has verified it', async () => {
  const send = (userinfo: Readonly<Record<string, unknown>>) =>
    outcomeOf(stage.app, () => signIn(stage, openClient(stage.app), { userinfo }))
  const rows = ADDRESSES.map(([expected, email]) => [JSON.stringify(email), [expected, email]])
  await assertRows(
    Object.fromEntries(rows) as Record<string, readonly [string, unknown]>,
    ([, email]) => send({ email }),
  )
  await assertRows(CLAIMS, ([, userinfo]) => send(userinfo))
})

/** How each endpoint answers; all of it is refused. */
const ANSWERS: Readonly<Record<string, HostileAnswer>> = {
  'HTML that says so': { contentType: 'text/html', body: '<h1>canary</h1>' },
  'HTML that says JSON': { body: '<h1>canary</h1>' },
  'an empty body': { body: '' },
  'a list': { body: '[]' },
  null: { body: 'null' },
  'deep JSON': { body: '['.repeat(100_000) },
  '10 MB': { paddingBytes: 10_000_000 },
  'bytes for ever': { fault: 'endless' },
  'a cut connection': { fault: 'reset' },
  'status 500': { status: 500 },
  'status 400 with an error': { status: 400, body: '{"error":"invalid_grant"}' },
  'status 401 with a challenge': { status: 401, headers: { 'www-authenticate': 'Bearer' } },
  'status 204': { status: 204, body: '' },
  'an unknown coding': { headers: { 'content-encoding': 'compress' } },
}

const ENDPOINTS: readonly HostileEndpoint[] = ['discovery', 'token', 'jwks', 'userinfo']

test('an endpoint that answers anything else than it should signs nobody in, and no redirect is followed', async () => {
  const fresh = stage.nextId()
  const faults = {
    ...ANSWERS,
    'a redirect': { status: 302, headers: { location: `${lure.origin}/redirected` } },
    'a redirect that keeps the body': { status: 307, headers: { location: `${lure.origin}/` } },
  }
  const cells = ENDPOINTS.flatMap((endpoint) =>
    Object.entries(faults).map(([name, answer]) => {
      const plan: Plan = { answers: { [endpoint]: answer } }
      return [`${endpoint}: ${name}`, [FAILED, plan]] as const
    }),
  )
  const tokenBodies = {
    'an error instead of tokens': { error: 'x', access_token: undefined, id_token: undefined },
    'no access token': { access_token: undefined },
    'an access token of a list': { access_token: [] },
    'no ID token': { id_token: undefined },
    'another kind of token': { token_type: 'mac' },
    'a lifetime that is none': { expires_in: 'x' },
    'a lifetime before now': { expires_in: -1 },
  }
  const bodies = Object.entries(tokenBodies).map(([name, tokenBody]) => {
    return [`token: ${name}`, [FAILED, { tokenBody } satisfies Plan]] as const
  })
  // One that declined at the token endpoint has declined.
  const declined: Plan = {
    answers: { token: { status: 400, body: '{"error":"access_denied"}' } },
  }
  await assertRows(
    Object.fromEntries([
      ...cells,
      ...bodies,
      ['token: declined', ['403 You were not signed in', declined]],
      ['jwks: honest', [SIGNED_IN, {}]],
    ] as const) as Record<string, readonly [string, Plan]>,
    async ([, plan], name) => {
      // Metadata and keys that were once good are kept for a while.
      const providerId = /^(discovery|jwks)/.test(name) ? fresh : 'p0'
      return await outcomeOf(stage.app, () =>
        signIn(stage, openClient(stage.app), { providerId, ...plan }),
      )
    },
  )
  assertNothingLured()
})

test('metadata that names another issuer, or leads to what is private, signs nobody in and sends nothing there', async () => {
  const { issuer, clientSecret } = stage.provider
  const first = stage.nextId()
  const bomb = gzipSync(Buffer.alloc(50_000_000)).toString('latin1')
  const rows: Readonly<Record<string, readonly [string, Plan]>> = {
    'issuer another': [
      FAILED,
      { providerId: first, metadata: { issuer: 'https://accounts.google.com' } },
    ],
    'issuer missing': [FAILED, { providerId: first, metadata: { issuer: undefined } }],
    'issuer a number': [FAILED, { providerId: first, metadata: { issuer: 1 } }],
    'issuer with a slash, which its tokens lack': [FAILED, { metadata: { issuer: `${issuer}/` } }],
    'issuer in capitals': [FAILED, { metadata: { issuer: issuer.toUpperCase() } }],
    'token endpoint on loopback': [FAILED, { metadata: { token_endpoint: lure.origin } }],
    'token endpoint is the metadata service': [
      FAILED,
      { metadata: { token_endpoint: 'http://169.254.169.254/latest/api/token' } },
    ],
    'token endpoint is the metadata service, mapped': [
      FAILED,
      { metadata: { token_endpoint: 'https://[::ffff:169.254.169.254]/' } },
    ],
    'token endpoint by an internal name': [
      FAILED,
      { metadata: { token_endpoint: 'https://metadata.google.internal/' } },
    ],
    'token endpoint a file': [FAILED, { metadata: { token_endpoint: 'file:///etc/passwd' } }],
    'token endpoint with a password': [
      FAILED,
      { metadata: { token_endpoint: issuer.replace('://', '://a:b@') } },
    ],
    'keys on loopback': [FAILED, { metadata: { jwks_uri: `${lure.origin}/jwks` } }],
    'keys in a private net': [FAILED, { metadata: { jwks_uri: 'https://10.0.0.1/jwks' } }],
    'keys missing': [FAILED, { metadata: { jwks_uri: undefined } }],
    'user info on loopback': [FAILED, { metadata: { userinfo_endpoint: `${lure.origin}/me` } }],
    'authorization by a script': [
      FAILED,
      { metadata: { authorization_endpoint: 'javascript:alert(1)' } },
    ],
    'algorithms with none': [
      FAILED,
      {
        metadata: { id_token_signing_alg_values_supported: ['none'] },
        forgery: { header: { alg: 'none' }, sign: () => '' },
      },
    ],
    'algorithms with HS256': [
      FAILED,
      {
        metadata: { id_token_signing_alg_values_supported: ['HS256'] },
        forgery: { header: { alg: 'HS256' }, sign: macWith(clientSecret) },
      },
    ],
    'a key of 1,024 bits': [
      FAILED,
      {
        answers: { jwks: { body: JSON.stringify(WEAK_JWKS) } },
        forgery: { sign: signWith(WEAK_KEY) },
      },
    ],
    'a bomb': [
      FAILED,
      { answers: { jwks: { body: bomb, headers: { 'content-encoding': 'gzip' } } } },
    ],
  }
  await assertRows(rows, async ([, plan]) => {
    const providerId = plan.providerId ?? stage.nextId()
    return await outcomeOf(stage.app, () =>
      signIn(stage, openClient(stage.app), { ...plan, providerId }),
    )
  })
  assertNothingLured()
})

test('a provider that keeps its answer back is given up on, wherever it stops', async (t) => {
  const timeoutMs = 300
  const give = async (endpoint: HostileEndpoint, fault: 'silent' | 'stalled') => {
    const provider = await startHostileProvider(t)
    const { issuer, clientId, clientSecret } = provider
    const jwks = { body: JSON.stringify(JWKS) }
    const product = createOpenIdProvider(
      { type: 'oidc', id: 'x', name: 'X', issuer, clientId, clientSecret },
      createIdentityFetch('', [issuer], timeoutMs),
    )
    const secrets = { state: 'state', nonce: 'nonce', codeVerifier: 'v'.repeat(43) }
    const claims = { iss: issuer, aud: clientId, nonce: 'nonce', iat: NOW, exp: NOW + 900 }
    provider.behave({
      idToken: forge({ ...claims, sub: HOSTILE_PERSON.sub }, {}),
      answers: { jwks, [endpoint]: { ...(endpoint === 'jwks' && jwks), fault } },
    })
    const since = performance.now()
    const end = async (): Promise<string> => {
      const url = await product.begin(new URL('http://127.0.0.1/callback'), secrets)
      return (await product.finish(await agree(url), secrets)).email
    }
    const outcome = await end().catch((error: unknown) =>
      error instanceof SignInError ? error.code : String(error),
    )
    return [outcome, performance.now() - since < 10 * timeoutMs]
  }
  const outcomes = await Promise.all(
    ENDPOINTS.flatMap((endpoint) => [give(endpoint, 'silent'), give(endpoint, 'stalled')]),
  )
  assert.deepEqual(
    outcomes,
    outcomes.map(() => ['PROVIDER_FAILED', true]),
  )
})

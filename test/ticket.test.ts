// Tickets and the keys that sign them: what opens a download once, and everything that does not.
import assert from 'node:assert/strict'
import { createHmac, generateKeyPairSync, sign } from 'node:crypto'
import { test, type TestContext } from 'node:test'
import { calculateJwkThumbprint, decodeProtectedHeader, exportJWK, SignJWT } from 'jose'
import { startApp, type TestApp } from './support/app.ts'

const HASMCP_ADMIN_KEY = 'a'.repeat(16) + '0123456789abcdef'
const FROM = { ip: '192.0.2.1' }

interface Scene {
  readonly app: TestApp
  readonly origin: string
  issue(): Promise<string>
  /** The status of the download with that ticket. */
  open(ticket: string): Promise<number>
  rotate(): Promise<string>
}

async function openScene(t: TestContext): Promise<Scene> {
  const app = await startApp(t, { HASMCP_ADMIN_KEY })
  const { origin } = new URL(app.graphqlUrl)
  const mutate = async <T>(query: string): Promise<T> => {
    const request = new Request(app.graphqlUrl, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${HASMCP_ADMIN_KEY}`,
        'content-type': 'application/json',
      },
      body: JSON.stringify({ query }),
    })
    const { data } = (await (await app.app(request, FROM)).json()) as { data: T }
    return data
  }
  return {
    app,
    origin,
    async issue() {
      const { createTicket } = await mutate<{ createTicket: { data: { url: string } } }>(
        'mutation { createTicket(purpose: SCHEMA) { ... on CreateTicketSuccess { data { url } } } }',
      )
      const { url } = createTicket.data
      assert.ok(url.startsWith(`${origin}/schema.graphql?ticket=`), url)
      return new URL(url).searchParams.get('ticket') ?? ''
    },
    async open(ticket) {
      const url = `${origin}/schema.graphql?ticket=${encodeURIComponent(ticket)}`
      const response = await app.app(new Request(url), FROM)
      const text = await response.text()
      assert.equal(response.status === 200, text.includes('type Query {'))
      return response.status
    },
    async rotate() {
      const { rotateSigningKey } = await mutate<{ rotateSigningKey: { data: string } }>(
        'mutation { rotateSigningKey { ... on RotateSigningKeySuccess { data } } }',
      )
      return rotateSigningKey.data
    },
  }
}

async function listKeys({ app, origin }: Scene) {
  const response = await app.app(new Request(`${origin}/.well-known/jwks.json`), FROM)
  const { keys } = (await response.json()) as { readonly keys: readonly Record<string, string>[] }
  return keys
}

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
const decode = (part = '') =>
  JSON.parse(Buffer.from(part, 'base64url').toString()) as Record<string, unknown>

test('a ticket opens its download once, by a key that is published and can be changed', async (t) => {
  const scene = await openScene(t)
  const first = await scene.issue()
  assert.equal(await scene.open(first), 200)
  assert.equal(await scene.open(first), 401, 'twice')
  const two = await Promise.all([scene.issue(), scene.issue()])
  const race = await Promise.all([two[0], two[0], two[1]].map((ticket) => scene.open(ticket)))
  assert.deepEqual(
    race.toSorted((a, b) => a - b),
    [200, 200, 401],
  )

  const [key, ...others] = await listKeys(scene)
  assert.deepEqual(others, [])
  assert.deepEqual(Object.keys(key ?? {}).toSorted(), ['alg', 'crv', 'kid', 'kty', 'use', 'x'])
  assert.deepEqual(decodeProtectedHeader(first), {
    alg: 'EdDSA',
    typ: 'hasmcp-ticket+jwt',
    kid: key?.['kid'],
  })
  const before = await scene.issue()
  const kid = await scene.rotate()
  assert.deepEqual(
    (await listKeys(scene)).map((one) => one['kid']),
    [kid, key?.['kid']],
  )
  const after = await scene.issue()
  assert.equal(decodeProtectedHeader(after).kid, kid)
  assert.deepEqual([await scene.open(before), await scene.open(after)], [200, 200])
})

test('nobody but the administrator changes keys, and nobody without a credential gets the schema', async (t) => {
  const { app, origin } = await startApp(t).then((started) => ({
    app: started,
    origin: new URL(started.graphqlUrl).origin,
  }))
  const headers = { authorization: `Bearer ${app.apiKey}`, 'content-type': 'application/json' }
  const body = '{"query":"mutation { rotateSigningKey { __typename } }"}'
  const refused = await app.app(
    new Request(app.graphqlUrl, { method: 'POST', headers, body }),
    FROM,
  )
  assert.equal(refused.status, 403)
  const schema = `${origin}/schema.graphql`
  assert.equal((await app.app(new Request(schema), FROM)).status, 401)
  const byKey = await app.app(new Request(schema, { headers }), FROM)
  assert.equal(byKey.status, 200)
  assert.equal(byKey.headers.get('content-disposition'), 'attachment; filename="schema.graphql"')
})

test('a forged, altered, foreign or stale ticket opens nothing, and looks nothing up', async (t) => {
  const scene = await openScene(t)
  const good = await scene.issue()
  const [header = '', payload = '', signature = ''] = good.split('.')
  const head = decode(header)
  const claims = decode(payload)
  const [published] = await listKeys(scene)
  const own = generateKeyPairSync('ed25519')
  const ownJwk = await exportJWK(own.publicKey)
  const signed = (more: object, change: object = {}) => {
    const text = `${encode({ ...head, ...more })}.${encode({ ...claims, ...change })}`
    return `${text}.${sign(null, Buffer.from(text), own.privateKey).toString('base64url')}`
  }
  const unsigned = (alg: string) => `${encode({ ...head, alg })}.${payload}.`
  const hmac = (secret: string) => {
    const text = `${encode({ ...head, alg: 'HS256' })}.${payload}`
    return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`
  }
  const resigned = (change: object) => `${header}.${encode({ ...claims, ...change })}.${signature}`
  const now = Math.floor(Date.now() / 1000)
  const table: Readonly<Record<string, string>> = {
    empty: '',
    'no JWT': 'a.b.c',
    'alg none': unsigned('none'),
    'alg None': unsigned('None'),
    'alg nOnE': unsigned('nOnE'),
    'no signature': `${header}.${payload}.`,
    'two parts': `${header}.${payload}`,
    'cut signature': good.slice(0, -4),
    'another bit': `${header}.${payload}.${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`,
    'all zero signature': `${header}.${payload}.${Buffer.alloc(64).toString('base64url')}`,
    'HS256 with the public key': hmac(published?.['x'] ?? ''),
    'HS256 with the key id': hmac(published?.['kid'] ?? ''),
    'own key under the known kid': signed({}),
    'own key with its thumbprint': signed({ kid: await calculateJwkThumbprint(ownJwk) }),
    'own key in jwk': signed({ jwk: ownJwk }),
    'own key at jku': signed({ jku: 'http://127.0.0.1:9/jwks' }),
    'own key at x5u': signed({ x5u: 'http://127.0.0.1:9/cert' }),
    'own key in x5c': signed({ x5c: ['AAAA'] }),
    'kid as a path': signed({ kid: '../../etc/passwd' }),
    'kid as SQL': signed({ kid: "' or true --" }),
    'kid as a URL': signed({ kid: 'http://127.0.0.1:9/' }),
    'kid of 1 MB': signed({ kid: 'k'.repeat(1_000_000) }),
    'kid missing': signed({ kid: undefined }),
    'kid as an object': signed({ kid: {} }),
    'crit unknown': signed({ crit: ['x'], x: 1 }),
    'b64 false': signed({ b64: false, crit: ['b64'] }),
    zipped: signed({ zip: 'DEF' }),
    'another audience': resigned({ aud: `${scene.origin}/graphql` }),
    'another issuer': resigned({ iss: 'https://evil.example' }),
    'longer life': resigned({ exp: now + 86_400 }),
    'duplicate claims': `${header}.${Buffer.from('{"aud":"a","aud":"b"}').toString('base64url')}.${signature}`,
    'a ticket twice': `${good}.${good}`,
    'a JWE': `${encode({ alg: 'dir', enc: 'A256GCM' })}..AAAA.AAAA.AAAA`,
    '2 KiB and more': `${good}${'A'.repeat(2_048)}`,
    'an API key': scene.app.apiKey,
    'a sign-in link':
      new URL(scene.app.signInLink ?? 'http://x/?token=').searchParams.get('token') ?? '',
  }
  for (const [name, ticket] of Object.entries(table)) {
    assert.equal(await scene.open(ticket), 401, name)
  }
  assert.equal(await scene.open(good), 200, 'none of them used it up')
})

test('a ticket that our own key signed wrongly opens nothing', async (t) => {
  const scene = await openScene(t)
  await scene.issue()
  const { privateKey, kid } = await openKey(scene)
  const address = `${scene.origin}/schema.graphql`
  const build = (typ = 'hasmcp-ticket+jwt') =>
    new SignJWT({})
      .setProtectedHeader({ alg: 'EdDSA', typ, kid })
      .setIssuer(scene.origin)
      .setAudience(address)
      .setSubject('key_x')
      .setJti(crypto.randomUUID())
      .setIssuedAt()
      .setExpirationTime('60s')
  const now = Math.floor(Date.now() / 1000)
  const table: Readonly<Record<string, SignJWT>> = {
    expired: build().setExpirationTime(now - 10),
    'issued long ago': build().setIssuedAt(now - 120),
    'issued tomorrow': build().setIssuedAt(now + 86_400),
    'not before tomorrow': build().setNotBefore(now + 86_400),
    'another typ': build('JWT'),
    'another audience': build().setAudience(`${scene.origin}/graphql`),
    'a slash more': build().setAudience(`${address}/`),
    'ours among others': build().setAudience([address, 'https://evil.example']),
    'another issuer': build().setIssuer('https://evil.example'),
    'an issuer with a slash': build().setIssuer(`${scene.origin}/`),
  }
  for (const [name, ticket] of Object.entries(table)) {
    assert.equal(await scene.open(await ticket.sign(privateKey)), 401, name)
  }
  assert.equal(await scene.open(await build().sign(privateKey)), 200)
})

/** The key that signs, as only this installation can open it. */
async function openKey({ app }: Scene) {
  const { compactDecrypt, importJWK } = await import('jose')
  const { deriveKey } = await import('../server/instance-key.ts')
  const row = await app.db.kysely
    .selectFrom('signing_key')
    .select(['id', 'private_key'])
    .executeTakeFirstOrThrow()
  const { plaintext } = await compactDecrypt(row.private_key, deriveKey(app.key, 'signing key'))
  const jwk = JSON.parse(new TextDecoder().decode(plaintext)) as Parameters<typeof importJWK>[0]
  return { privateKey: await importJWK(jwk, 'EdDSA'), kid: row.id }
}

test('where introspection is off nobody gets the schema, by whatever credential', async (t) => {
  const app = await startApp(t, { GRAPHQL_INTROSPECTION: 'off' })
  const url = new URL('/schema.graphql', app.graphqlUrl)
  const headers = { authorization: `Bearer ${app.apiKey}` }
  assert.equal((await app.app(new Request(url, { headers }), FROM)).status, 404)
})

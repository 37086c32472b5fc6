// Everything that providers issue, and every cookie and link of ours, is looked for where it must not be:
// in the database, in files and in the log at its most talkative. One token is planted to be found.
import assert from 'node:assert/strict'
import { globSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { sql } from 'kysely'
import { openDatabase } from '../db/client.ts'
import { loadInstanceKey } from '../server/instance-key.ts'
import { printSignInLink } from '../server/sign-in/print-link.ts'
import { spellings } from './support/canary.ts'
import { createTestStorage } from './support/database.ts'
import { OTHER_KEY, signWith } from './support/forged-token.ts'
import { startHostileProvider } from './support/hostile-provider.ts'
import { startIdentityProvider } from './support/identity-provider.ts'
import { startProduct, type Runtime } from './support/product.ts'
import {
  agreeAs,
  openClient,
  placeOf,
  signIn,
  type Client,
  type Plan,
} from './support/sign-in-drive.ts'

const RUNTIME: Runtime =
  process.versions['bun'] !== undefined
    ? 'bun'
    : process.versions['deno'] !== undefined
      ? 'deno'
      : 'node'

const CANARY = 'canary-of-a-provider-0123456789'
const lie = (text: string) =>
  JSON.stringify({ error: 'x', error_description: text, access_token: text })

/** What goes wrong with a token in hand, and what the log says of it. */
const FAILURES: readonly (readonly [problem: string, Plan])[] = [
  [
    'PROVIDER_FAILED: ResponseBodyError OAUTH_RESPONSE_BODY_ERROR',
    { answers: { token: { status: 400, body: lie(CANARY) } } },
  ],
  [
    'PROVIDER_FAILED: ClientError OAUTH_RESPONSE_IS_NOT_CONFORM',
    { answers: { token: { status: 500, body: lie(CANARY) } } },
  ],
  [
    'PROVIDER_FAILED: ClientError OAUTH_RESPONSE_IS_NOT_JSON',
    { answers: { userinfo: { contentType: 'text/html', body: CANARY } } },
  ],
  ['PROVIDER_FAILED: ClientError OAUTH_PARSE_ERROR', { answers: { userinfo: { body: CANARY } } }],
  [
    'PROVIDER_FAILED: ClientError OAUTH_RESPONSE_IS_NOT_CONFORM',
    {
      answers: {
        userinfo: { status: 401, headers: { 'www-authenticate': `Bearer error="${CANARY}"` } },
      },
    },
  ],
  [
    'PROVIDER_FAILED: ClientError OAUTH_INVALID_RESPONSE',
    { forgery: { sign: signWith(OTHER_KEY) } },
  ],
  [
    'PROVIDER_FAILED: ClientError OAUTH_JWT_CLAIM_COMPARISON_FAILED',
    { forgery: { claims: { nonce: CANARY } } },
  ],
  [
    'PROVIDER_FAILED: ClientError OAUTH_JWT_TIMESTAMP_CHECK_FAILED',
    { forgery: { claims: { exp: 1, canary: CANARY } } },
  ],
  ['PROVIDER_FAILED: ID token typ', { forgery: { header: { typ: CANARY } } }],
  [
    'PROVIDER_FAILED: ClientError OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED',
    { userinfo: { sub: CANARY } },
  ],
  [
    'PROVIDER_FAILED: ClientError UPSTREAM_UNREACHABLE',
    { answers: { userinfo: { fault: 'reset' } } },
  ],
  [
    'PROVIDER_FAILED: ClientError RESPONSE_TOO_LARGE',
    { answers: { userinfo: { paddingBytes: 1_000_000 } } },
  ],
  [
    'PROVIDER_FAILED: ClientError EGRESS_DENIED',
    { providerId: 'denied', metadata: { token_endpoint: `https://10.0.0.1/${CANARY}` } },
  ],
  [
    'NO_VERIFIED_EMAIL: the provider knows no verified address',
    { userinfo: { email: `${CANARY}@example.com`, email_verified: false } },
  ],
]

/** Every value of every table, as text. */
async function readRows(storage: Readonly<Record<string, string>>): Promise<readonly string[]> {
  const { DATA_DIR: dataDir = '', DATABASE_URL: databaseUrl } = storage
  const db = await openDatabase({ dataDir, ...(databaseUrl !== undefined && { databaseUrl }) })
  try {
    const { rows: tables } = await sql<{ name: string }>`
      select relname as name from pg_class
      where relnamespace = 'public'::regnamespace and relkind = 'r'`.execute(db.kysely)
    const texts: string[] = []
    for (const { name } of tables) {
      const { rows } = await sql<{ text: string }>`
        select to_jsonb(t)::text as text from ${sql.table(name)} t`.execute(db.kysely)
      texts.push(...rows.map(({ text }) => text))
    }
    return texts
  } finally {
    await db.close()
  }
}

/** The bytes, as Latin-1, of what was written since, the write-ahead log among it. */
function readFiles(dataDir: string, sinceMs: number): string {
  const paths = globSync(join(dataDir, '**/*')).filter((path) => {
    const { mtimeMs } = statSync(path)
    return statSync(path).isFile() && mtimeMs >= sinceMs
  })
  return paths.map((path) => readFileSync(path, 'latin1')).join('\n')
}

test('what providers issue and what opens a session is in no row, no file and no line of the log', async (t) => {
  const [hostile, identity] = await Promise.all([
    startHostileProvider(t),
    startIdentityProvider(t, [{ email: 'ada@example.com', name: 'Ada' }]),
  ])
  const { issuer, clientId, clientSecret } = hostile
  const storage = await createTestStorage(t)
  const since = Date.now()
  const product = await startProduct(t, {
    runtime: RUNTIME,
    args: ['--json'],
    env: {
      ...storage,
      LOG_LEVEL: 'debug',
      SIGN_UP: 'open',
      AUTH_PROVIDERS: JSON.stringify([
        { id: 'p0', type: 'oidc', issuer, clientId, clientSecret },
        { id: 'denied', type: 'oidc', issuer, clientId, clientSecret },
        {
          id: 'corp',
          type: 'oidc',
          issuer: identity.issuer,
          clientId: identity.clientId,
          clientSecret: identity.clientSecret,
        },
      ]),
    },
  })
  const { graphqlUrl } = JSON.parse(product.firstLine) as { readonly graphqlUrl: string }
  const { origin } = new URL(graphqlUrl)
  await identity.register(`${origin}/sign-in/corp/callback`)
  const secrets = new Set([clientSecret, identity.clientSecret])
  const app = {
    graphqlUrl,
    app: async (request: Request) => {
      const response = await fetch(new Request(request, { redirect: 'manual' }))
      for (const text of response.headers.getSetCookie())
        secrets.add(/=([^;]+)/.exec(text)?.[1] ?? '')
      const { searchParams } = new URL(response.headers.get('location') ?? '', origin)
      for (const name of ['state', 'nonce']) secrets.add(searchParams.get(name) ?? '')
      return response
    },
  }
  const finish = (client: Client, { pathname, search }: URL) => client.get(`${pathname}${search}`)

  const ada = openClient(app)
  const back = await agreeAs(placeOf(await ada.get('/sign-in/corp')), 'ada@example.com')
  assert.equal((await finish(ada, back)).status, 303)
  assert.equal((await ada.ask('{ viewer { session { id } sessions { id } } }')).status, 200)
  const declined = new URL(back)
  declined.searchParams.set('error_description', CANARY)
  assert.notEqual((await finish(openClient(app), declined)).status, 200)
  for (const [problem, plan] of FAILURES) {
    const { status } = await signIn({ provider: hostile }, openClient(app), plan)
    assert.equal(status, problem.startsWith('PROVIDER_FAILED') ? 502 : 403, problem)
  }
  const key = await loadInstanceKey(storage['DATA_DIR'] ?? '')
  const link = new URL(await printSignInLink(key, origin))
  const token = link.searchParams.get('token') ?? ''
  secrets.add(token)
  const owner = openClient(app)
  assert.equal((await owner.get(`${link.pathname}${link.search}`)).status, 200)
  assert.equal((await owner.post('/sign-in/link', { token })).status, 303)
  assert.equal((await owner.post('/sign-in/link', { token })).status, 403)

  // Stored as a name, and logged as a path.
  const [planted = ''] = hostile.tokens
  const mallory = openClient(app)
  assert.equal(
    (await signIn({ provider: hostile }, mallory, { userinfo: { name: planted } })).status,
    303,
  )
  await mallory.get(`/${planted}`)
  await product.end()

  for (const issued of [...hostile.tokens, ...(await identity.tokens())]) secrets.add(issued)
  secrets.delete('')
  assert.ok(secrets.size > 60, `${secrets.size} secrets`)
  const places: Readonly<Record<string, string>> = {
    rows: (await readRows(storage)).join('\n'),
    files: readFiles(storage['DATA_DIR'] ?? '', since),
    log: product.stderr(),
  }
  const find = (text: string) =>
    Object.entries(places).flatMap(([place, haystack]) =>
      // The end of a signed token is what cannot be made anew.
      spellings(text.slice(-40)).some((needle) => haystack.includes(needle))
        ? [`${text} in ${place}`]
        : [],
    )
  const found = ['rows', ...(storage['DATABASE_URL'] === undefined ? ['files'] : []), 'log']
  assert.deepEqual(
    [...secrets, CANARY, '127.0.0.1"'].flatMap(find),
    found.map((place) => `${planted} in ${place}`),
  )
  const problems = product
    .stderr()
    .split('\n')
    .flatMap((line) => /"problem":"([^"]*)"/.exec(line)?.[1] ?? [])
  assert.deepEqual(
    problems,
    FAILURES.map(([problem]) => problem),
  )
})

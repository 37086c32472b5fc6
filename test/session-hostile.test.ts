// What others do with a session: planting, stealing and replaying its cookie, and requests in its name.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { sql } from 'kysely'
import { hashCredential, newCredential } from '../db/credential.ts'
import { printSignInLink } from '../server/sign-in/print-link.ts'
import { startApp } from './support/app.ts'
import {
  assertRows,
  makeLinkToken,
  openClient,
  openStage,
  outcomeOf,
  signIn,
  useLink,
  type Client,
} from './support/sign-in-drive.ts'

const MINUTE_MS = 60_000

const EVIL = 'https://evil.example'
const FOREIGN = '403 This form is from another site'
const UNAUTHENTICATED = '401 UNAUTHENTICATED'
const FORBIDDEN = '403 FORBIDDEN'
const VIEWER = '{ viewer { id } }'

const stage = await openStage({ after })
const { app } = stage
const { origin } = new URL(app.graphqlUrl)
/** Of an owner of the first account, who stays signed in throughout. */
const victim = openClient(app)
await useLink(victim, await makeLinkToken(app))

type Attack = () => Promise<Response>

const valueOf = ({ cookie }: Client) => cookie.slice(cookie.indexOf('=') + 1)

/** A request that has no more than that cookie. */
const withCookie =
  (cookie: string): Attack =>
  () =>
    openClient(app, cookie).ask(VIEWER)

const stranger = openClient(app)

const COOKIES: Readonly<Record<string, readonly [string, Attack]>> = {
  'the session’s': ['200 data', withCookie(victim.cookie)],
  'among others': ['200 data', withCookie(`a=b; ${victim.cookie};c=d`)],
  none: [UNAUTHENTICATED, () => stranger.ask(VIEWER)],
  'one that nobody issued': [UNAUTHENTICATED, withCookie(`hasmcp-session=${newCredential('hmb')}`)],
  'one with another checksum': [UNAUTHENTICATED, withCookie(flip(victim.cookie))],
  'in quotes': [UNAUTHENTICATED, withCookie(`hasmcp-session="${valueOf(victim)}"`)],
  'with its name in capitals': [
    UNAUTHENTICATED,
    withCookie(victim.cookie.replace('hasmcp', 'HASMCP')),
  ],
  'under the name of https': [UNAUTHENTICATED, withCookie(`__Host-${victim.cookie}`)],
  'under another name': [UNAUTHENTICATED, withCookie(`session=${valueOf(victim)}`)],
  'twice the same': [UNAUTHENTICATED, withCookie(`${victim.cookie}; ${victim.cookie}`)],
  'after a planted one': [UNAUTHENTICATED, withCookie(`hasmcp-session=x; ${victim.cookie}`)],
  'an API key': [UNAUTHENTICATED, withCookie(`hasmcp-session=${app.apiKey}`)],
  'of 64 KiB': [UNAUTHENTICATED, withCookie(`hasmcp-session=hmb_${'x'.repeat(65_536)}`)],
  'the session’s as a bearer token': [
    UNAUTHENTICATED,
    () => stranger.ask(VIEWER, { authorization: `Bearer ${valueOf(victim)}` }),
  ],
  'the session’s beside a bearer token that is none': [
    UNAUTHENTICATED,
    () => victim.ask(VIEWER, { authorization: 'Bearer hmk_x' }),
  ],
  'the session’s beside another scheme': [
    UNAUTHENTICATED,
    () => victim.ask(VIEWER, { authorization: 'Basic x' }),
  ],
  'the session’s in the query': [
    UNAUTHENTICATED,
    () => {
      const headers = { origin, 'content-type': 'application/json', 'x-hasmcp-csrf': '1' }
      return stranger.send(`/graphql?${victim.cookie}&access_token=${valueOf(victim)}`, {
        method: 'POST',
        headers,
        body: JSON.stringify({ query: VIEWER }),
      })
    },
  ],
  'the session’s at a server’s endpoint': [
    UNAUTHENTICATED,
    () =>
      victim.send('/mcp/srv_01h455vb4pex5vsknk084sn02q', {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
        },
        body: '{"jsonrpc":"2.0","id":1,"method":"ping"}',
      }),
  ],
}

function flip(text: string): string {
  return `${text.slice(0, -1)}${text.endsWith('A') ? 'B' : 'A'}`
}

test('a session is opened by its one cookie, whole, and by nothing that looks like it', async () => {
  await assertRows(COOKIES, ([, attack]) => outcomeOf(app, attack))
})

/** What a page of another site can make a browser send with the victim's cookie. */
const FORMS: readonly (readonly [type: string, body: string])[] = [
  ['application/x-www-form-urlencoded', 'query=mutation&token=x&accountId=x'],
  ['text/plain', '{"query":"mutation { createAccount(input: { name: \\"x\\" }) { __typename } }"}'],
  [
    'multipart/form-data; boundary=x',
    '--x\r\ncontent-disposition: form-data; name="query"\r\n\r\nx\r\n--x--',
  ],
  ['', '{"query":"{ viewer { id } }"}'],
]
const DOORS: Readonly<Record<string, string>> = {
  '/graphql': '415 INVALID',
  '/documents': FORBIDDEN,
  '/sign-out': FOREIGN,
  '/switch-account': FOREIGN,
  '/invitation': FOREIGN,
  '/sign-in/link': FOREIGN,
}
/** Of our own there is one spelling. */
const ORIGINS: Readonly<Record<string, (origin: string) => string | undefined>> = {
  'another site': () => EVIL,
  none: () => undefined,
  null: () => 'null',
  empty: () => '',
  'another port': (origin) => `${origin}1`,
  'another scheme': (origin) => origin.replace('http:', 'https:'),
  'another name of this machine': (origin) => origin.replace('127.0.0.1', 'localhost'),
  'with a slash': (origin) => `${origin}/`,
  'in capitals': (origin) => origin.toUpperCase(),
  'with a user': (origin) => origin.replace('//', '//127.0.0.1@'),
  'two of them': (origin) => `${origin}, ${EVIL}`,
  'a longer name': (origin) => `${origin}.evil.example`,
}

test('no other site makes a browser do anything with its cookie, by no door, form or origin', async () => {
  const { cookie } = victim
  const outcomes: Record<string, string> = {}
  const expected: Record<string, string> = {}
  const attempt = async (name: string, outcome: string, work: () => Promise<Response>) => {
    expected[name] = outcome
    outcomes[name] = await outcomeOf(app, work)
  }
  for (const [path, outcome] of Object.entries(DOORS)) {
    for (const [type, body] of FORMS) {
      for (const from of [EVIL, 'null', undefined]) {
        const headers = { 'content-type': type, ...(from !== undefined && { origin: from }) }
        await attempt(`${path} ${type} from ${from}`, outcome, () =>
          victim.send(path, { method: 'POST', headers, body }),
        )
      }
    }
  }
  for (const [name, toText] of Object.entries(ORIGINS)) {
    const from = toText(origin)
    const own = { ...(from !== undefined && { origin: from }) }
    const json = { 'content-type': 'application/json', ...own }
    const body = JSON.stringify({ query: VIEWER })
    const send = (path: string, headers: Readonly<Record<string, string>>) => () =>
      victim.send(path, { method: 'POST', headers, body })
    await attempt(
      `header, origin ${name}`,
      FORBIDDEN,
      send('/graphql', { ...json, 'x-hasmcp-csrf': '1' }),
    )
    await attempt(`no header, origin ${name}`, FORBIDDEN, send('/graphql', json))
    await attempt(
      `upload, origin ${name}`,
      FORBIDDEN,
      send('/documents', { ...json, 'x-hasmcp-csrf': '1' }),
    )
    await attempt(`sign-out, origin ${name}`, FOREIGN, send('/sign-out', own))
  }
  const json = { 'content-type': 'application/json', origin }
  await attempt('our origin, no header', FORBIDDEN, () =>
    victim.send('/graphql', {
      method: 'POST',
      headers: json,
      body: JSON.stringify({ query: VIEWER }),
    }),
  )
  await attempt('by GET', '405 METHOD_NOT_ALLOWED', () =>
    victim.get(`/graphql?query=${encodeURIComponent('mutation { revokeSession(id: "x") }')}`, {
      origin,
      'x-hasmcp-csrf': '1',
    }),
  )
  for (const path of ['/sign-out', '/switch-account']) {
    await attempt(`${path} by GET`, '404 NOT_FOUND', () => victim.get(path))
  }
  await attempt('a preflight', '405 METHOD_NOT_ALLOWED', async () => {
    const response = await victim.send('/graphql', {
      method: 'OPTIONS',
      headers: { origin: EVIL, 'access-control-request-headers': 'x-hasmcp-csrf' },
    })
    const allowed = [...response.headers.keys()].filter((name) => name.startsWith('access-control'))
    assert.deepEqual(allowed, [])
    return response
  })
  // A link of the attacker's, which would sign the victim in as the attacker.
  const token = await makeLinkToken(app, 10 * MINUTE_MS, 'mallory@example.com')
  await attempt("an attacker's link", FOREIGN, () => {
    return victim.post('/sign-in/link', { token }, { origin: EVIL })
  })
  await attempt('whose own link it is', '303 / as mallory@example.com new', () =>
    useLink(openClient(app), token),
  )
  assert.deepEqual(outcomes, expected)
  assert.equal(victim.cookie, cookie)
  assert.equal((await victim.ask(VIEWER)).status, 200)
})

test('a cookie that was planted before a sign-in opens nothing after it', async () => {
  const attacker = openClient(app)
  await useLink(attacker, await makeLinkToken(app))
  const visitor = openClient(app)
  await visitor.get('/sign-in/p0')
  const plants: Readonly<Record<string, readonly [string, string]>> = {
    'nobody’s': ['303 / as mallory@example.com', `hasmcp-session=${newCredential('hmb')}`],
    'of a sign-in that the attacker began': ['303 / as mallory@example.com', visitor.cookie],
    'of the attacker’s session': ['303 / as mallory@example.com -session', attacker.cookie],
  }
  await assertRows(plants, async ([, planted]) => {
    const client = openClient(app, planted)
    const outcome = await outcomeOf(app, () => signIn(stage, client))
    assert.notEqual(client.cookie, planted)
    assert.equal((await client.ask(VIEWER)).status, 200)
    assert.equal((await openClient(app, planted).ask(VIEWER)).status, 401)
    return outcome
  })
})

/** What ends a session, told by what its cookie opens afterwards. */
const ENDS: Readonly<Record<string, readonly [string, (client: Client) => Promise<unknown>]>> = {
  nothing: ['200 data', () => Promise.resolve()],
  '11 hours and 59 minutes without a request': [
    '200 data',
    (client) => setAge(client, 'last_used_at', '11 hours 59 minutes'),
  ],
  '12 hours and a minute without a request': [
    UNAUTHENTICATED,
    (client) => setAge(client, 'last_used_at', '12 hours 1 minute'),
  ],
  '13 days and 23 hours': [
    '200 data',
    (client) => setAge(client, 'created_at', '13 days 23 hours'),
  ],
  '14 days and a minute of use': [
    UNAUTHENTICATED,
    (client) => setAge(client, 'created_at', '14 days 1 minute'),
  ],
  'signing out': [UNAUTHENTICATED, (client) => client.post('/sign-out', {})],
  'signing out with another one planted beside it': [
    UNAUTHENTICATED,
    (client) => client.post('/sign-out', {}, { cookie: `${client.cookie}; hasmcp-session=x` }),
  ],
  'its revocation by itself': [UNAUTHENTICATED, revoke],
  'another account': [
    UNAUTHENTICATED,
    (client) => client.post('/switch-account', { accountId: app.accountId }),
  ],
  'an account that is not theirs': [
    '200 data',
    (client) => client.post('/switch-account', { accountId: 'acc_01h455vb4pex5vsknk084sn02q' }),
  ],
  '20 sign-ins of the same person elsewhere': [
    UNAUTHENTICATED,
    async () => {
      for (let count = 0; count < 20; count += 1) {
        await useLink(openClient(app), await makeLinkToken(app, MINUTE_MS, ENDING))
      }
    },
  ],
}
const ENDING = 'ending@example.com'

async function setAge(client: Client, column: string, age: string): Promise<void> {
  await sql`update session set ${sql.ref(column)} = now() - ${age}::interval
    where hash = ${hashCredential(valueOf(client))}`.execute(app.db.kysely)
}

async function revoke(client: Client): Promise<void> {
  const { data } = (await (await client.ask('{ viewer { session { id } } }')).json()) as {
    readonly data: { readonly viewer: { readonly session: { readonly id: string } } }
  }
  await client.ask(`mutation { revokeSession(id: "${data.viewer.session.id}") { __typename } }`)
}

test('a session ends on the server, at once, by what ends it', async () => {
  await assertRows(ENDS, async ([, end]) => {
    const client = openClient(app)
    await useLink(client, await makeLinkToken(app, MINUTE_MS, ENDING))
    const { cookie } = client
    await end(client)
    return await outcomeOf(app, () => openClient(app, cookie).ask(VIEWER))
  })
})

test('every page is kept by nobody and framed by nobody; the cookie says what a browser may do with it', async () => {
  const pages = [
    '/',
    '/sign-in',
    '/sign-in/link?token=x',
    '/sign-in/none',
    '/invitation?token=x',
    '/sign-in/p0/callback',
  ]
  for (const path of pages) {
    const { headers } = await victim.get(path)
    assert.equal(headers.get('cache-control'), 'no-store', path)
    assert.match(
      headers.get('content-security-policy') ?? '',
      /^default-src 'none';.* frame-ancestors 'none'/,
      path,
    )
    assert.equal(headers.get('x-content-type-options'), 'nosniff', path)
    assert.equal(headers.get('referrer-policy'), 'same-origin', path)
  }
  for (const [client, path] of [
    [victim, '/sign-in/p0'],
    [openClient(app), '/'],
  ] as const) {
    const { headers } = await client.get(path)
    assert.equal(headers.get('cache-control'), 'no-store', path)
    assert.equal(headers.get('referrer-policy'), 'no-referrer', path)
  }
  const flags = /^hasmcp-session=hmb_\w{49}; Path=\/; HttpOnly; SameSite=Lax$/
  assert.match((await openClient(app).get('/sign-in/p0')).headers.get('set-cookie') ?? '', flags)
  const cleared = (await openClient(app).post('/sign-out', {})).headers.get('set-cookie')
  assert.equal(cleared, 'hasmcp-session=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0')
  assert.equal(new URL(origin).protocol, 'http:')
})

test('behind https the cookie is of this host alone, and one without that name is nobody’s', async (t) => {
  const app = await startApp(t, { PUBLIC_URL: 'https://mcp.example.com' })
  const client = openClient(app)
  const link = new URL(await printSignInLink(app.key, 'https://mcp.example.com'))
  const response = await client.post('/sign-in/link', Object.fromEntries(link.searchParams))
  assert.match(
    response.headers.get('set-cookie') ?? '',
    /^__Host-hasmcp-session=hmb_\w{49}; Path=\/; HttpOnly; SameSite=Lax; Secure$/,
  )
  assert.equal((await client.ask(VIEWER)).status, 200)
  const plain = openClient(app, client.cookie.replace('__Host-', ''))
  assert.equal((await plain.ask(VIEWER)).status, 401)
  for (const origin of [
    'http://mcp.example.com',
    'https://mcp.example.com:8443',
    'https://example.com',
  ]) {
    assert.equal((await client.ask(VIEWER, { origin })).status, 403, origin)
  }
  const { headers } = await client.post('/sign-out', {})
  assert.match(headers.get('set-cookie') ?? '', /^__Host-hasmcp-session=; .*; Secure; Max-Age=0$/)
})

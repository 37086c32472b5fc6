// The way to a provider and back, taken by somebody who is not the one who set out: states, browsers,
// answers and places to return to, each with its one outcome.
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { after, test } from 'node:test'
import { EncryptJWT } from 'jose'
import { newCredential } from '../db/credential.ts'
import { deriveKey } from '../server/instance-key.ts'
import { createSignInStates } from '../server/sign-in/sign-in-state.ts'
import {
  agree,
  assertRows,
  goThere,
  openClient,
  openStage,
  outcomeOf,
  placeOf,
  signIn,
  type Client,
  type Plan,
} from './support/sign-in-drive.ts'

const SIGNED_IN = '303 / as mallory@example.com'
const FAILED = '502 The identity provider did not answer as it should'
const STALE = '403 This sign-in does not continue here'
const DECLINED = '403 You were not signed in'
const UNKNOWN = '404 There is no such provider'

// At p0 tokens are signed by keys of the test's, at p1 by the provider's own.
const stage = await openStage({ after })

type Attack = (client: Client) => Promise<Response>

/** A whole sign-in but for the callback's URL. */
const withCallback =
  (spoil: (url: URL) => void, plan: Plan = {}): Attack =>
  async (client) => {
    const url = await thereAndAgreed(client, plan)
    spoil(url)
    return await client.get(`${url.pathname}${url.search}`)
  }

async function thereAndAgreed(client: Client, plan: Plan = {}): Promise<URL> {
  const url = await goThere(stage, client, plan)
  assert.ok(url instanceof URL)
  return url
}

const setting =
  (name: string, value: string | undefined) =>
  ({ searchParams }: URL) => {
    if (value === undefined) searchParams.delete(name)
    else searchParams.set(name, value)
  }

/** As the installation's own would be, had it been made so long ago, or by another key. */
async function returnWithState(
  client: Client,
  { ageMs = 0, key = deriveKey(stage.app.key, 'sign-in state'), browser = '' },
): Promise<Response> {
  const { app, provider } = stage
  await client.get('/sign-in/p1')
  const states = createSignInStates(
    key,
    () => Promise.resolve(true),
    () => Date.now() - ageMs,
  )
  const cookie = browser || client.cookie.slice(client.cookie.indexOf('=') + 1)
  const { secrets } = await states.seal({ providerId: 'p1', returnTo: '/', cookie })
  const authorization = new URL('/authorize', provider.issuer)
  const { origin } = new URL(app.graphqlUrl)
  authorization.search = new URLSearchParams({
    redirect_uri: `${origin}/sign-in/p1/callback`,
    state: secrets.state,
    nonce: secrets.nonce,
  }).toString()
  const back = await agree(authorization)
  return await client.get(`${back.pathname}${back.search}`)
}

/** The provider is honest from here on: its own tokens, of the nonce that it was given. */
const honestly =
  (attack: Attack): Attack =>
  async (client) => {
    stage.provider.behave({})
    return await attack(client)
  }

const MINUTE_MS = 60_000
const compare = (a: number, b: number) => a - b

const STATES: Readonly<Record<string, readonly [string, Attack]>> = {
  honest: [`${SIGNED_IN} new`, withCallback(() => {})],
  missing: [STALE, withCallback(setting('state', undefined))],
  empty: [STALE, withCallback(setting('state', ''))],
  'of 1 MiB': [STALE, withCallback(setting('state', 's'.repeat(1_048_576)))],
  'of 3,000 dots': [STALE, withCallback(setting('state', '.'.repeat(3_000)))],
  'of five parts': [STALE, withCallback(setting('state', 'e30.e30.e30.e30.e30'))],
  'of an unsigned token': [STALE, withCallback(setting('state', 'eyJhbGciOiJub25lIn0.e30.'))],
  'with NUL': [STALE, withCallback(setting('state', '\u0000'))],
  'a bit of it': [
    STALE,
    withCallback(({ searchParams }) => {
      const state = searchParams.get('state') ?? ''
      searchParams.set('state', `${state.slice(0, -3)}${state.at(-3) === 'A' ? 'B' : 'A'}AA`)
    }),
  ],
  'encrypted by another key': [
    STALE,
    honestly((client) => returnWithState(client, { key: randomBytes(32) })),
  ],
  'encrypted by zeros': [
    STALE,
    honestly((client) => returnWithState(client, { key: Buffer.alloc(32) })),
  ],
  'encrypted by the key of links': [
    STALE,
    honestly((client) => {
      return returnWithState(client, { key: deriveKey(stage.app.key, 'link') })
    }),
  ],
  'of another kind under the right key': [
    STALE,
    async (client) => {
      await client.get('/sign-in/p1')
      const cookie = client.cookie.slice(client.cookie.indexOf('=') + 1)
      const browser = createHash('sha256').update(cookie).digest('base64url')
      const state = await new EncryptJWT({ returnTo: '/', nonce: '', codeVerifier: '', browser })
        .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', typ: 'other' })
        .setAudience('p1')
        .setJti('1')
        .setExpirationTime('5m')
        .encrypt(deriveKey(stage.app.key, 'sign-in state'))
      return await client.get(`/sign-in/p1/callback?code=1&state=${state}`)
    },
  ],
  'of four minutes and 50 seconds ago': [
    SIGNED_IN,
    honestly((client) => returnWithState(client, { ageMs: 5 * MINUTE_MS - 10_000 })),
  ],
  'of five minutes and a second ago': [
    STALE,
    honestly((client) => returnWithState(client, { ageMs: 5 * MINUTE_MS + 1_000 })),
  ],
  'of an honest sign-in at another provider': [
    STALE,
    async (client) => {
      const url = await thereAndAgreed(client)
      return await client.get(`/sign-in/p1/callback${url.search}`)
    },
  ],
  'used before, by the same browser as it was': [
    STALE,
    async (client) => {
      const url = await thereAndAgreed(client, { userinfo: { email_verified: false } })
      await client.get(`${url.pathname}${url.search}`)
      return await client.get(`${url.pathname}${url.search}`)
    },
  ],
  'used before, by whoever signed in with it': [
    '303 / as mallory@example.com',
    async (client) => {
      const url = await thereAndAgreed(client)
      const first = await client.get(`${url.pathname}${url.search}`)
      // The back button: nothing more than going home.
      const second = await client.get(`${url.pathname}${url.search}`)
      assert.deepEqual([second.status, second.headers.getSetCookie()], [303, []])
      return first
    },
  ],
  'used twice at once': [
    SIGNED_IN,
    async (client) => {
      const url = await thereAndAgreed(client)
      const both = await Promise.all([1, 2].map(() => client.get(`${url.pathname}${url.search}`)))
      assert.deepEqual(both.map(({ status }) => status).toSorted(compare), [303, 403])
      return both.find(({ status }) => status === 303) ?? Response.error()
    },
  ],
  'in a browser without a cookie': [
    STALE,
    async (client) => {
      const url = await thereAndAgreed(client)
      return await openClient(stage.app).get(`${url.pathname}${url.search}`)
    },
  ],
  'in a browser that is signing in, too': [
    STALE,
    async (client) => {
      const other = openClient(stage.app)
      await other.get('/sign-in/p0')
      const url = await thereAndAgreed(client)
      return await other.get(`${url.pathname}${url.search}`)
    },
  ],
  'in a browser with a cookie that nobody issued': [
    STALE,
    async (client) => {
      const other = openClient(stage.app, `hasmcp-session=${newCredential('hmb')}`)
      const url = await thereAndAgreed(client)
      return await other.get(`${url.pathname}${url.search}`)
    },
  ],
  'in a browser with two cookies': [
    STALE,
    async (client) => {
      const url = await thereAndAgreed(client)
      const cookie = `${client.cookie}; hasmcp-session=${newCredential('hmb')}`
      return await openClient(stage.app).get(`${url.pathname}${url.search}`, { cookie })
    },
  ],
  'by POST': [
    '404 NOT_FOUND',
    async (client) => {
      const url = await thereAndAgreed(client)
      return await client.post(url.pathname, Object.fromEntries(url.searchParams))
    },
  ],
}

const ANSWERS: Readonly<Record<string, readonly [string, Attack]>> = {
  'no iss, though one was promised': [FAILED, withCallback(setting('iss', undefined))],
  'iss empty': [FAILED, withCallback(setting('iss', ''))],
  'iss another': [FAILED, withCallback(setting('iss', 'https://accounts.google.com'))],
  'iss with a slash': [
    FAILED,
    withCallback(({ searchParams }) => searchParams.set('iss', `${searchParams.get('iss')}/`)),
  ],
  'iss in capitals': [
    FAILED,
    withCallback(({ searchParams }) =>
      searchParams.set('iss', (searchParams.get('iss') ?? '').toUpperCase()),
    ),
  ],
  'iss twice': [
    FAILED,
    withCallback(({ searchParams }) => searchParams.append('iss', 'https://evil.example')),
  ],
  'state twice': [FAILED, withCallback(({ searchParams }) => searchParams.append('state', 'x'))],
  'another state first': [
    STALE,
    withCallback((url) => {
      url.search = `?state=x&${url.search.slice(1)}`
    }),
  ],
  'no code': [FAILED, withCallback(setting('code', undefined))],
  'code empty': [FAILED, withCallback(setting('code', ''))],
  'code twice': [FAILED, withCallback(({ searchParams }) => searchParams.append('code', 'x'))],
  'an unknown code': [
    FAILED,
    withCallback(setting('code', 'x'), { forgery: { claims: { nonce: undefined } } }),
  ],
  "somebody else's code": [
    FAILED,
    honestly(async (client) => {
      const authorization = placeOf(await openClient(stage.app).get('/sign-in/p1'))
      const stolen = (await agree(authorization)).searchParams.get('code') ?? ''
      const url = await agree(placeOf(await client.get('/sign-in/p1')))
      url.searchParams.set('code', stolen)
      return await client.get(`${url.pathname}${url.search}`)
    }),
  ],
  declined: [DECLINED, withCallback(setting('error', 'access_denied'))],
  'declined, of no state': [
    STALE,
    withCallback(({ searchParams }) => {
      searchParams.set('error', 'access_denied')
      searchParams.delete('state')
    }),
  ],
  'declined, of another iss': [
    FAILED,
    withCallback(({ searchParams }) => {
      searchParams.set('error', 'access_denied')
      searchParams.set('iss', 'https://evil.example')
    }),
  ],
  'another error': [FAILED, withCallback(setting('error', 'server_error'))],
  'a signed response': [FAILED, withCallback(setting('response', 'a.b.c'))],
  'an ID token in the URL': [FAILED, withCallback(setting('id_token', 'a.b.c'))],
  'an access token in the URL': [FAILED, withCallback(setting('token', 'x'))],
}

const PLACES: Readonly<Record<string, string>> = {
  '/graphql': '/graphql',
  '/invitation?token=a.b-c_d': '/invitation?token=a.b-c_d',
  '/?a=//evil.example': '/?a=//evil.example',
  '/%09/evil.example': '/%09/evil.example',
  '/%5cevil.example': '/%5cevil.example',
  '/%2f/evil.example': '/%2f/evil.example',
  '/@evil.example': '/@evil.example',
  '/graphql#x': '/graphql',
  '': '/',
  graphql: '/',
  '//evil.example': '/',
  '///evil.example': '/',
  '/\\evil.example': '/',
  '\\\\evil.example': '/',
  '/\t/evil.example': '/',
  '/\n/evil.example': '/',
  'https://evil.example/': '/',
  'https:evil.example': '/',
  'javascript:alert(1)': '/',
  'data:text/html,x': '/',
  '/..//evil.example': '/',
  '/.//evil.example': '/',
  '/%2e%2e//evil.example': '/',
  '/%2E//evil.example': '/',
  '/x/..//evil.example': '/',
  '/x/../..//evil.example?//': '/',
  '/\r\nset-cookie: hasmcp-session=x': '/',
  '/\u0000': '/',
  '/\u00E9': '/',
  '/ ': '/',
  [`/${'x'.repeat(10_240)}`]: '/',
  [`/${'"'.repeat(2_000)}`]: '/',
  [`/${'x'.repeat(2_000)}`]: `/${'x'.repeat(2_000)}`,
}

test('a state continues the one sign-in that it was made for, once, in its browser, for five minutes', async () => {
  await assertRows(STATES, ([, attack]) =>
    outcomeOf(stage.app, () => attack(openClient(stage.app))),
  )
})

test('an answer that is not the provider’s to this request signs nobody in', async () => {
  await assertRows(ANSWERS, ([, attack]) =>
    outcomeOf(stage.app, () => attack(openClient(stage.app))),
  )
  const said = await withCallback(({ searchParams }) => {
    searchParams.set('error', 'access_denied')
    searchParams.set('error_description', '<script>canary</script>')
    searchParams.set('error_uri', 'https://canary.example')
  })(openClient(stage.app))
  assert.doesNotMatch(await said.text(), /canary/)
})

test('a request asks for a code by PKCE, with a state and a nonce of its own each time', async () => {
  const client = openClient(stage.app)
  const [one, two] = [
    placeOf(await client.get('/sign-in/p0')),
    placeOf(await client.get('/sign-in/p0')),
  ]
  const { origin } = new URL(stage.app.graphqlUrl)
  const fixed = Object.fromEntries(one.searchParams)
  for (const name of ['state', 'nonce', 'code_challenge']) {
    assert.match(fixed[name] ?? '', /^[\w.-]{43,}$/)
    assert.notEqual(fixed[name], two.searchParams.get(name))
    delete fixed[name]
  }
  assert.deepEqual(fixed, {
    client_id: 'hasmcp',
    redirect_uri: `${origin}/sign-in/p0/callback`,
    response_type: 'code',
    scope: 'openid email profile',
    code_challenge_method: 'S256',
  })
})

test('two tabs of one browser both come back; the second goes where it was to go, as who is signed in', async () => {
  const client = openClient(stage.app)
  stage.provider.behave({})
  const begin = async (returnTo: string, browser = client) =>
    await agree(placeOf(await browser.get(`/sign-in/p1?returnTo=${encodeURIComponent(returnTo)}`)))
  const finish = ({ pathname, search }: URL) =>
    outcomeOf(stage.app, () => client.get(`${pathname}${search}`))
  const [first, second] = [await begin('/graphql'), await begin('/invitation?token=x')]
  assert.equal(await finish(first), '303 /graphql as mallory@example.com')
  const { cookie } = client
  assert.equal(await finish(second), '303 /invitation?token=x')
  // As far as it can be told, one that somebody else began is of another tab: it changes nothing either.
  assert.equal(await finish(await begin('/graphql', openClient(stage.app))), '303 /graphql')
  assert.equal(client.cookie, cookie)
  assert.equal(await outcomeOf(stage.app, () => client.ask('{ viewer { id } }')), '200 data')
})

test('a sign-in leads to a path of ours and nowhere else', async () => {
  const rows = Object.entries(PLACES).map(([returnTo, place]) => {
    return [returnTo.slice(0, 60), [place, returnTo]] as const
  })
  const { origin } = new URL(stage.app.graphqlUrl)
  await assertRows(Object.fromEntries(rows), async ([, returnTo]) => {
    const response = await signIn(stage, openClient(stage.app), { returnTo })
    const location = response.headers.get('location') ?? ''
    assert.equal(new URL(location, origin).origin, origin, returnTo)
    return location
  })
})

test('an unknown provider is a page of its own, whatever the name; nothing of it is repeated', async () => {
  const { app } = stage
  const ids = ['p20', 'P0', '__proto__', 'constructor', 'p0%00', '%3Cscript%3E', 'x'.repeat(9_999)]
  for (const id of ids) {
    for (const path of [`/sign-in/${id}`, `/sign-in/${id}/callback?code=1&state=x`]) {
      const response = await openClient(app).get(path)
      const text = await response.clone().text()
      assert.equal(await outcomeOf(app, () => Promise.resolve(response)), UNKNOWN, path)
      assert.ok(!text.includes(decodeURIComponent(id)), path)
    }
  }
})

test('another name of this machine leads to ours, and a name that is not ours to nothing of anybody’s', async () => {
  const client = openClient(stage.app)
  await signIn(stage, client)
  const { origin, port } = new URL(stage.app.graphqlUrl)
  const local = `http://localhost:${port}`
  const rows: Readonly<Record<string, readonly [string]>> = {
    [`${local}/sign-in?returnTo=%2Fgraphql`]: [`303 ${origin}/sign-in?returnTo=%2Fgraphql`],
    [`${local}//evil.example/`]: ['404 NOT_FOUND'],
    [`${local}/%2Fevil.example/`]: ['404 NOT_FOUND'],
    [`${local}/sign-in/..//evil.example`]: ['404 NOT_FOUND'],
    [`${local}/?next=//evil.example`]: [`303 ${origin}/?next=//evil.example`],
    // A name of somebody else's that leads here: its pages are not ours, and a browser sends no cookie.
    'http://evil.example/sign-in': ['200 Sign in'],
    'http://evil.example/': ['303 /sign-in'],
  }
  await assertRows(rows, (_row, url) => outcomeOf(stage.app, () => openClient(stage.app).get(url)))
  const rebound = await client.ask('{ viewer { id } }', { origin: 'http://evil.example' })
  assert.equal(rebound.status, 403)
})

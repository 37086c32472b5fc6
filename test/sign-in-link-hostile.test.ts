// What others do with links that sign somebody in or let them join: forging, replaying, guessing.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { SignJWT, UnsecuredJWT } from 'jose'
import { sql } from 'kysely'
import { newCredential } from '../db/credential.ts'
import { linkKeyOf } from '../server/sign-in/compose.ts'
import { printLinkToken } from '../server/sign-in/link-token.ts'
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
const compare = (a: number, b: number) => a - b
const inMs = (ms: number) => new Date(Date.now() + ms)

const EVIL = 'https://evil.example'
const FOREIGN = '403 This form is from another site'
const VIEWER = '{ viewer { id } }'

const stage = await openStage({ after })
const { app } = stage
/** Of an owner of the first account, who stays signed in throughout. */
const victim = openClient(app)
await useLink(victim, await makeLinkToken(app))

const BAD_LINK = '403 This link does not sign you in'
const NOT_JOINED = '409 You did not join'

test('a link does what it was made for, once, in time, and only as it was signed', async () => {
  const key = linkKeyOf(app.key)
  const subject = 'vic@example.com'
  const expiresAt = inMs(10 * MINUTE_MS)
  const invitation = (id: string) =>
    printLinkToken(key, 'invitation', { id, subject: app.accountId, expiresAt })
  const jwt = (typ: string, alg = 'HS256', claims = {}) =>
    new SignJWT(claims)
      .setProtectedHeader({ alg, typ })
      .setSubject(subject)
      .setJti(newCredential('hmb'))
      .setExpirationTime('5m')
  const type = 'hasmcp-sign-in+jwt'
  const unsigned = new UnsecuredJWT({ sub: subject, jti: '1' }).setExpirationTime('5m').encode()
  const used = await makeLinkToken(app)
  await useLink(openClient(app), used)
  const tokens: Readonly<Record<string, readonly [string, string]>> = {
    fresh: [`303 / as ${subject}`, await makeLinkToken(app)],
    'used before': [BAD_LINK, used],
    'a second too old': [BAD_LINK, await makeLinkToken(app, -1_000)],
    'a bit of its signature': [BAD_LINK, flipAt(await makeLinkToken(app), -10)],
    'a bit of its claims': [BAD_LINK, flipAt(await makeLinkToken(app), -60)],
    'without a signature': [BAD_LINK, (await makeLinkToken(app)).replace(/[^.]*$/, '')],
    unsigned: [BAD_LINK, unsigned],
    'by a key of zeros': [BAD_LINK, await jwt(type).sign(Buffer.alloc(32))],
    'by the installation’s key itself': [BAD_LINK, await jwt(type).sign(app.key)],
    'by HS512': [BAD_LINK, await jwt(type, 'HS512').sign(key)],
    'without a type': [BAD_LINK, await jwt('JWT').sign(key)],
    'an invitation’s': [BAD_LINK, await invitation('inv_01h455vb4pex5vsknk084sn02q')],
    'without an end': [
      BAD_LINK,
      await new SignJWT()
        .setProtectedHeader({ alg: 'HS256', typ: type })
        .setSubject(subject)
        .setJti('2')
        .sign(key),
    ],
    'for no address': [BAD_LINK, await makeLinkToken(app, MINUTE_MS, 'vic@example.com#x')],
    empty: [BAD_LINK, ''],
    'of 10 KB': [BAD_LINK, 'x'.repeat(10_000)],
    'of 20 KB': ['413 This is too much', 'x'.repeat(20_000)],
  }
  await assertRows(tokens, ([, token]) => outcomeOf(app, () => useLink(openClient(app), token)))

  const once = await makeLinkToken(app)
  const both = await Promise.all([1, 2].map(() => useLink(openClient(app), once)))
  assert.deepEqual(both.map(({ status }) => status).toSorted(compare), [303, 403])
  // Several links for somebody new at once are as many sign-ins of one person.
  const many = [1, 2, 3, 4].map(() => makeLinkToken(app, MINUTE_MS, 'new@example.com'))
  const pair = await Promise.all(many.map(async (token) => useLink(openClient(app), await token)))
  assert.deepEqual(
    pair.map(({ status }) => status),
    [303, 303, 303, 303],
  )
  // A database whose clock is ten minutes ahead has forgotten nothing when it tidies up.
  await sql`update used_token set expires_at = expires_at - interval '11 minutes'`.execute(
    app.db.kysely,
  )
  await useLink(openClient(app), await makeLinkToken(app))
  assert.equal(await outcomeOf(app, () => useLink(openClient(app), once)), BAD_LINK)
  // What only looks at a link (a scanner of mail, a preview) leaves it as it is.
  const seen = await makeLinkToken(app)
  assert.equal((await openClient(app).get(`/sign-in/link?token=${seen}`)).status, 200)
  assert.equal(await outcomeOf(app, () => useLink(openClient(app), seen)), `303 / as ${subject}`)
  assert.equal((await victim.ask(VIEWER)).status, 200)
})

const flipAt = (text: string, at: number) =>
  `${text.slice(0, at)}${text.at(at) === 'A' ? 'B' : 'A'}${text.slice(text.length + at + 1)}`

test('an invitation is accepted once, by the address that was invited and by no look-alike', async () => {
  const invite = async (email: string) => {
    const answer = await victim.ask(
      `mutation { createInvitation(input: { email: ${JSON.stringify(email)}, role: MEMBER }) {
        __typename ... on CreateInvitationSuccess { data { url } } } }`,
    )
    const { data } = (await answer.json()) as {
      readonly data: { readonly createInvitation: { readonly data?: { readonly url: string } } }
    }
    return new URL(data.createInvitation.data?.url ?? EVIL).searchParams.get('token') ?? ''
  }
  const become = async (email: string) => {
    const client = openClient(app)
    const response = await signIn(stage, client, { userinfo: { email } })
    assert.equal(response.status, 303)
    return client
  }
  const members = async () => {
    const { rows } = await sql<{ email_key: string }>`
      select email_key from membership join person on person.id = person_id
      order by membership.id`.execute(app.db.kysely)
    return rows.map((row) => row.email_key)
  }
  const before = await members()
  const token = await invite('ada@example.com')
  const accept = (client: Client, text = token) =>
    outcomeOf(app, () => client.post('/invitation', { token: text }))
  const others = [
    'bo@example.com',
    '\u0430da@example.com',
    '\uFF41da@example.com',
    'ada@ex\u0430mple.com',
  ]
  for (const email of others) assert.equal(await accept(await become(email)), NOT_JOINED, email)
  const ada = await become('Ada@EXAMPLE.com')
  assert.equal(await accept(ada, await makeLinkToken(app)), NOT_JOINED, 'a link that signs in')
  assert.equal(await accept(ada, flipAt(token, -10)), NOT_JOINED)
  assert.equal(
    await outcomeOf(app, () => ada.post('/invitation', { token }, { origin: EVIL })),
    FOREIGN,
  )
  assert.deepEqual(await members(), before)
  // Of one person in two browsers, the quicker one, which is given a new secret.
  const pair = [ada, await become('ada@example.com')]
  const cookies = pair.map(({ cookie }) => cookie)
  const both = await Promise.all(pair.map((client) => client.post('/invitation', { token })))
  assert.deepEqual(both.map(({ status }) => status).toSorted(compare), [303, 409])
  assert.deepEqual(await members(), [...before, 'ada@example.com'])
  const winner = both.findIndex(({ status }) => status === 303)
  assert.equal((await openClient(app, cookies[winner]).ask(VIEWER)).status, 401)
  assert.equal(await accept(await become('ada@example.com')), NOT_JOINED, 'used')
  const old = await invite('cy@example.com')
  await sql`update invitation set expires_at = now() - interval '1 second'
    where email_key = 'cy@example.com'`.execute(app.db.kysely)
  assert.equal(await accept(await become('cy@example.com'), old), NOT_JOINED, 'too old')
})

test('whoever has not proved who they are is told the same of every address, token and session', async () => {
  const text = async (work: (client: Client) => Promise<Response>) => {
    const response = await work(openClient(app))
    return `${response.status} ${(await response.text()).replaceAll(/eyJ[\w.-]+/g, '…')}`
  }
  const key = linkKeyOf(app.key)
  const invitation = (id: string) =>
    printLinkToken(key, 'invitation', { id, subject: app.accountId, expiresAt: inMs(MINUTE_MS) })
  const pairs: Readonly<Record<string, readonly ((client: Client) => Promise<Response>)[]>> = {
    'links that are too old': ['vic@example.com', 'nobody@example.com'].map(
      (email) => async (client: Client) => useLink(client, await makeLinkToken(app, -1, email)),
    ),
    'pages of links': ['vic@example.com', 'nobody@example.com'].map(
      (email) => async (client: Client) =>
        client.get(`/sign-in/link?token=${await makeLinkToken(app, MINUTE_MS, email)}`),
    ),
    'invitations, signed out': ['inv_01h455vb4pex5vsknk084sn02q', 'x'].map(
      (id) => async (client: Client) => client.post('/invitation', { token: await invitation(id) }),
    ),
    'pages, with a cookie of nobody and with none': [
      (client) => client.get('/', { cookie: `hasmcp-session=${newCredential('hmb')}` }),
      (client) => client.get('/'),
    ],
  }
  for (const [name, works] of Object.entries(pairs)) {
    const texts = await Promise.all(works.map(text))
    assert.equal(new Set(texts).size, 1, `${name}: ${texts.join('\n')}`)
  }
})

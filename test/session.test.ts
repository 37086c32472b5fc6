// Browsers that are signed in, through the front door: listed, ended by their person and by time, and
// given a new secret with each change of what they may do.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { sql } from 'kysely'
import { newId } from '../db/id.ts'
import { deleteExpiredSessions } from '../db/session.ts'
import { startApp } from './support/app.ts'
import {
  join,
  signIn,
  signInByLink,
  UNAUTHENTICATED,
  withKey,
  type Person,
} from './support/person.ts'

const HASMCP_ADMIN_KEY = 'a'.repeat(16) + '0123456789abcdef'
const app = await startApp({ after }, { HASMCP_ADMIN_KEY })
const administrator = withKey(app, HASMCP_ADMIN_KEY)
const owner = await signInByLink(app)

const SESSIONS = '{ viewer { id session { id } sessions { id isCurrent createdAt expiresAt } } }'
const WHERE = '{ viewer { role account { id } accounts { id name isSuspended role } } }'
const REFUSED = `UNAUTHENTICATED: ${UNAUTHENTICATED}`

interface SessionsAnswer {
  readonly viewer: {
    readonly id: string
    readonly session: { readonly id: string } | null
    readonly sessions: readonly {
      readonly id: string
      readonly isCurrent: boolean
      readonly createdAt: string
      readonly expiresAt: string
    }[]
  }
}

const sessionsOf = async (person: Person) => (await person.ask<SessionsAnswer>(SESSIONS)).viewer
const refusalOf = (person: Person) => person.refusal('leaveAccount')

/** Another account, whose administrator is the key. */
async function openAccount(name: string) {
  const { account, apiKey } = await administrator.make<{
    account: { id: string }
    apiKey: string
  }>('createAccount', { input: { name } }, 'account { id } apiKey')
  return { id: account.id, key: withKey(app, apiKey) }
}

test('a person sees the browsers in which they are signed in, and ends one, and the present one', async () => {
  const email = 'ada@example.com'
  const [desk, phone] = [await join(app, owner, email, 'MEMBER'), await signIn(app, email)]
  const { id, session, sessions } = await sessionsOf(desk)
  assert.equal(session?.id, id)
  const ofPhone = (await sessionsOf(phone)).id
  assert.deepEqual(
    sessions.map((one) => [one.id, one.isCurrent]),
    [
      [id, true],
      [ofPhone, false],
    ],
  )
  for (const { createdAt, expiresAt } of sessions) {
    assert.equal(Date.parse(expiresAt) - Date.parse(createdAt), 14 * 86_400_000)
  }
  assert.equal(await desk.make('revokeSession', { id: ofPhone }), ofPhone)
  assert.equal(await refusalOf(phone), REFUSED)
  assert.equal(
    await desk.refusal('revokeSession', { id: ofPhone }),
    `NOT_FOUND: No session ${ofPhone}`,
  )
  assert.equal(await desk.make('revokeSession', { id }), id)
  assert.equal(await refusalOf(desk), REFUSED)
  const { viewer } = await withKey(app, app.apiKey).ask<SessionsAnswer>(SESSIONS)
  assert.deepEqual([viewer.session, viewer.sessions], [null, []])
})

test('a change of the account gives the browser a new cookie, and the old one is nothing', async () => {
  const [tea, closed] = [await openAccount('Tea'), await openAccount('Closed')]
  const email = 'bob@example.com'
  const bob = await join(app, tea.key, email, 'ADMIN')
  await signIn(app, email)
  await join(app, owner, email, 'MEMBER')
  assert.deepEqual(await bob.ask(WHERE), {
    viewer: {
      role: 'ADMIN',
      account: { id: tea.id },
      accounts: [
        { id: tea.id, name: 'Tea', isSuspended: false, role: 'ADMIN' },
        { id: app.accountId, name: 'Default', isSuspended: false, role: 'MEMBER' },
      ],
    },
  })
  const [thief, before] = [bob.copy(), await sessionsOf(bob)]
  assert.equal(await bob.make('switchAccount', { accountId: app.accountId }), app.accountId)
  assert.notEqual(bob.cookie(), thief.cookie())
  assert.equal(await refusalOf(thief), REFUSED)
  assert.equal((await sessionsOf(bob)).id, before.id, 'it is the same session')
  const { viewer } = await bob.ask<{ viewer: object }>('{ viewer { role account { id } } }')
  assert.deepEqual(viewer, { role: 'MEMBER', account: { id: app.accountId } })

  // An account of others is as one that never was.
  const cookie = bob.cookie()
  for (const accountId of [closed.id, newId('acc')]) {
    assert.equal(
      await bob.refusal('switchAccount', { accountId }),
      `NOT_FOUND: No account ${accountId}`,
    )
  }
  assert.equal(
    await bob.refusal('switchAccount', { accountId: 'Tea' }),
    'INVALID: accountId is "Tea"; expected the id of an account, such as "acc_01h455vb4pex5vsknk084sn02q"',
  )
  assert.equal(bob.cookie(), cookie)

  // The membership that a session acts by ends it; the one in another account goes on.
  const elsewhere = await signIn(app, email)
  assert.equal((await elsewhere.call('leaveAccount')).__typename, 'LeaveAccountSuccess')
  assert.equal(await refusalOf(elsewhere), REFUSED)
  assert.equal((await sessionsOf(bob)).id, before.id)
})

test("another person's session is as one that never was", async () => {
  const [eve, victim] = [
    await signIn(app, 'eve@example.com'),
    await join(app, owner, 'victim@example.com', 'OWNER'),
  ]
  const { id } = await sessionsOf(victim)
  const unknown = newId('ses')
  const [theirs, none] = [
    await eve.refusal('revokeSession', { id }),
    await eve.refusal('revokeSession', { id: unknown }),
  ]
  assert.equal(theirs.replace(id, unknown), none)
  assert.equal(none, `NOT_FOUND: No session ${unknown}`)
  assert.equal((await sessionsOf(victim)).id, id)
})

test('a session ends 12 hours after its last use and 14 days after it began, whichever is first', async () => {
  const person = await signIn(app, 'late@example.com')
  const { id } = await sessionsOf(person)
  const age = async (began: string, used: string) => {
    await sql`update session set created_at = now() - ${began}::interval,
      last_used_at = now() - ${used}::interval where id = ${id}`.execute(app.db.kysely)
  }
  const lastUse = async () => {
    const { rows } = await sql<{ ms: number }>`
      select extract(epoch from now() - last_used_at)::float8 * 1000 as ms
      from session where id = ${id}`.execute(app.db.kysely)
    return rows[0]?.ms ?? Number.NaN
  }
  await age('13 days 23 hours 59 minutes', '11 hours 59 minutes')
  assert.equal((await sessionsOf(person)).id, id)
  assert.ok((await lastUse()) < 60_000, 'a use is written down')
  // Once a minute: a use that was written a moment ago is not written again.
  await age('1 hour', '30 seconds')
  await sessionsOf(person)
  assert.ok((await lastUse()) >= 30_000)
  assert.equal(await deleteExpiredSessions(app.db), 0)
  for (const [began, used] of [
    ['1 day', '12 hours'],
    ['14 days', '1 minute'],
  ] as const) {
    await age(began, used)
    assert.equal(await refusalOf(person), REFUSED, began)
    const other = await signIn(app, 'late@example.com')
    assert.equal((await sessionsOf(other)).sessions.length, 1, 'it is in no list')
    const mine = await sessionsOf(other)
    await other.make('revokeSession', { id: mine.id })
  }
  assert.equal(await deleteExpiredSessions(app.db), 1)
  assert.equal(await deleteExpiredSessions(app.db), 0)
})

test('a person has 20 sessions at most: the oldest makes room', async () => {
  const people: Person[] = []
  for (let n = 0; n < 21; n += 1) people.push(await signIn(app, 'busy@example.com'))
  const [first, second] = people as [Person, Person]
  assert.equal(await refusalOf(first), REFUSED)
  assert.equal((await sessionsOf(second)).sessions.length, 20)
})

test('in an account that is suspended a person is told so, and may turn to another', async () => {
  const tea = await openAccount('Suspended')
  const person = await join(app, tea.key, 'idle@example.com', 'OWNER')
  await administrator.make('suspendAccount', { id: tea.id })
  const sentence =
    'SUSPENDED: This account is suspended: its keys and tokens work again once the instance administrator reactivates it'
  assert.equal(await person.refusal('createServer', { input: { name: 'S' } }), sentence)
  assert.deepEqual(await person.ask(WHERE), {
    viewer: {
      role: null,
      account: null,
      accounts: [{ id: tea.id, name: 'Suspended', isSuspended: true, role: 'OWNER' }],
    },
  })
  assert.equal(await person.refusal('leaveAccount'), sentence)
  await administrator.make('reactivateAccount', { id: tea.id })
  const { viewer } = await person.ask<{ viewer: object }>('{ viewer { role } }')
  assert.deepEqual(viewer, { role: 'OWNER' })
})

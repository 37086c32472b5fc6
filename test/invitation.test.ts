// Asking somebody to join, through the front door: the link works once, for seven days and for one
// address, and whoever has it without a right to it learns nothing by it.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { sql } from 'kysely'
import { printSignInLink } from '../server/sign-in/print-link.ts'
import { startApp } from './support/app.ts'
import { startMailbox } from './support/mailbox.ts'
import { invite, join, membershipOf, signIn, signInByLink } from './support/person.ts'

const mailbox = await startMailbox({ after })
const app = await startApp({ after }, { SMTP_URL: mailbox.url })
const owner = await signInByLink(app)

const FIELDS = 'id email role isPending acceptedAt revokedAt invitedBy { email }'
const NEW = `url isMailed invitation { ${FIELDS} createdAt expiresAt }`
const LIST = `query($filter: InvitationFilter) {
  invitations(first: 99, filter: $filter) { totalCount nodes { ${FIELDS} } } }`
const REFUSED =
  'CONFLICT: This invitation cannot be accepted: it was used or taken back, it is older than 7 days, or it is for another address than the one you are signed in with'

interface Invitation {
  readonly id: string
  readonly email: string
  readonly isPending: boolean
  readonly acceptedAt: string | null
  readonly revokedAt: string | null
  readonly createdAt: string
  readonly expiresAt: string
}

interface NewInvitation {
  readonly url: string
  readonly isMailed: boolean
  readonly invitation: Invitation
}

const create = (email: string, role: string) =>
  owner.make<NewInvitation>('createInvitation', { input: { email, role } }, NEW)
const list = async (filter: object = {}) =>
  (await owner.ask<{ invitations: { nodes: Invitation[] } }>(LIST, { filter })).invitations.nodes
const find = async (id: string) => (await list()).find((one) => one.id === id)
const countMembers = async () =>
  (await owner.ask<{ memberships: object }>('{ memberships(first: 1) { totalCount } }')).memberships

test('an invitation is made, mailed, listed, accepted by its address in any case, and is used up', async () => {
  const { url, isMailed, invitation } = await create('Ada@Example.com', 'ANALYST')
  const { id, createdAt, expiresAt, ...rest } = invitation
  assert.deepEqual(rest, {
    email: 'Ada@Example.com',
    role: 'ANALYST',
    isPending: true,
    acceptedAt: null,
    revokedAt: null,
    invitedBy: { email: owner.email },
  })
  assert.equal(Date.parse(expiresAt) - Date.parse(createdAt), 7 * 86_400_000)
  assert.equal(new URL(url).origin, new URL(app.graphqlUrl).origin)
  assert.equal(isMailed, true)
  const mail = await mailbox.next()
  // The client of the mail server writes domains as IDNA prints them.
  assert.deepEqual(mail.to, ['Ada@example.com'])
  assert.ok(mail.body.includes(url), mail.body)
  assert.deepEqual(await list({ isPending: true }), [{ id, ...rest }])

  const ada = await signIn(app, 'ada@EXAMPLE.com')
  assert.equal(await ada.make('acceptInvitation', { url }), app.accountId)
  const { viewer } = await ada.ask<{ viewer: object }>('{ viewer { role account { id } } }')
  assert.deepEqual(viewer, { role: 'ANALYST', account: { id: app.accountId } })
  assert.equal(await ada.refusal('acceptInvitation', { url }), REFUSED)
  const accepted = await find(id)
  assert.deepEqual([accepted?.isPending, accepted?.revokedAt], [false, null])
  assert.ok(Math.abs(Date.parse(accepted?.acceptedAt ?? '') - Date.now()) < 60_000)
  assert.deepEqual(await list({ isPending: true }), [])
  // What was accepted stays so.
  assert.deepEqual(await owner.make('revokeInvitation', { id }, FIELDS), accepted)
})

test('a link that was taken back, replaced, is too old, of another kind or for another address does nothing', async () => {
  const email = 'eve@example.com'
  const eve = await signIn(app, email)
  const before = await countMembers()
  const revoked = await create(email, 'MEMBER')
  const { id } = revoked.invitation
  const taken = await owner.make<Invitation>('revokeInvitation', { id }, FIELDS)
  assert.deepEqual([taken.isPending, typeof taken.revokedAt], [false, 'string'])
  assert.deepEqual(await owner.make('revokeInvitation', { id }, FIELDS), taken, 'twice')
  const replaced = await create(email, 'MEMBER')
  const old = await create(email, 'OWNER')
  assert.equal((await find(replaced.invitation.id))?.isPending, false)
  await sql`update invitation set expires_at = now() where id = ${old.invitation.id}`.execute(
    app.db.kysely,
  )
  assert.equal((await find(old.invitation.id))?.isPending, false)
  const others = await create('other@example.com', 'OWNER')
  const origin = new URL(app.graphqlUrl).origin
  for (const [why, url] of Object.entries({
    revoked: revoked.url,
    replaced: replaced.url,
    'too old': old.url,
    'for another address': others.url,
    'cut off': others.url.slice(0, -1),
    'of another kind': await printSignInLink(app.key, origin, email),
    'no link': 'x',
    empty: '',
  })) {
    assert.equal(await eve.refusal('acceptInvitation', { url }), REFUSED, why)
  }
  assert.deepEqual(await countMembers(), before)
  // It is still good for whom it is for.
  const other = await signIn(app, 'other@example.com')
  await other.make('acceptInvitation', { url: others.url })
})

test('of many who accept one link at once one gets in, and nobody belongs to an account twice', async () => {
  const url = await invite(owner, 'many@example.com', 'MEMBER')
  const person = await signIn(app, 'many@example.com')
  const copies = [person.copy(), person.copy(), person.copy(), person.copy()]
  const results = await Promise.all(
    copies.map(async (one) => (await one.send(ACCEPT, { url })).text.includes('Success')),
  )
  assert.equal(results.filter(Boolean).length, 1)
  const back = await signIn(app, 'many@example.com')
  assert.match(
    await owner.refusal('createInvitation', {
      input: { email: 'MANY@example.com', role: 'OWNER' },
    }),
    /^CONFLICT: Whoever has this address belongs to the account already, as mbr_\w+; updateMembership changes the role$/,
  )
  const { viewer } = await back.ask<{ viewer: object }>('{ viewer { role accounts { role } } }')
  assert.deepEqual(viewer, { role: 'MEMBER', accounts: [{ role: 'MEMBER' }] })
})

const ACCEPT = 'mutation($url: String!) { acceptInvitation(url: $url) { __typename } }'

test('an address that is none, and an invitation that is none, are refused with a sentence', async () => {
  for (const email of [
    '',
    'ada',
    'a@b@c',
    'a b@c.example',
    'a@',
    '@b.example',
    `a@${'b'.repeat(254)}`,
  ]) {
    const quoted = JSON.stringify(email)
    const text = await owner.refusal('createInvitation', { input: { email, role: 'MEMBER' } })
    assert.match(
      text,
      /^INVALID: email is .+; expected an address such as "ada@example.com"$/,
      quoted,
    )
  }
  const id = 'inv_01h455vb4pex5vsknk084sn02q'
  assert.equal(await owner.refusal('revokeInvitation', { id }), `NOT_FOUND: No invitation ${id}`)
  assert.equal(
    await owner.refusal('revokeInvitation', { id: 'srv_x' }),
    'INVALID: id is "srv_x"; expected the id of an invitation, such as "inv_01h455vb4pex5vsknk084sn02q"',
  )
})

test('the link is in the answer where no mail goes out, and a name is no part of the mail but text', async () => {
  const name = 'Tea\u2028<b>shop</b>'.replace('\u2028', ' ')
  await owner.make('updateAccount', { input: { name } })
  mailbox.behave({ at: 'recipient', code: 550 })
  const refused = await create('bounce@example.com', 'MEMBER')
  assert.deepEqual([refused.isMailed, refused.invitation.isPending], [false, true])
  mailbox.behave('accept')
  assert.equal((await create('bounce@example.com', 'MEMBER')).isMailed, true)
  for (let mail = await mailbox.next(); ; mail = await mailbox.next()) {
    if (!mail.to.includes('bounce@example.com')) continue
    assert.match(mail.body, /the account "Tea <b>shop<\/b>" on HasMCP, with the role MEMBER/)
    break
  }
  await join(app, owner, 'bounce@example.com', 'MEMBER')
})

test('what somebody asked others to ends with their right to ask', async () => {
  for (const lose of [
    (id: string) => owner.make('updateMembership', { input: { id, role: 'ANALYST' } }),
    (id: string) => owner.make('deleteMembership', { id }, ''),
  ]) {
    const admin = await join(app, owner, 'short@example.com', 'ADMIN')
    const url = await invite(admin, 'friend@example.com', 'MEMBER')
    const id = await membershipOf(owner, admin)
    await lose(id)
    const friend = await signIn(app, 'friend@example.com')
    assert.equal(await friend.refusal('acceptInvitation', { url }), REFUSED)
    await owner.call('deleteMembership', { id }, '')
  }
})

test('no link that was made before leads back to more than somebody has now', async () => {
  const eve = await join(app, owner, 'eve@example.com', 'OWNER')
  const asOwner = await invite(eve, 'alt@example.com', 'OWNER')
  const asDeveloper = await invite(eve, 'dev-alt@example.com', 'DEVELOPER')
  const id = await membershipOf(owner, eve)
  await owner.make('updateMembership', { input: { id, role: 'ADMIN' } })
  const alt = await signIn(app, 'alt@example.com')
  assert.equal(await alt.refusal('acceptInvitation', { url: asOwner }), REFUSED)
  const dev = await signIn(app, 'dev-alt@example.com')
  await dev.make('acceptInvitation', { url: asDeveloper }, '')
  // Of two links that were made at once, one is left; with the membership it is of no use.
  const [one, other] = await Promise.all([
    invite(owner, 'fay@example.com', 'DEVELOPER'),
    invite(owner, 'fay@example.com', 'DEVELOPER'),
  ])
  const fay = await signIn(app, 'fay@example.com')
  const accepted = await Promise.all(
    [one, other].map(async (url) => (await fay.copy().send(ACCEPT, { url })).text),
  )
  assert.equal(accepted.filter((text) => text.includes('Success')).length, 1)
  await owner.make('deleteMembership', { id: await membershipOf(owner, fay) }, '')
  const again = await signIn(app, 'fay@example.com')
  for (const url of [one, other]) {
    assert.equal(await again.refusal('acceptInvitation', { url }), REFUSED)
  }
})

test('an account invites 100 times within a day', async () => {
  const { nodes } = { nodes: await list() }
  await sql`insert into invitation (id, account_id, email, email_key, role, expires_at)
    select 'inv_' || n, ${app.accountId}, 'x@y', 'x@y', 'MEMBER', now()
    from generate_series(1, ${100 - nodes.length}::integer) n`.execute(app.db.kysely)
  assert.equal(
    await owner.refusal('createInvitation', { input: { email: 'x@y.example', role: 'MEMBER' } }),
    'CONFLICT: The account invited 100 people within a day, the limit is 100; go on tomorrow',
  )
})

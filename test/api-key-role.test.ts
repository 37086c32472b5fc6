// What an API key may do and whose it is, through the front door. The story of the key itself is
// api-key.test.ts's.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { newId } from '../db/id.ts'
import type { Role } from '../db/identity-tables.ts'
import { permissionsOf } from '../schema/role.ts'
import { startApp } from './support/app.ts'
import { join, membershipOf, signIn, signInByLink, withKey, type Sender } from './support/person.ts'

const app = await startApp({ after })
const owner = await signInByLink(app)
const ofAccount = withKey(app, app.apiKey)

const KEY = 'key apiKey { id name role viewerCanRevoke user { email } }'
const LIST = '{ apiKeys(first: 99) { totalCount nodes { id } } }'
const NODE = 'query($id: ID!) { node(id: $id) { id } }'

interface NewKey {
  readonly key: string
  readonly apiKey: { readonly id: string; readonly role: Role }
}

const create = (sender: Sender, input: object) =>
  sender.make<NewKey>('createApiKey', { input: { name: 'Key', ...input } }, KEY)
const idsSeenBy = async (sender: Sender) => {
  const { apiKeys } = await sender.ask<{
    apiKeys: { totalCount: number; nodes: { id: string }[] }
  }>(LIST)
  const ids = apiKeys.nodes.map(({ id }) => id)
  assert.equal(apiKeys.totalCount, ids.length)
  return ids
}

test('a key belongs to its maker, and carries their role, a lesser one, and never a greater one', async () => {
  const dev = await join(app, owner, 'dev@example.com', 'DEVELOPER')
  const { apiKey } = await create(dev, {})
  const user = { email: dev.email }
  const { id } = apiKey
  assert.deepEqual(apiKey, { id, name: 'Key', role: 'DEVELOPER', viewerCanRevoke: true, user })
  for (const role of ['DEVELOPER', 'ANALYST', 'BILLING', 'MEMBER'] as const) {
    const { key } = await create(dev, { role })
    const { viewer } = await withKey(app, key).ask<{ viewer: object }>(
      '{ viewer { role permissions } }',
    )
    assert.deepEqual(viewer, { role, permissions: [...permissionsOf(role)].toSorted() })
  }
  for (const role of ['OWNER', 'ADMIN'] as const) {
    assert.equal(
      await dev.refusal('createApiKey', { input: { name: 'More', role } }),
      `FORBIDDEN: The role ${role} may do what DEVELOPER may not: nobody gives, changes or takes away more than they have`,
    )
  }
  // A key makes none that may do more than itself either, whoever its person is.
  const { key } = await create(owner, { role: 'ANALYST' })
  assert.match(
    await withKey(app, key).refusal('createApiKey', { input: { name: 'More', role: 'OWNER' } }),
    /^FORBIDDEN: The role OWNER may do what ANALYST may not/,
  )
  assert.equal((await create(withKey(app, key), {})).apiKey.role, 'ANALYST')
})

test('whoever manages nobody sees and revokes their own keys alone; others are as none', async () => {
  const [ann, ben] = [
    await join(app, owner, 'ann@example.com', 'MEMBER'),
    await join(app, owner, 'ben@example.com', 'DEVELOPER'),
  ]
  const { apiKey: own, key } = await create(ann, {})
  const { apiKey: theirs } = await create(ben, {})
  const ofOwner = await create(owner, {})
  assert.deepEqual(await idsSeenBy(ann), [own.id])
  assert.deepEqual(await idsSeenBy(withKey(app, key)), [own.id])
  assert.deepEqual(await idsSeenBy(ben), [theirs.id])
  const all = await idsSeenBy(owner)
  for (const { id } of [own, theirs, ofOwner.apiKey]) assert.ok(all.includes(id))
  assert.deepEqual(await idsSeenBy(ofAccount), all)
  const unknown = newId('key')
  for (const id of [theirs.id, ofOwner.apiKey.id, unknown]) {
    assert.equal(await ann.refusal('revokeApiKey', { id }), `NOT_FOUND: No API key ${id}`)
    const { body } = await ann.send(NODE, { id })
    assert.deepEqual(
      body.errors?.map(({ message }) => message),
      [`No API key ${id}`],
    )
  }
  await ann.ask(NODE, { id: own.id })
  assert.deepEqual(await ann.make('revokeApiKey', { id: own.id }), { id: own.id })
  assert.equal((await withKey(app, key).send(LIST)).status, 401)
  await owner.make('revokeApiKey', { id: theirs.id })
})

test("a key of the account's own that manages nobody sees and revokes itself alone", async () => {
  const { key, apiKey } = await create(ofAccount, { role: 'DEVELOPER' })
  const machine = withKey(app, key)
  assert.deepEqual(await idsSeenBy(machine), [apiKey.id])
  const { apiKey: another } = await create(machine, {})
  for (const id of [another.id, (await create(ofAccount, {})).apiKey.id]) {
    assert.equal(await machine.refusal('revokeApiKey', { id }), `NOT_FOUND: No API key ${id}`)
  }
  assert.deepEqual(await machine.make('revokeApiKey', { id: apiKey.id }), { id: apiKey.id })
  assert.equal((await machine.send(LIST)).status, 401)
})

test("an idempotencyKey shows nobody another's key, and nobody one with more rights", async () => {
  const input = { name: 'CI', idempotencyKey: 'deploy' }
  const made = await create(owner, input)
  assert.deepEqual(await create(owner, input), made)
  const conflict = /^CONFLICT: The idempotencyKey "deploy" was used /
  const colleague = await join(app, owner, 'colleague@example.com', 'OWNER')
  const { key } = await create(owner, { role: 'DEVELOPER' })
  // Another owner, the account's own key, and a lesser key of the very person.
  for (const sender of [colleague, ofAccount, withKey(app, key)]) {
    assert.match(await sender.refusal('createApiKey', { input }), conflict)
  }
  assert.deepEqual(await create(owner, { ...input, role: 'OWNER' }), made)
})

test('a key does nothing that only a person in a browser can', async () => {
  for (const [name, args, permission] of [
    ['leaveAccount', {}, 'membership:leave'],
    ['acceptInvitation', { url: 'x' }, 'invitation:accept'],
    ['switchAccount', { accountId: app.accountId }, 'session:write'],
    ['revokeSession', { id: newId('ses') }, 'session:write'],
  ] as const) {
    assert.equal(
      await ofAccount.refusal(name, args),
      `FORBIDDEN: The permission ${permission} is that of a person who is signed in with a browser; an API key never has it`,
    )
  }
})

test('nobody revokes a key that carries more than they have', async () => {
  const admin = await join(app, owner, 'admin@example.com', 'ADMIN')
  const { apiKey } = await create(owner, {})
  assert.equal(
    await admin.refusal('revokeApiKey', { id: apiKey.id }),
    'FORBIDDEN: The role OWNER may do what ADMIN may not: nobody gives, changes or takes away more than they have',
  )
  const dev = await join(app, owner, 'second@example.com', 'DEVELOPER')
  const { apiKey: lesser } = await create(dev, {})
  assert.deepEqual(await admin.make('revokeApiKey', { id: lesser.id }), { id: lesser.id })
})

test('a key is what its person still is, and carries what they were lent only where it is all that they are', async () => {
  const member = await join(app, owner, 'lent@example.com', 'DEVELOPER')
  const [whole, lesser] = [await create(member, {}), await create(member, { role: 'BILLING' })]
  const { id: serverId } = await owner.make('createServer', { input: { name: 'Desk' } })
  const membershipId = await membershipOf(owner, member)
  await owner.make('updateMembership', { input: { id: membershipId, role: 'MEMBER' } })
  const again = withKey(app, whole.key)
  const { viewer } = await again.ask<{ viewer: object }>('{ viewer { role } }')
  assert.deepEqual(viewer, { role: 'MEMBER' })
  assert.match(
    await again.refusal('createServer', { input: { name: 'x' } }),
    /^FORBIDDEN: The role MEMBER lacks the permission server:write/,
  )
  const input = { serverId, membershipId, level: 'EDIT' }
  await owner.make('grantServer', { input }, 'level')
  const renamed = { input: { id: serverId, name: 'Renamed' } }
  assert.match(
    await withKey(app, lesser.key).refusal('updateServer', renamed),
    /^FORBIDDEN: The role BILLING lacks the permission server:write/,
  )
  const fresh = await create(await signIn(app, member.email), {})
  assert.deepEqual(await withKey(app, fresh.key).make('updateServer', renamed), { id: serverId })
})

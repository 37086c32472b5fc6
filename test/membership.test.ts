// Who belongs to an account, through the front door: what somebody becomes, what they lose with it, and
// what nobody can do to those above them.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { permissionsOf } from '../schema/role.ts'
import type { Role } from '../db/identity-tables.ts'
import { mcpRequest } from './support/mcp.ts'
import {
  invite,
  join,
  membershipOf,
  signIn,
  signInByLink,
  UNAUTHENTICATED,
  withKey,
  type Person,
  type Sender,
} from './support/person.ts'
import { openWorld } from './support/world.ts'

const world = await openWorld({ after })
const { app } = world
const owner = await signInByLink(app)

const REFUSED = `UNAUTHENTICATED: ${UNAUTHENTICATED}`
const LAST_OWNER =
  'CONFLICT: This is the last owner of the account; make somebody else an OWNER first'
const VIEWER = '{ viewer { role permissions user { email } account { id } accounts { id role } } }'

interface ViewerAnswer {
  readonly viewer: { readonly role: Role; readonly permissions: readonly string[] }
}

const may = (role: Role) => [...permissionsOf(role)]
const permissions = async (sender: Sender) => (await sender.ask<ViewerAnswer>(VIEWER)).viewer
/** What a request is refused with. */
const refused = (sender: Sender) => sender.refusal('createServer', { input: { name: 'N' } })

/** A key and a token of the person's, and what they open. */
async function makeCredentials(person: Person, serverId: string) {
  const { key } = await person.make<{ key: string }>(
    'createApiKey',
    { input: { name: 'Mine' } },
    'key',
  )
  const { token } = await person.make<{ token: string }>(
    'createServerToken',
    { input: { serverId, name: 'Mine' } },
    'token',
  )
  const statusOfMcp = async () =>
    (await mcpRequest(app.mcpUrl(serverId), token, 'tools/list')).status
  return { key: withKey(app, key), statusOfMcp }
}

test('a member is invited, becomes less, and is removed: with the right goes what it opened, at once', async () => {
  const server = await owner.make('createServer', { input: { name: 'Desk' } })
  const email = 'dev@example.com'
  const dev = await join(app, owner, email, 'DEVELOPER')
  assert.deepEqual(await dev.ask(VIEWER), {
    viewer: {
      role: 'DEVELOPER',
      permissions: [
        ...may('DEVELOPER'),
        'invitation:accept',
        'membership:leave',
        'session:write',
      ].toSorted(),
      user: { email },
      account: { id: app.accountId },
      accounts: [{ id: app.accountId, role: 'DEVELOPER' }],
    },
  })
  const first = await makeCredentials(dev, server.id)
  assert.deepEqual((await permissions(first.key)).permissions, may('DEVELOPER').toSorted())
  assert.equal(await first.statusOfMcp(), 200)

  const id = await membershipOf(owner, dev)
  const change = (role: Role) =>
    owner.call('updateMembership', { input: { id, role } }, 'role user { email } viewerCanUpdate')
  const analyst = { role: 'ANALYST', user: { email }, viewerCanUpdate: true }
  assert.deepEqual(await change('ANALYST'), {
    __typename: 'UpdateMembershipSuccess',
    data: analyst,
  })
  assert.equal(await refused(dev), REFUSED)
  assert.equal(await first.statusOfMcp(), 401)
  assert.deepEqual((await permissions(first.key)).permissions, may('ANALYST').toSorted())
  assert.match(await refused(first.key), /^FORBIDDEN: The role \w+ lacks the permission server:wr/)

  const again = await signIn(app, email)
  assert.equal((await permissions(again)).role, 'ANALYST')
  // The same role once more is no change, and ends nothing.
  assert.equal((await change('ANALYST')).__typename, 'UpdateMembershipSuccess')
  assert.equal((await permissions(again)).role, 'ANALYST')

  await change('DEVELOPER')
  assert.equal(await refused(again), REFUSED)
  const back = await signIn(app, email)
  const last = await makeCredentials(back, server.id)
  assert.equal(await last.statusOfMcp(), 200)
  // More right ends no token.
  await change('ADMIN')
  assert.equal(await last.statusOfMcp(), 200)
  const admin = await signIn(app, email)
  assert.equal(await owner.make('deleteMembership', { id }), id)
  for (const sender of [dev, again, back, admin, first.key, last.key]) {
    assert.equal(await refused(sender), REFUSED)
  }
  assert.equal(await last.statusOfMcp(), 401)
  assert.equal(await owner.refusal('deleteMembership', { id }), `NOT_FOUND: No membership ${id}`)
  const stranger = await signIn(app, email)
  assert.deepEqual(await stranger.ask(VIEWER), {
    viewer: {
      role: null,
      permissions: ['invitation:accept', 'membership:leave', 'session:write', 'viewer:read'],
      user: { email },
      account: null,
      accounts: [],
    },
  })
})

test('the last owner can neither leave, become less nor be removed; of two who leave at once one stays', async () => {
  const id = await membershipOf(owner, owner)
  for (const [name, args] of [
    ['leaveAccount', {}],
    ['updateMembership', { input: { id, role: 'ADMIN' } }],
    ['deleteMembership', { id }],
  ] as const) {
    assert.equal(await owner.refusal(name, args), LAST_OWNER, name)
  }
  const second = await join(app, owner, 'second@example.com', 'OWNER')
  const owners = [owner, second]
  const outcomes = await Promise.all(owners.map((one) => one.call('leaveAccount')))
  const left = outcomes.findIndex(({ __typename }) => __typename === 'LeaveAccountSuccess')
  assert.deepEqual(
    outcomes.map(({ code }) => code),
    left === 0 ? [undefined, 'CONFLICT'] : ['CONFLICT', undefined],
  )
  const [gone, stays] = left === 0 ? [owner, second] : [second, owner]
  assert.equal(await refused(gone), REFUSED)
  assert.equal(await stays.refusal('leaveAccount'), LAST_OWNER)
  // For the tests after this one.
  if (gone === owner) {
    const url = await invite(stays, owner.email, 'OWNER')
    const back = await signIn(app, owner.email)
    await back.make('acceptInvitation', { url })
  }
})

test('an owner makes themselves less where another stays, and two who demote each other at once leave one', async () => {
  const [a, b] = [
    await join(app, withKey(app, app.apiKey), 'a@example.com', 'OWNER'),
    await join(app, withKey(app, app.apiKey), 'b@example.com', 'OWNER'),
  ]
  const [idOfA, idOfB] = [await membershipOf(a, a), await membershipOf(a, b)]
  const key = withKey(app, app.apiKey)
  const { memberships } = await key.ask<{ memberships: { nodes: { id: string }[] } }>(
    '{ memberships(first: 99, filter: { role: OWNER }) { nodes { id } } }',
  )
  for (const { id } of memberships.nodes) {
    if (id !== idOfA && id !== idOfB) {
      await key.make('updateMembership', { input: { id, role: 'BILLING' } })
    }
  }
  const demote = async (by: Person, id: string) =>
    (
      await by.send(
        'mutation($id: ID!) { updateMembership(input: { id: $id, role: BILLING }) { __typename ... on Error { message } } }',
        { id },
      )
    ).text
  const outcomes = await Promise.all([demote(a, idOfB), demote(b, idOfA)])
  const refusals = outcomes.filter((text) => !text.includes('UpdateMembershipSuccess'))
  // The other one comes too late, and is told so: as the last owner, or as who is signed in no more.
  assert.equal(refusals.length, 1, outcomes.join())
  assert.match(refusals[0] ?? '', /This is the last owner of the account|UNAUTHENTICATED/)
  const { memberships: owners } = await key.ask<{ memberships: { totalCount: number } }>(
    '{ memberships(first: 1, filter: { role: OWNER }) { totalCount } }',
  )
  assert.equal(owners.totalCount, 1)
})

test('an ADMIN manages everybody but owners', async () => {
  const key = withKey(app, app.apiKey)
  const top = await join(app, key, 'top@example.com', 'OWNER')
  const admin = await join(app, key, 'admin@example.com', 'ADMIN')
  const [idOfTop, idOfAdmin] = [await membershipOf(key, top), await membershipOf(key, admin)]
  const server = await top.make('createServer', { input: { name: 'Of the owner' } })
  const waiting = await top.make<{ invitation: { id: string } }>(
    'createInvitation',
    { input: { email: 'chief@example.com', role: 'OWNER' } },
    'invitation { id }',
  )
  const { statusOfMcp } = await makeCredentials(top, server.id)
  const grant = { serverId: server.id, membershipId: idOfTop }
  await key.make('grantServer', { input: { ...grant, level: 'USE' } }, 'level')
  const again = await signIn(app, top.email)
  const sentence =
    'FORBIDDEN: The role OWNER may do what ADMIN may not: nobody gives, changes or takes away more than they have'
  for (const [name, args] of [
    ['updateMembership', { input: { id: idOfTop, role: 'MEMBER' } }],
    ['updateMembership', { input: { id: idOfAdmin, role: 'OWNER' } }],
    ['deleteMembership', { id: idOfTop }],
    ['createInvitation', { input: { email: 'crony@example.com', role: 'OWNER' } }],
    // It would take the place of the owner's.
    ['createInvitation', { input: { email: 'Chief@example.com', role: 'MEMBER' } }],
    ['revokeInvitation', { id: waiting.invitation.id }],
    ['createApiKey', { input: { name: 'More', role: 'OWNER' } }],
    // Both end the sessions of whom they are about, the second their tokens.
    ['grantServer', { input: { ...grant, level: 'EDIT' } }],
    ['revokeServerGrant', { input: grant }],
  ] as const) {
    assert.equal(await admin.refusal(name, args), sentence, name)
  }
  assert.equal((await permissions(again)).role, 'OWNER')
  assert.equal(await statusOfMcp(), 200)
  const state = await admin.ask(
    `query($id: ID!, $invitation: ID!) {
      node(id: $id) { ... on Membership { role viewerCanUpdate serverGrants { level } } }
      invitation: node(id: $invitation) { ... on Invitation { isPending } } }`,
    { id: idOfTop, invitation: waiting.invitation.id },
  )
  const membership = { role: 'OWNER', viewerCanUpdate: false, serverGrants: [{ level: 'USE' }] }
  assert.deepEqual(state, { node: membership, invitation: { isPending: true } })
  const other = await join(app, admin, 'other@example.com', 'ADMIN')
  await admin.make('deleteMembership', { id: await membershipOf(admin, other) })
})

test('memberships are found by name, address and role, page after page', async () => {
  const key = withKey(app, app.apiKey)
  for (const name of ['zoe', 'Zack', 'zed']) await join(app, key, `${name}@z.example`, 'ANALYST')
  const find = (filter: object, first = 9) =>
    key.ask<{ memberships: { totalCount: number; nodes: { user: { name: string } }[] } }>(
      `query($first: Int!, $filter: MembershipFilter) { memberships(first: $first, filter: $filter) {
        totalCount nodes { user { name } } } }`,
      { first, filter },
    )
  const names = (...list: readonly string[]) => list.map((name) => ({ user: { name } }))
  for (const [filter, nodes] of [
    [{ contains: 'Z.EXAMPLE' }, names('zoe', 'Zack', 'zed')],
    [{ contains: 'zACK' }, names('Zack')],
    [{ contains: '%' }, []],
    [{ contains: 'zed', role: 'ANALYST' }, names('zed')],
    [{ contains: 'zed', role: 'OWNER' }, []],
  ] as const) {
    assert.deepEqual(await find(filter), { memberships: { totalCount: nodes.length, nodes } })
  }
  const { memberships } = await find({ contains: 'z.example' }, 1)
  assert.deepEqual(memberships, { totalCount: 3, nodes: names('zoe') })
})

test('a request that is under way when its person is removed ends with the mutation that runs', async () => {
  const reached = Promise.withResolvers<void>()
  const gate = Promise.withResolvers<void>()
  const slow = await openWorld({ after }, async (_request, response) => {
    reached.resolve()
    await gate.promise
    response.setHeader('content-type', 'application/json').end('{}')
  })
  const boss = await signInByLink(slow.app)
  await slow.importProvider(['get /slow'])
  const { tools } = await boss.ask<{ tools: { nodes: { id: string }[] } }>(
    '{ tools(first: 1) { nodes { id } } }',
  )
  const toolId = tools.nodes[0]?.id
  const admin = await join(slow.app, boss, 'short@example.com', 'ADMIN')
  const { key } = await admin.make<{ key: string }>(
    'createApiKey',
    { input: { name: 'Mine' } },
    'key',
  )
  const query = `mutation($toolId: ID!) {
    callTool(input: { toolId: $toolId }) { __typename }
    createInvitation(input: { email: "alt@example.com", role: ADMIN }) { __typename } }`
  const running = [admin, withKey(slow.app, key)].map((one) => one.send(query, { toolId }))
  await reached.promise
  const id = await membershipOf(boss, admin)
  await boss.make('deleteMembership', { id }, '')
  gate.resolve()
  for (const { body } of await Promise.all(running)) {
    assert.deepEqual(
      body.errors?.map(({ path, message }) => [path, message]),
      [[['createInvitation'], UNAUTHENTICATED]],
    )
  }
  const { invitations } = await boss.ask<{ invitations: object }>(
    '{ invitations(first: 9, filter: { isPending: true }) { totalCount } }',
  )
  assert.deepEqual(invitations, { totalCount: 0 })
})

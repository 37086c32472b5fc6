// Who may open a server, against the real database: embedded, or the one of TEST_DATABASE_URL.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { openDatabase } from '../../db/client.ts'
import { hashCredential, newCredential } from '../../db/credential.ts'
import { newId } from '../../db/id.ts'
import { updateProvider } from '../../db/provider.ts'
import { deleteServer, insertServer } from '../../db/server.ts'
import { removeServerTools } from '../../db/server-tool.ts'
import { insertServerToken, revokeServerToken } from '../../db/server-token.ts'
import { withAccount } from '../../db/transaction.ts'
import { type RouteStore, createRouteStore } from '../../server/mcp/route.ts'
import { createTestDatabase, openTestDatabase, testDatabaseKind } from '../support/database.ts'
import { type World, createWorld } from './world.ts'

const REFUSED = { type: 'refused' }

// Each test has accounts of its own.
const db = await openTestDatabase({ after })

async function typeOf(store: RouteStore, world: World, token = world.token): Promise<string> {
  return (await store.open(world.serverId, token)).type
}

test('open answers the route of a server to its token, and the same one to the next call', async () => {
  const world = await createWorld(db)
  const store = createRouteStore(db)
  const opening = await store.open(world.serverId, world.token)
  assert.ok(opening.type === 'opened')
  const { route, tokenId } = opening
  assert.equal(tokenId, world.tokenId)
  assert.deepEqual(
    [route.accountId, route.serverId, route.name, route.instructions, [...route.tools.keys()]],
    [world.accountId, world.serverId, 'pets', 'Be kind to them', ['getPet', 'addPet']],
  )
  const again = await store.open(world.serverId, world.token)
  assert.ok(again.type === 'opened' && again.route === route)
})

test('open needs no database when it is warm, nor for what cannot be a token or an id', async (t) => {
  const options = await createTestDatabase(t)
  const db = await openDatabase(options)
  const world = await createWorld(db)
  const store = createRouteStore(db)
  await store.open(world.serverId, world.token)
  await db.close()
  const cut = world.token.slice(0, -1)
  assert.deepEqual(await store.open(world.serverId, cut), REFUSED)
  assert.deepEqual(
    await store.open(world.serverId, `${cut}${cut.endsWith('a') ? 'b' : 'a'}x`),
    REFUSED,
  )
  assert.deepEqual(await store.open(world.serverId, newCredential('hmk')), REFUSED)
  assert.deepEqual(await store.open(world.serverId, ''), REFUSED)
  for (const id of [
    '',
    'srv_',
    'SRV_01',
    world.serverId.toUpperCase(),
    world.accountId,
    '../x',
    "srv_' or 1=1 --",
  ]) {
    assert.deepEqual(await store.open(id, newCredential('hms')), REFUSED)
  }
  if (db.kind === 'embedded') assert.equal(await typeOf(store, world), 'opened')
})

test('open refuses tokens that are unknown, of another server or of another account', async () => {
  const ours = await createWorld(db, 'ours')
  const theirs = await createWorld(db, 'theirs')
  const otherToken = newCredential('hms')
  await withAccount(db, ours.accountId, async (tx) => {
    const { id: serverId } = await insertServer(tx, { name: 'other' })
    await insertServerToken(tx, { serverId, name: 'other', hash: hashCredential(otherToken) })
  })
  const store = createRouteStore(db)
  for (const turn of ['cold', 'warm']) {
    assert.deepEqual(await store.open(ours.serverId, newCredential('hms')), REFUSED, turn)
    assert.deepEqual(await store.open(ours.serverId, theirs.token), REFUSED, turn)
    assert.deepEqual(await store.open(ours.serverId, otherToken), REFUSED, turn)
    assert.deepEqual(await store.open(newId('srv'), ours.token), REFUSED, turn)
    assert.equal(await typeOf(store, ours), 'opened', turn)
    assert.equal(await typeOf(store, theirs), 'opened', turn)
  }
})

test('open refuses a token from the moment of its expiry, warm or cold', async () => {
  const world = await createWorld(db)
  const token = newCredential('hms')
  const expiresAt = new Date('2030-01-01T00:00:00.000Z')
  await withAccount(db, world.accountId, (tx) =>
    insertServerToken(tx, {
      serverId: world.serverId,
      name: 'short',
      hash: hashCredential(token),
      expiresAt,
    }),
  )
  let now = expiresAt.getTime() - 1
  const store = createRouteStore(db, { now: () => now })
  assert.equal(await typeOf(store, world, token), 'opened')
  now += 1
  assert.equal(await typeOf(store, world, token), 'refused')
  assert.equal(await typeOf(createRouteStore(db, { now: () => now }), world, token), 'refused')
})

test('open refuses a revoked token at once, and lets a new one in at once', async () => {
  const world = await createWorld(db)
  const store = createRouteStore(db)
  assert.equal(await typeOf(store, world), 'opened')
  await withAccount(db, world.accountId, (tx) => revokeServerToken(tx, world.tokenId))
  assert.equal(await typeOf(store, world), 'refused')
  const token = newCredential('hms')
  assert.equal(await typeOf(store, world, token), 'refused')
  await withAccount(db, world.accountId, (tx) =>
    insertServerToken(tx, {
      serverId: world.serverId,
      name: 'second',
      hash: hashCredential(token),
    }),
  )
  assert.equal(await typeOf(store, world, token), 'opened')
})

test('open refuses a deleted server at once', async () => {
  const world = await createWorld(db)
  const store = createRouteStore(db)
  assert.equal(await typeOf(store, world), 'opened')
  await withAccount(db, world.accountId, (tx) => deleteServer(tx, world.serverId))
  assert.equal(await typeOf(store, world), 'refused')
})

test('open answers another route after a change of provider or tools, and only in that account', async () => {
  const world = await createWorld(db)
  const other = await createWorld(db, 'other')
  const store = createRouteStore(db)
  const untouched = await store.open(other.serverId, other.token)
  assert.equal(await typeOf(store, world), 'opened')
  await withAccount(db, world.accountId, (tx) =>
    updateProvider(tx, world.providerId, { baseUrl: 'http://moved.test' }),
  )
  const moved = await store.open(world.serverId, world.token)
  assert.ok(moved.type === 'opened')
  const [first] = moved.route.tools.values()
  assert.equal(first?.baseUrl, 'http://moved.test')
  await withAccount(db, world.accountId, (tx) => removeServerTools(tx, world.serverId, [first.id]))
  const smaller = await store.open(world.serverId, world.token)
  assert.ok(smaller.type === 'opened')
  assert.deepEqual([...smaller.route.tools.keys()], ['addPet'])
  const same = await store.open(other.serverId, other.token)
  assert.ok(untouched.type === 'opened' && same.type === 'opened' && same.route === untouched.route)
})

test(
  'open refuses a token that was revoked by another process',
  {
    skip:
      testDatabaseKind === 'embedded' &&
      'needs TEST_DATABASE_URL: an embedded database has one process',
  },
  async (t) => {
    const options = await createTestDatabase(t)
    const [db, elsewhere] = [await openDatabase(options), await openDatabase(options)]
    t.after(() => Promise.all([db.close(), elsewhere.close()]))
    const world = await createWorld(db)
    const store = createRouteStore(db)
    assert.equal(await typeOf(store, world), 'opened')
    const heard = new Promise<void>((resolve) => {
      db.events.subscribe((event) => {
        if (event.id === world.tokenId) resolve()
      })
    })
    await withAccount(elsewhere, world.accountId, (tx) => revokeServerToken(tx, world.tokenId))
    await heard
    assert.equal(await typeOf(store, world), 'refused')
  },
)

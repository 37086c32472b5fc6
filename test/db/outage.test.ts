// A database that goes away: what runs fails soon and says so, nothing runs where it should not,
// and everything is well when it is back.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { sql } from 'kysely'

import { getAccount } from '../../db/account.ts'
import { openDatabase } from '../../db/client.ts'
import { findInstanceValue } from '../../db/instance.ts'
import { insertServer, listServers } from '../../db/server.ts'
import { withAccount } from '../../db/transaction.ts'
import { createAccount } from '../support/account.ts'
import { createTestDatabaseUrl, openTestDatabase, testDatabaseKind } from '../support/database.ts'
import { startTcpProxy } from '../support/tcp-proxy.ts'

const onlyServer = { skip: testDatabaseKind === 'embedded' && 'TEST_DATABASE_URL is not set' }
const unavailable = {
  name: 'UnavailableError',
  code: 'UNAVAILABLE',
  message: 'The database cannot be reached',
}

/** A database behind a proxy, and how long a call of it takes. */
async function openBehindProxy(t: Parameters<typeof createTestDatabaseUrl>[0]) {
  const url = new URL(await createTestDatabaseUrl(t))
  const proxy = await startTcpProxy(t, url.hostname, Number(url.port))
  url.host = `127.0.0.1:${proxy.port}`
  const db = await openDatabase({ dataDir: '', databaseUrl: url.href })
  t.after(() => db.close())
  return { db, proxy }
}

async function untilTrusted(db: Awaited<ReturnType<typeof openDatabase>>, wanted: boolean) {
  while (db.events.isTrusted() !== wanted) {
    await new Promise<void>((resolve) => {
      const end = db.events.onDistrust(() => {
        end()
        resolve()
      })
    })
  }
}

test('a statement after the loss of its connection reaches nobody else', onlyServer, async (t) => {
  const db = await openTestDatabase(t)
  const accountId = await createAccount(db)
  const strangers = await Promise.all(Array.from({ length: 12 }, () => createAccount(db)))
  const broken = withAccount(db, accountId, async (tx) => {
    await insertServer(tx, { name: 'Lost' })
    const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(tx.trx)
    await sql`select pg_terminate_backend(${rows[0]?.pid})`.execute(db.kysely)
    await assert.rejects(sql`select 1`.execute(tx.trx))
    // Every connection of the pool serves somebody else by now.
    await Promise.all(
      strangers.map((id) => withAccount(db, id, (other) => insertServer(other, { name: 'Kept' }))),
    )
    await assert.rejects(insertServer(tx, { name: 'Lost again' }))
    return 'done'
  })
  await assert.rejects(broken, unavailable)
  for (const id of [accountId, ...strangers]) {
    const { rows } = await withAccount(db, id, (tx) => listServers(tx, { first: 10 }))
    assert.deepEqual(
      rows.map((row) => row.name),
      id === accountId ? [] : ['Kept'],
    )
  }
})

test(
  'a server that is down fails within 2 s and works at once when it is back',
  onlyServer,
  async (t) => {
    const { db, proxy } = await openBehindProxy(t)
    const accountId = await createAccount(db)
    await Promise.all(Array.from({ length: 20 }, () => withAccount(db, accountId, getAccount)))
    for (let turn = 0; turn < 2; turn += 1) {
      await proxy.stop()
      const startedAt = performance.now()
      await Promise.all(
        Array.from({ length: 30 }, () =>
          assert.rejects(withAccount(db, accountId, getAccount), unavailable),
        ),
      )
      await assert.rejects(findInstanceValue(db, 'key'), unavailable)
      assert.ok(performance.now() - startedAt < 2_000)
      await untilTrusted(db, false)
      await proxy.start()
      const account = await withAccount(db, accountId, getAccount)
      assert.equal(account.id, accountId)
      await untilTrusted(db, true)
    }
  },
)

test(
  'a server that falls silent fails within 3 s, is distrusted, and recovers',
  onlyServer,
  async (t) => {
    const { db, proxy } = await openBehindProxy(t)
    const accountId = await createAccount(db)
    await Promise.all(Array.from({ length: 20 }, () => withAccount(db, accountId, getAccount)))
    proxy.freeze()
    const startedAt = performance.now()
    await Promise.all(
      Array.from({ length: 30 }, () =>
        assert.rejects(withAccount(db, accountId, getAccount), unavailable),
      ),
    )
    assert.ok(performance.now() - startedAt < 3_000)
    await untilTrusted(db, false)
    assert.ok(performance.now() - startedAt < 4_000)
    // New connections are accepted, and as silent.
    await assert.rejects(withAccount(db, accountId, getAccount), unavailable)
    proxy.thaw()
    const account = await withAccount(db, accountId, getAccount)
    assert.equal(account.id, accountId)
    await untilTrusted(db, true)
  },
)

test('openDatabase of a server that falls silent is refused within 3 s', onlyServer, async (t) => {
  const url = new URL(await createTestDatabaseUrl(t))
  const proxy = await startTcpProxy(t, url.hostname, Number(url.port))
  proxy.freeze()
  url.host = `127.0.0.1:${proxy.port}`
  const startedAt = performance.now()
  await assert.rejects(openDatabase({ dataDir: '', databaseUrl: url.href }), {
    code: 'START_REFUSED',
    message: `Cannot use the database "${url.pathname.slice(1)}" at 127.0.0.1:${proxy.port}: it does not answer`,
  })
  assert.ok(performance.now() - startedAt < 3_000)
})

test('a statement that takes too long is UNAVAILABLE', onlyServer, async (t) => {
  const db = await openTestDatabase(t)
  const accountId = await createAccount(db)
  await assert.rejects(
    withAccount(db, accountId, async (tx) => {
      await sql`set local statement_timeout = 50`.execute(tx.trx)
      await sql`select pg_sleep(10)`.execute(tx.trx)
    }),
    { code: 'UNAVAILABLE', message: 'The database took too long' },
  )
  assert.equal((await withAccount(db, accountId, getAccount)).id, accountId)
})

test('a transaction in the transaction of an embedded database fails instead of waiting', async (t) => {
  const db = await openTestDatabase(t)
  if (db.kind !== 'embedded') return
  const accountId = await createAccount(db)
  await assert.rejects(
    withAccount(db, accountId, () => withAccount(db, accountId, getAccount)),
    unavailable,
  )
  assert.equal((await withAccount(db, accountId, getAccount)).id, accountId)
})

test('close breaks off what runs and refuses what comes', async (t) => {
  const db = await openTestDatabase(t)
  const accountId = await createAccount(db)
  const { promise: begun, resolve: begin } = Promise.withResolvers<undefined>()
  const { promise: closed, resolve: close } = Promise.withResolvers<undefined>()
  const running = withAccount(db, accountId, async (tx) => {
    await getAccount(tx)
    begin(undefined)
    await closed
    return await getAccount(tx)
  })
  await begun
  const refused = assert.rejects(running, unavailable)
  await db.close()
  close(undefined)
  await refused
  await assert.rejects(withAccount(db, accountId, getAccount), {
    message: 'driver has already been destroyed',
  })
})

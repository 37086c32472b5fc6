// Work of the database under a signal: once it is aborted nothing of it goes on or is left behind,
// and the connection that it had serves nobody else.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'

import { sql } from 'kysely'

import { runUnder } from '../../db/abort.ts'
import { openDatabase, type Database } from '../../db/client.ts'
import { insertServer, listServers } from '../../db/server.ts'
import { withAccount } from '../../db/transaction.ts'
import { createAccount } from '../support/account.ts'
import { createTestDatabaseUrl, openTestDatabase, testDatabaseKind } from '../support/database.ts'
import { startTcpProxy } from '../support/tcp-proxy.ts'

const onlyServer = { skip: testDatabaseKind === 'embedded' && 'TEST_DATABASE_URL is not set' }
const stopped = { name: 'StoppedError', code: 'TIMEOUT', message: 'The work was stopped' }

async function listNames(db: Database, accountId: string): Promise<readonly string[]> {
  const { rows } = await withAccount(db, accountId, (tx) => listServers(tx, { first: 10 }))
  return rows.map(({ name }) => name)
}

/** Inserts a server and is then at a statement of a second; aborted there. */
async function abortInStatement(db: Database, accountId: string): Promise<number> {
  const controller = new AbortController()
  const { promise: running, resolve: isRunning } = Promise.withResolvers<void>()
  const work = runUnder(controller.signal, () =>
    withAccount(db, accountId, async (tx) => {
      await insertServer(tx, { name: 'Undone' })
      isRunning()
      await sql`select pg_sleep(1)`.execute(tx.trx)
    }),
  )
  const refused = assert.rejects(work, stopped)
  await running
  await delay(20)
  const startedAt = performance.now()
  controller.abort()
  await refused
  return performance.now() - startedAt
}

test('a running statement is given up at once and its transaction is undone', async (t) => {
  const db = await openTestDatabase(t)
  const accountId = await createAccount(db)
  for (let turn = 0; turn < 3; turn += 1) {
    const ms = await abortInStatement(db, accountId)
    assert.ok(ms < 500, `${ms} ms`)
    assert.deepEqual(await listNames(db, accountId), [])
  }
  await withAccount(db, accountId, (tx) => insertServer(tx, { name: 'Kept' }))
  assert.deepEqual(await listNames(db, accountId), ['Kept'])
})

test('waiting for a connection is given up, and nobody else loses the place', async (t) => {
  const db = await openTestDatabase(t)
  const accountId = await createAccount(db)
  const { promise: held, resolve: release } = Promise.withResolvers<void>()
  const holders = Array.from({ length: 10 }, () => withAccount(db, accountId, () => held))
  const controller = new AbortController()
  const work = runUnder(controller.signal, () => listNames(db, accountId))
  const patient = listNames(db, accountId)
  controller.abort()
  await assert.rejects(work, stopped)
  await assert.rejects(
    runUnder(controller.signal, () => listNames(db, accountId)),
    stopped,
  )
  release()
  await Promise.all(holders)
  assert.deepEqual(await patient, [])
})

test('between two statements the transaction is undone and its connection is kept', async (t) => {
  const db = await openTestDatabase(t)
  const accountId = await createAccount(db)
  const controller = new AbortController()
  const work = runUnder(controller.signal, () =>
    withAccount(db, accountId, async (tx) => {
      await insertServer(tx, { name: 'Undone' })
      controller.abort()
    }),
  )
  await assert.rejects(work, stopped)
  assert.deepEqual(await listNames(db, accountId), [])
})

test('a commit that has begun ends, and is told of', async (t) => {
  const db = await openTestDatabase(t)
  const accountId = await createAccount(db)
  await sql`create function slow_commit() returns trigger language plpgsql as
    'begin perform pg_sleep(0.3); return null; end'`.execute(db.kysely)
  await sql`create constraint trigger slow_commit after insert on server deferrable initially deferred
    for each row execute function slow_commit()`.execute(db.kysely)
  const controller = new AbortController()
  const heard: string[] = []
  db.events.subscribe((event) => heard.push(event.noun))
  let isAborted = false
  const slow: Database = {
    ...db,
    events: {
      ...db.events,
      async notify(trx, events) {
        await db.events.notify(trx, events)
        setTimeout(() => {
          isAborted = true
          controller.abort()
        }, 50)
      },
    },
  }
  await runUnder(controller.signal, () =>
    withAccount(slow, accountId, async (tx) => {
      await insertServer(tx, { name: 'Kept' })
    }),
  )
  assert.ok(isAborted)
  assert.deepEqual(await listNames(db, accountId), ['Kept'])
  assert.deepEqual(heard, ['server'])
})

test('a server that is gone when it is asked to cancel does no harm', onlyServer, async (t) => {
  const url = new URL(await createTestDatabaseUrl(t))
  const proxy = await startTcpProxy(t, url.hostname, Number(url.port))
  url.host = `127.0.0.1:${proxy.port}`
  const db = await openDatabase({ dataDir: '', databaseUrl: url.href })
  t.after(() => db.close())
  const accountId = await createAccount(db)
  const controller = new AbortController()
  const { promise: running, resolve: isRunning } = Promise.withResolvers<void>()
  const work = runUnder(controller.signal, () =>
    withAccount(db, accountId, async (tx) => {
      isRunning()
      await sql`select pg_sleep(1)`.execute(tx.trx)
    }),
  )
  const refused = assert.rejects(work, stopped)
  await running
  await delay(20)
  controller.abort()
  await proxy.stop()
  await refused
  await proxy.start()
  assert.deepEqual(await listNames(db, accountId), [])
})

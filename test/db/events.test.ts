// Events: after commits only, in every process, and never silently missed.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { sql } from 'kysely'

import { openDatabase, type Database } from '../../db/client.ts'
import type { DbEvent } from '../../db/events.ts'
import { insertServer } from '../../db/server.ts'
import { withAccount } from '../../db/transaction.ts'
import { createAccount, createProvider } from '../support/account.ts'
import { createTestDatabase, openTestDatabase, testDatabaseKind } from '../support/database.ts'

const onlyServer = {
  skip: testDatabaseKind === 'embedded' && 'the embedded database has one process',
}

/** Collects events; `next` waits for the next one. */
function watch(db: Database) {
  const events: DbEvent[] = []
  let wake = (): void => {}
  db.events.subscribe((event) => {
    events.push(event)
    wake()
  })
  const next = async (): Promise<DbEvent | undefined> => {
    if (events.length === 0) await new Promise<void>((resolve) => (wake = resolve))
    return events.shift()
  }
  return { events, next }
}

/** Settles at the next call of `onDistrust` in which `isTrusted` is as wanted. */
async function trustBecomes(db: Database, isTrusted: boolean): Promise<void> {
  await new Promise<void>((resolve) => {
    const end = db.events.onDistrust(() => {
      if (db.events.isTrusted() !== isTrusted) return
      end()
      resolve()
    })
  })
}

test('an event is delivered once, after the commit, and not after a rollback', async (t) => {
  const db = await openTestDatabase(t)
  const accountId = await createAccount(db)
  const { events } = watch(db)
  const server = await withAccount(db, accountId, async (tx) => {
    const row = await insertServer(tx, { name: 'Desk' })
    tx.publish({ noun: 'server', accountId, id: row.id })
    assert.deepEqual(events, [])
    return row
  })
  assert.deepEqual(events.splice(0), [{ noun: 'server', accountId, id: server.id }])

  await assert.rejects(
    withAccount(db, accountId, async (tx) => {
      await insertServer(tx, { name: 'Other' })
      throw new Error('changed my mind')
    }),
    { message: 'changed my mind' },
  )
  await assert.rejects(
    withAccount(db, accountId, async (tx) => {
      await insertServer(tx, { name: 'Other' })
      // The transaction is aborted; that its work carries on does not commit it.
      await sql`select 1 / 0`.execute(tx.trx).catch(() => {})
    }),
  )
  assert.deepEqual(events, [])
  assert.equal(db.events.isTrusted(), true)
})

test('a listener that throws harms neither the transaction nor the others', async (t) => {
  const messages: string[] = []
  const db = await openDatabase({
    ...(await createTestDatabase(t)),
    onLog: (level, message) => messages.push(`${level}: ${message}`),
  })
  t.after(() => db.close())
  db.events.subscribe(() => {
    throw new Error('broken')
  })
  const { events } = watch(db)
  const accountId = await createAccount(db)
  assert.deepEqual(events, [{ noun: 'account', accountId, id: accountId }])
  assert.deepEqual(messages, ['warn: A listener of events failed: broken'])
})

test('another process on the same server gets the event', onlyServer, async (t) => {
  const options = await createTestDatabase(t)
  const [one, two] = [await openDatabase(options), await openDatabase(options)]
  t.after(() => Promise.all([one.close(), two.close()]))
  const [near, far] = [watch(one), watch(two)]
  const accountId = await createAccount(one)
  const id = await createProvider(one, accountId)
  const expected = [
    { noun: 'account', accountId, id: accountId },
    { noun: 'provider', accountId, id },
  ]
  assert.deepEqual([await far.next(), await far.next()], expected)
  assert.deepEqual(near.events, expected)
  // Back the other way: its own echo did not come in between.
  near.events.length = 0
  const answer = await createProvider(two, accountId, 'Toys')
  const last = { noun: 'provider', accountId, id: answer }
  assert.deepEqual(await near.next(), last)
  assert.deepEqual(far.events, [last])
})

test('a payload of a stranger is ignored', onlyServer, async (t) => {
  const db = await openTestDatabase(t)
  const { next } = watch(db)
  for (const payload of ['', 'null', '{}', '[]', '{"from":"x"}', '{"from":"x","event":null}']) {
    await sql`select pg_notify('hasmcp_event', ${payload})`.execute(db.kysely)
  }
  const event = { noun: 'server', accountId: 'acc', id: 'srv' }
  await sql`select pg_notify('hasmcp_event', ${JSON.stringify({ from: 'x', event })})`.execute(
    db.kysely,
  )
  assert.deepEqual(await next(), event)
})

test(
  'a lost connection is distrusted at once and trusted when it is back',
  onlyServer,
  async (t) => {
    const options = await createTestDatabase(t)
    const [db, other] = [await openDatabase(options), await openDatabase(options)]
    t.after(() => Promise.all([db.close(), other.close()]))
    const far = watch(other)
    for (let turn = 0; turn < 2; turn += 1) {
      const lost = trustBecomes(other, false)
      const back = lost.then(() => trustBecomes(other, true))
      await sql`select pg_terminate_backend(pid) from pg_stat_activity
      where application_name = 'hasmcp events' and datname = current_database()`.execute(db.kysely)
      await lost
      await back
      while (!db.events.isTrusted()) await trustBecomes(db, true)
      const accountId = await createAccount(db)
      assert.deepEqual(await far.next(), { noun: 'account', accountId, id: accountId })
    }
  },
)

// An operation that takes too long, or that nobody waits for any more: it is answered on time, what
// it was doing is undone, and nothing of it is left in the database.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'

import { sql } from 'kysely'

import { withAccount } from '../db/transaction.ts'
import { graphqlRequest, openControlPlane, type ControlPlane } from './support/control-plane.ts'
import { testDatabaseKind } from './support/database.ts'

const TIMEOUT_MS = 300
const TURNS = 50
const RENAME =
  'mutation($id: ID!, $name: String!) { updateServer(input: { id: $id, name: $name }) { __typename } }'
const TIMED_OUT = {
  message:
    'The operation took longer than 0.3 s: what it was doing is undone, what was complete stays',
  extensions: { code: 'TIMEOUT', requestId: 'request-1' },
}

/** A server, whose row is locked by somebody else until `unlock` is called. */
async function lockServer(plane: ControlPlane, name: string) {
  const { data } = await plane.mutate<{ data: { id: string } }>('createServer', { name }, 'id')
  const { id } = data
  const { promise: held, resolve: release } = Promise.withResolvers<void>()
  const { promise: locked, resolve: isLocked } = Promise.withResolvers<void>()
  const holder = withAccount(plane.db, plane.accountId, async ({ trx, accountId }) => {
    await sql`select 1 from server where account_id = ${accountId} and id = ${id} for update`.execute(
      trx,
    )
    isLocked()
    await held
  })
  await locked
  return {
    id,
    unlock: async () => {
      release()
      await holder
    },
  }
}

const nameOf = async (plane: ControlPlane, id: string) =>
  await plane.ask('query($id: ID!) { server(id: $id) { name } }', { id })

/** The statements of this database that wait for a lock. */
async function countWaiting(plane: ControlPlane): Promise<number> {
  const { rows } = await sql<{ count: number }>`select count(*)::int as count from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock'`.execute(plane.db.kysely)
  return rows[0]?.count ?? 0
}

/** Until `isTrue` or a second is over. */
async function waitFor(isTrue: () => Promise<boolean>): Promise<boolean> {
  const until = performance.now() + 1000
  while (performance.now() < until) {
    if (await isTrue()) return true
    await delay(10)
  }
  return false
}

test('a mutation that waits longer than an operation may is answered on time and undone', async () => {
  const plane = await openControlPlane({ operationTimeoutMs: TIMEOUT_MS })
  const { id, unlock } = await lockServer(plane, 'Locked')
  const startedAt = performance.now()
  const { status, body } = await plane.send(RENAME, { id, name: 'Late' })
  const ms = performance.now() - startedAt
  assert.equal(status, 504)
  assert.deepEqual(body, { errors: [TIMED_OUT] })
  assert.ok(ms >= TIMEOUT_MS - 5 && ms < TIMEOUT_MS * 4, `${ms} ms`)
  if (testDatabaseKind === 'postgres') {
    assert.ok(await waitFor(async () => (await countWaiting(plane)) === 0))
  }
  await unlock()
  assert.deepEqual(await nameOf(plane, id), { server: { name: 'Locked' } })
  assert.deepEqual(plane.logged, [])
})

test(
  'those that are stopped never stop, nor answer, those that are not',
  { skip: testDatabaseKind === 'embedded' && 'TEST_DATABASE_URL is not set' },
  async () => {
    const plane = await openControlPlane({ operationTimeoutMs: TIMEOUT_MS })
    const { id, unlock } = await lockServer(plane, 'Locked')
    const renames: Promise<unknown>[] = []
    for (let turn = 0; turn < TURNS; turn += 1) {
      // Five at once, of the ten connections.
      if (turn % 5 === 0) await Promise.all(renames)
      renames.push(
        plane.send(RENAME, { id, name: `Late ${turn}` }).then(({ status, body }) => {
          assert.deepEqual({ status, body }, { status: 504, body: { errors: [TIMED_OUT] } })
        }),
      )
      const name = `Good ${turn}`
      const created = await plane.other.mutate('createServer', { name }, 'name')
      assert.deepEqual(created, {
        __typename: 'CreateServerSuccess',
        data: { name },
      })
      assert.deepEqual(await nameOf(plane, id), { server: { name: 'Locked' } })
    }
    await Promise.all(renames)
    assert.ok(await waitFor(async () => (await countWaiting(plane)) === 0))
    await unlock()
    assert.deepEqual(await nameOf(plane, id), { server: { name: 'Locked' } })
    assert.deepEqual(plane.logged, [])
  },
)

test('what a client waits for is stopped when it is gone', async () => {
  const plane = await openControlPlane()
  const { id, unlock } = await lockServer(plane, 'Locked')
  const gone = new AbortController()
  const request = graphqlRequest(
    JSON.stringify({ query: RENAME, variables: { id, name: 'Unwanted' } }),
    { key: plane.key },
  )
  const answer = plane.fetch(new Request(request, { signal: gone.signal }))
  if (testDatabaseKind === 'postgres') {
    assert.ok(await waitFor(async () => (await countWaiting(plane)) === 1))
  }
  gone.abort()
  assert.equal((await answer).status, 499)
  if (testDatabaseKind === 'postgres') {
    assert.ok(await waitFor(async () => (await countWaiting(plane)) === 0))
  }
  await unlock()
  assert.deepEqual(await nameOf(plane, id), { server: { name: 'Locked' } })
  assert.deepEqual(plane.logged, [])
})

test("a tool's call has limits of its own, and the operation's time stands still meanwhile", async () => {
  const members = Buffer.from('"content":[]')
  const plane = await openControlPlane({
    operationTimeoutMs: TIMEOUT_MS,
    async callTool() {
      await delay(TIMEOUT_MS * 2)
      return { type: 'result', isError: false, members, responseBytes: 0 }
    },
  })
  const { status, body } = await plane.send(
    'mutation { callTool(input: { toolId: "tool_00000000000000000000000000" }) { __typename } }',
  )
  assert.deepEqual(
    { status, body },
    { status: 200, body: { data: { callTool: { __typename: 'CallToolSuccess' } } } },
  )
})

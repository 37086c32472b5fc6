// importTools: what is kept, what changes, and that it is all or nothing.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'

import { sql } from 'kysely'

import type { DbEvent } from '../../db/events.ts'
import { newId } from '../../db/id.ts'
import { importTools } from '../../db/import-tools.ts'
import { getProvider } from '../../db/provider.ts'
import { addServerTools } from '../../db/server-tool.ts'
import { getRoute } from '../../db/route.ts'
import { insertServer } from '../../db/server.ts'
import { listTools } from '../../db/list-tools.ts'
import { type Tool } from '../../db/tool.ts'
import { withAccount } from '../../db/transaction.ts'
import { createAccount, createProvider } from '../support/account.ts'
import { openTestDatabase } from '../support/database.ts'
import { hashOf, toBatches, type ToolSketch } from '../support/tool-batch.ts'

const db = await openTestDatabase({ after })

async function readTools(accountId: string, providerId: string): Promise<readonly Tool[]> {
  const page = await withAccount(db, accountId, (tx) => listTools(tx, { first: 5_000, providerId }))
  return page.rows
}

const PETS: readonly ToolSketch[] = [
  { operation: 'GET /pets', name: 'listPets', title: 'List pets' },
  { operation: 'POST /pets', name: 'createPet' },
  { operation: 'GET /pets/{petId}', name: 'getPet' },
  { operation: 'DELETE /pets/{petId}', name: 'deletePet' },
]

test('importTools adds in document order, then adds, changes, removes and leaves alone', async () => {
  const accountId = await createAccount(db)
  const providerId = await createProvider(db, accountId)
  const first = await importTools(
    db,
    accountId,
    () => Promise.resolve(providerId),
    toBatches(PETS, 3),
  )
  assert.deepEqual(first, {
    providerId,
    added: 4,
    changed: 0,
    removed: 0,
    unchanged: 0,
    changes: PETS.map(({ operation, name }) => {
      const [method, path] = operation.split(' ')
      return { kind: 'added', method, path, name }
    }),
  })
  const before = await readTools(accountId, providerId)
  assert.deepEqual(
    before.map(({ name, position }) => [name, position]),
    [
      ['listPets', 0],
      ['createPet', 1],
      ['getPet', 2],
      ['deletePet', 3],
    ],
  )

  const server = await withAccount(db, accountId, (tx) => insertServer(tx, { name: 'Desk' }))
  await withAccount(db, accountId, (tx) => addServerTools(tx, server.id, { providerId }))
  const second = await importTools(
    db,
    accountId,
    () => Promise.resolve(providerId),
    toBatches([
      { operation: 'PUT /pets', name: 'replacePets' },
      { operation: 'GET /pets', name: 'listPets', title: 'List pets' },
      { operation: 'POST /pets', name: 'addPet' },
      { operation: 'GET /pets/{petId}', name: 'getPet', definition: 'new' },
    ]),
  )
  assert.deepEqual(second, {
    providerId,
    added: 1,
    changed: 2,
    removed: 1,
    unchanged: 1,
    changes: [
      { kind: 'added', method: 'PUT', path: '/pets', name: 'replacePets' },
      { kind: 'changed', method: 'POST', path: '/pets', name: 'addPet' },
      { kind: 'changed', method: 'GET', path: '/pets/{petId}', name: 'getPet' },
      { kind: 'removed', method: 'DELETE', path: '/pets/{petId}', name: 'deletePet' },
    ],
  })
  const now = await readTools(accountId, providerId)
  assert.deepEqual(now[0], before[0], 'an unchanged tool is the same row')
  assert.deepEqual(
    now.map((tool) => tool.id),
    [before[0]?.id, before[1]?.id, before[2]?.id, now[3]?.id],
  )
  assert.equal(now[1]?.name, 'addPet')
  assert.equal(
    now[2]?.definition_hash,
    hashOf(JSON.stringify({ method: 'GET', path: '/pets/{petId}', about: 'new' })),
  )
  const route = await withAccount(db, accountId, (tx) => getRoute(tx, server.id))
  assert.deepEqual(
    route.tools.map((tool) => tool.name),
    ['listPets', 'addPet', 'getPet'],
  )
})

test('importTools of the same document touches nothing and tells nobody', async () => {
  const accountId = await createAccount(db)
  const providerId = await createProvider(db, accountId)
  const events: DbEvent[] = []
  const unsubscribe = db.events.subscribe((event) => events.push(event))
  await importTools(db, accountId, () => Promise.resolve(providerId), toBatches(PETS))
  assert.deepEqual(events.splice(0), [{ noun: 'tool', accountId, id: providerId }])
  const rows = await readTools(accountId, providerId)
  const provider = await withAccount(db, accountId, (tx) => getProvider(tx, providerId))
  assert.deepEqual(
    await importTools(db, accountId, () => Promise.resolve(providerId), toBatches(PETS, 1)),
    {
      providerId,
      added: 0,
      changed: 0,
      removed: 0,
      unchanged: 4,
      changes: [],
    },
  )
  unsubscribe()
  assert.deepEqual(events, [])
  assert.deepEqual(await readTools(accountId, providerId), rows)
  assert.deepEqual(await withAccount(db, accountId, (tx) => getProvider(tx, providerId)), provider)
})

test('importTools swaps and rotates names, also between batches', async () => {
  const accountId = await createAccount(db)
  const providerId = await createProvider(db, accountId)
  await importTools(db, accountId, () => Promise.resolve(providerId), toBatches(PETS))
  const before = await readTools(accountId, providerId)
  const names = ['deletePet', 'listPets', 'createPet', 'getPet']
  const rotated = PETS.map((pet, index) => ({ ...pet, name: names[index] ?? '' }))
  const result = await importTools(
    db,
    accountId,
    () => Promise.resolve(providerId),
    toBatches(rotated, 2),
  )
  assert.deepEqual([result.changed, result.added, result.removed], [4, 0, 0])
  const now = await readTools(accountId, providerId)
  assert.deepEqual(
    now.map(({ id, name }) => [id, name]),
    before.map(({ id }, index) => [id, names[index]]),
  )
  // A new tool takes the name of one that goes, and of one that gets another.
  const taken = await importTools(
    db,
    accountId,
    () => Promise.resolve(providerId),
    toBatches([
      { operation: 'PUT /pets', name: 'deletePet' },
      { operation: 'GET /pets', name: 'other' },
      { operation: 'PATCH /pets', name: 'listPets' },
    ]),
  )
  assert.deepEqual([taken.added, taken.changed, taken.removed], [2, 1, 3])
})

test('importTools refuses a document as a whole, and says why', async () => {
  const accountId = await createAccount(db)
  const providerId = await createProvider(db, accountId)
  await importTools(db, accountId, () => Promise.resolve(providerId), toBatches(PETS))
  const before = await readTools(accountId, providerId)
  const good = { operation: 'PUT /pets', name: 'replacePets' }
  const cases: readonly (readonly [ToolSketch, string])[] = [
    [
      { operation: 'PATCH /pets', name: 'replacePets' },
      'Two tools of the document, or one of it and one made by hand, have the same name',
    ],
    [
      { operation: 'PUT /pets', name: 'again' },
      'Two operations of the document have the same method and path',
    ],
    [
      { operation: 'PATCH /pets', name: 'a b' },
      'The name of a tool must be 1 to 64 of A-Z, a-z, 0-9, _ and -',
    ],
    [{ operation: 'TRACE /pets', name: 'trace' }, 'The method of a tool must be one of HTTP'],
    [
      { operation: 'PATCH /pets', name: 'long', title: 'a'.repeat(1_025) },
      'The title of a tool must have at most 1024 characters',
    ],
    [
      { operation: 'PATCH /pets', name: 'nul', description: '\0' },
      'Text must not contain the character U+0000',
    ],
  ]
  for (const [bad, message] of cases) {
    for (const batchSize of [1, 2]) {
      await assert.rejects(
        importTools(
          db,
          accountId,
          () => Promise.resolve(providerId),
          toBatches([good, bad], batchSize),
        ),
        { code: 'INVALID', message },
        message,
      )
    }
  }
  const [batch] = toBatches([{ ...good, definition: 'stored nowhere' }])
  assert.ok(batch !== undefined)
  const definitions = new TextEncoder().encode('[]')
  await assert.rejects(
    importTools(db, accountId, () => Promise.resolve(providerId), [{ ...batch, definitions }]),
    {
      code: 'INVALID',
      message: 'A tool of the document lacks its definition',
    },
  )
  assert.deepEqual(await readTools(accountId, providerId), before)
  const missing = newId('prv')
  await assert.rejects(
    importTools(db, accountId, () => Promise.resolve(missing), toBatches(PETS)),
    {
      code: 'NOT_FOUND',
      message: `No provider ${missing}`,
    },
  )
})

test('importTools of two documents at once leaves one of them', async () => {
  const accountId = await createAccount(db)
  const providerId = await createProvider(db, accountId)
  const document = (prefix: string): readonly ToolSketch[] =>
    Array.from({ length: 60 }, (_value, index) => ({
      operation: `GET /${index % 2 === 0 ? prefix : 'both'}/${index}`,
      name: `${prefix}_${index}`,
    }))
  const documents = ['a', 'b', 'c', 'd'].map(document)
  await Promise.all(
    documents.map((tools) =>
      importTools(db, accountId, () => Promise.resolve(providerId), toBatches(tools, 10)),
    ),
  )
  const names = (await readTools(accountId, providerId)).map((tool) => tool.name).toSorted()
  const prefix = names[0]?.slice(0, 1)
  const winner = documents.find((tools) => tools[0]?.name.slice(0, 1) === prefix)
  assert.deepEqual(names, winner?.map((tool) => tool.name).toSorted())
})

test('importTools deletes definitions that nobody uses after an hour', async () => {
  const accountId = await createAccount(db)
  const providerId = await createProvider(db, accountId)
  const countDefinitions = () =>
    withAccount(db, accountId, async (tx) => {
      const rows = await tx.trx.selectFrom('tool_definition').select('hash').execute()
      return rows.length
    })
  await importTools(db, accountId, () => Promise.resolve(providerId), toBatches(PETS))
  await importTools(db, accountId, () => Promise.resolve(providerId), toBatches(PETS.slice(0, 1)))
  assert.equal(await countDefinitions(), 4, 'young ones stay')
  await withAccount(db, accountId, (tx) =>
    sql`update tool_definition set created_at = now() - interval '61 minutes'`.execute(tx.trx),
  )
  await importTools(db, accountId, () => Promise.resolve(providerId), toBatches(PETS.slice(0, 1)))
  assert.equal(await countDefinitions(), 1)
})

test('importTools changes 1,223 tools in one short transaction', async () => {
  const accountId = await createAccount(db)
  const providerId = await createProvider(db, accountId)
  const document = (definition: string): readonly ToolSketch[] =>
    Array.from({ length: 1_223 }, (_value, index) => ({
      operation: `GET /repos/{owner}/{repo}/${index}`,
      name: `repos_${index}`,
      title: `Operation ${index}`,
      description: 'What it does, said at some length. '.repeat(20),
      definition: index % 2 === 0 ? definition : '',
    }))
  const added = await importTools(
    db,
    accountId,
    () => Promise.resolve(providerId),
    toBatches(document('old'), 200),
  )
  assert.deepEqual([added.added, added.changes.length], [1_223, 1_000])
  const changed = await importTools(
    db,
    accountId,
    () => Promise.resolve(providerId),
    toBatches(document('new'), 200),
  )
  assert.deepEqual(
    [changed.added, changed.changed, changed.removed, changed.unchanged],
    [0, 612, 0, 611],
  )
  const tools = await readTools(accountId, providerId)
  assert.deepEqual(
    tools.map((tool) => tool.position),
    tools.map((_tool, index) => index),
  )
})

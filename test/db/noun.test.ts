// The story of each noun in the database, and what its constraints say.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'

import { getAccount, insertAccount } from '../../db/account.ts'
import { findApiKeyByHash, insertApiKey, listApiKeys, revokeApiKey } from '../../db/api-key.ts'
import { hashCredential, newCredential } from '../../db/credential.ts'
import { newId } from '../../db/id.ts'
import { acceptInvitation, insertInvitation } from '../../db/invitation.ts'
import { importTools } from '../../db/import-tools.ts'
import { findInstanceValue, insertInstanceValue } from '../../db/instance.ts'
import { countMemberships, deleteMembership, updateMembership } from '../../db/membership.ts'
import { listNested } from '../../db/page.ts'
import {
  deleteProvider,
  findProvider,
  getProvider,
  insertProvider,
  listProviders,
  updateProvider,
} from '../../db/provider.ts'
import { addServerTools, removeServerTools } from '../../db/server-tool.ts'
import { findRoute, getRoute } from '../../db/route.ts'
import {
  findServerTokenByHash,
  insertServerToken,
  serverTokensOf,
  revokeServerToken,
  type ServerToken,
} from '../../db/server-token.ts'
import {
  deleteServer,
  findServerByName,
  getServer,
  insertServer,
  listServers,
  updateServer,
} from '../../db/server.ts'
import { countTools, listTools } from '../../db/list-tools.ts'
import { getTool, getToolDefinition } from '../../db/tool.ts'
import { withAccount } from '../../db/transaction.ts'
import { addMember, createAccount, createProvider } from '../support/account.ts'
import { openTestDatabase } from '../support/database.ts'
import { toBatches } from '../support/tool-batch.ts'

const db = await openTestDatabase({ after })

test('insertInstanceValue keeps the first value', async () => {
  assert.equal(await findInstanceValue(db, 'secret'), undefined)
  const values = await Promise.all([
    insertInstanceValue(db, 'secret', 'one'),
    insertInstanceValue(db, 'secret', 'two'),
  ])
  const winner = await findInstanceValue(db, 'secret')
  assert.deepEqual(values, [winner, winner])
})

test('an account is its own tenant: getAccount misses every other one', async () => {
  const id = newId('acc')
  const account = await withAccount(db, id, (tx) => insertAccount(tx, { name: 'Acme' }))
  assert.equal(account.id, id)
  assert.equal(account.name, 'Acme')
  assert.ok(account.created_at instanceof Date)
  assert.deepEqual(await withAccount(db, id, getAccount), account)
  const stranger = newId('acc')
  await assert.rejects(withAccount(db, stranger, getAccount), {
    name: 'NotFoundError',
    code: 'NOT_FOUND',
    message: `No account ${stranger}`,
  })
})

test('an API key is made, found by its hash, listed and revoked once', async () => {
  const accountId = await createAccount(db)
  const key = newCredential('hmk')
  const expiresAt = new Date('2030-01-02T03:04:05.678Z')
  const row = await withAccount(db, accountId, (tx) =>
    insertApiKey(tx, { name: 'CI', hash: hashCredential(key), expiresAt }),
  )
  const record = {
    id: row.id,
    account_id: accountId,
    expires_at: expiresAt,
    revoked_at: null,
    person_id: null,
    role: 'OWNER',
    carries_grants: false,
    account_suspended_at: null,
    member_role: null,
    grants: [],
  }
  assert.deepEqual({ ...(await findApiKeyByHash(db, hashCredential(key))) }, record)
  assert.equal(await findApiKeyByHash(db, hashCredential('hmk_')), undefined)

  const revoked = await withAccount(db, accountId, (tx) => revokeApiKey(tx, row.id))
  const again = await withAccount(db, accountId, (tx) => revokeApiKey(tx, row.id))
  assert.ok(revoked.revoked_at instanceof Date)
  assert.deepEqual(again.revoked_at, revoked.revoked_at)
  const { rows } = await withAccount(db, accountId, (tx) => listApiKeys(tx, { first: 10 }))
  assert.deepEqual(rows, [revoked])
  const missing = newId('key')
  await assert.rejects(
    withAccount(db, accountId, (tx) => revokeApiKey(tx, missing)),
    { code: 'NOT_FOUND', message: `No API key ${missing}` },
  )
})

test('a provider is created, listed, renamed, collides, is deleted and missed', async () => {
  const accountId = await createAccount(db)
  const documentUrl = 'https://pets.example/openapi.json'
  const created = await withAccount(db, accountId, (tx) =>
    insertProvider(tx, {
      name: 'Pets',
      description: 'All about pets',
      baseUrl: 'https://pets.example',
      headers: { 'X-Client': 'hasmcp "quoted"' },
      documentUrl,
    }),
  )
  const { id: _id, created_at: _createdAt, updated_at: _updatedAt, ...rest } = created
  assert.deepEqual(rest, {
    account_id: accountId,
    name: 'Pets',
    description: 'All about pets',
    base_url: 'https://pets.example',
    headers: { 'X-Client': 'hasmcp "quoted"' },
    query: {},
    forwarded_headers: [],
    icon_url: null,
    document_url: documentUrl,
    version: 1,
  })
  await createProvider(db, accountId, 'Toys')

  const found = await withAccount(db, accountId, (tx) =>
    listProviders(tx, { first: 10, documentUrl }),
  )
  assert.deepEqual(found, { rows: [created], hasNextPage: false })
  const page = await withAccount(db, accountId, (tx) => listProviders(tx, { first: 1 }))
  assert.deepEqual(page, { rows: [created], hasNextPage: true })
  const next = await withAccount(db, accountId, (tx) =>
    listProviders(tx, { first: 1, after: created.id }),
  )
  assert.deepEqual([next.rows.map((row) => row.name), next.hasNextPage], [['Toys'], false])

  const renamed = await withAccount(db, accountId, (tx) =>
    updateProvider(tx, created.id, { name: 'Animals', headers: {}, documentUrl: null }),
  )
  assert.deepEqual(
    [renamed.name, renamed.headers, renamed.document_url, renamed.version, renamed.description],
    ['Animals', {}, null, 2, 'All about pets'],
  )
  await assert.rejects(
    withAccount(db, accountId, (tx) => updateProvider(tx, created.id, { name: 'Toys' })),
    { code: 'CONFLICT', message: 'A provider named "Toys" exists already' },
  )
  await withAccount(db, accountId, (tx) => deleteProvider(tx, created.id))
  assert.equal(await withAccount(db, accountId, (tx) => findProvider(tx, created.id)), undefined)
  for (const use of [getProvider, deleteProvider]) {
    await assert.rejects(
      withAccount(db, accountId, async (tx) => {
        await use(tx, created.id)
      }),
      { code: 'NOT_FOUND', message: `No provider ${created.id}` },
    )
  }
})

test('a server gets tools, a route and tokens, and takes them with it', async () => {
  const accountId = await createAccount(db)
  const providerId = await createProvider(db, accountId)
  await importTools(
    db,
    accountId,
    () => Promise.resolve(providerId),
    toBatches([
      { operation: 'GET /pets', name: 'listPets', title: 'List', description: 'All pets' },
      { operation: 'POST /pets', name: 'createPet' },
      { operation: 'GET /pets/{petId}', name: 'getPet' },
    ]),
  )
  const inAccount = <T>(work: Parameters<typeof withAccount<T>>[2]) =>
    withAccount(db, accountId, work)
  const { rows: tools } = await inAccount((tx) => listTools(tx, { first: 10, providerId }))
  const [listPets, createPet, getPet] = tools
  assert.ok(listPets !== undefined && createPet !== undefined && getPet !== undefined)

  const server = await inAccount((tx) => insertServer(tx, { name: 'Desk', instructions: 'Hello' }))
  assert.deepEqual(await inAccount((tx) => getRoute(tx, server.id)), { server, tools: [] })
  assert.equal(
    await inAccount((tx) => addServerTools(tx, server.id, { toolIds: [getPet.id, listPets.id] })),
    2,
  )
  assert.equal(await inAccount((tx) => addServerTools(tx, server.id, { providerId })), 1)
  assert.equal(await inAccount((tx) => addServerTools(tx, server.id, { providerId })), 0)
  assert.equal(await inAccount((tx) => removeServerTools(tx, server.id, [createPet.id])), 1)
  assert.equal(await inAccount((tx) => countTools(tx, { serverId: server.id })), 2)
  const missing = newId('tool')
  await assert.rejects(
    inAccount((tx) => addServerTools(tx, server.id, { toolIds: [createPet.id, missing] })),
    { code: 'NOT_FOUND', message: `No tool ${missing}` },
  )

  const route = await inAccount((tx) => getRoute(tx, server.id))
  const definition = await inAccount((tx) => getToolDefinition(tx, listPets.definition_hash))
  assert.deepEqual(
    route.tools.map((tool) => tool.name),
    ['listPets', 'getPet'],
  )
  assert.deepEqual(route.tools[0], {
    id: listPets.id,
    name: 'listPets',
    title: 'List',
    description: 'All pets',
    definition_hash: listPets.definition_hash,
    definition,
    path: '/pets',
    method: 'GET',
    annotations: null,
    variable_names: [],
    shown_name: null,
    shown_title: null,
    shown_description: null,
    provider_id: listPets.provider_id,
    base_url: 'https://pets.example',
    headers: {},
    query: {},
    icon_url: null,
    forwarded_headers: [],
    result_mode: 'CONTENT',
    input_requests: [],
  })
  assert.deepEqual(route.server, await inAccount((tx) => getServer(tx, server.id)))
  assert.ok(route.server.version > server.version)

  const token = newCredential('hms')
  const row = await inAccount((tx) =>
    insertServerToken(tx, { serverId: server.id, name: 'Laptop', hash: hashCredential(token) }),
  )
  const record = {
    id: row.id,
    account_id: accountId,
    server_id: server.id,
    is_url_allowed: false,
    expires_at: null,
    revoked_at: null,
    account_suspended_at: null,
  }
  assert.deepEqual({ ...(await findServerTokenByHash(db, hashCredential(token))) }, record)
  const revoked = await inAccount((tx) => revokeServerToken(tx, row.id))
  const lists = await inAccount((tx) =>
    listNested<ServerToken>(tx, serverTokensOf(tx, {}), [server.id], { first: 10 }),
  )
  assert.deepEqual(
    lists.get(server.id)?.rows.map(({ id, revoked_at }) => ({ id, revoked_at })),
    [{ id: revoked.id, revoked_at: revoked.revoked_at }],
  )

  await inAccount((tx) => deleteServer(tx, server.id))
  assert.equal(await findServerTokenByHash(db, hashCredential(token)), undefined)
  assert.equal(await inAccount((tx) => findRoute(tx, server.id)), undefined)
  await assert.rejects(
    inAccount((tx) => getRoute(tx, server.id)),
    { code: 'NOT_FOUND', message: `No server ${server.id}` },
  )
  assert.equal(await inAccount((tx) => countTools(tx)), 3)
  await inAccount((tx) => deleteProvider(tx, providerId))
  await assert.rejects(
    inAccount((tx) => getTool(tx, getPet.id)),
    { code: 'NOT_FOUND', message: `No tool ${getPet.id}` },
  )
})

test('a server is found by name, renamed, and collides in its account only', async () => {
  const [accountId, otherId] = [await createAccount(db), await createAccount(db)]
  // What could end the reading of the value early.
  const name = 'a, b) "c" (d)=(e) already exists.'
  const server = await withAccount(db, accountId, (tx) => insertServer(tx, { name }))
  assert.equal(server.instructions, '')
  assert.deepEqual(await withAccount(db, accountId, (tx) => findServerByName(tx, name)), server)
  assert.equal(await withAccount(db, otherId, (tx) => findServerByName(tx, name)), undefined)
  await withAccount(db, otherId, (tx) => insertServer(tx, { name }))
  await assert.rejects(
    withAccount(db, accountId, (tx) => insertServer(tx, { name })),
    { code: 'CONFLICT', message: `A server named ${JSON.stringify(name)} exists already` },
  )
  const updated = await withAccount(db, accountId, (tx) =>
    updateServer(tx, server.id, { instructions: 'Be kind' }),
  )
  assert.deepEqual([updated.name, updated.instructions, updated.version], [name, 'Be kind', 2])
  const { rows } = await withAccount(db, accountId, (tx) => listServers(tx, { first: 5 }))
  assert.deepEqual(rows, [updated])
})

test('values outside of their domain are refused with the field and the limit', async () => {
  const accountId = await createAccount(db)
  const provider = { name: 'Pets', description: '', baseUrl: 'https://pets.example' }
  const cases: readonly (readonly [object, readonly string[], string])[] = [
    [{ name: '' }, ['name'], 'The name must have 1 to 100 characters'],
    [{ name: 'é'.repeat(101) }, ['name'], 'The name must have 1 to 100 characters'],
    [
      { description: 'a'.repeat(10_001) },
      ['description'],
      'The description must have at most 10000 characters',
    ],
    [{ baseUrl: '' }, ['baseUrl'], 'The base URL must have 1 to 2048 characters'],
    [
      { headers: { a: 'b'.repeat(16_384) } },
      ['headers'],
      'The headers must be an object of at most 16384 bytes as JSON',
    ],
    [
      { documentUrl: 'a'.repeat(2_049) },
      ['documentUrl'],
      'The URL of the document must have 1 to 2048 characters',
    ],
    [{ name: 'a\0b' }, [], 'Text must not contain the character U+0000'],
    [{ headers: { a: '\0' } }, [], 'Text must not contain the character U+0000'],
  ]
  for (const [change, path, message] of cases) {
    await assert.rejects(
      withAccount(db, accountId, (tx) => insertProvider(tx, { ...provider, ...change })),
      { name: 'InvalidError', code: 'INVALID', path, message },
    )
  }
  const hostile = `'); drop table provider; -- \u202e🦊 ${'é'.repeat(40)}`
  const row = await withAccount(db, accountId, (tx) =>
    insertProvider(tx, { ...provider, name: hostile, headers: { ['__proto__']: hostile } }),
  )
  assert.equal(row.name, hostile)
  assert.equal(Object.getPrototypeOf({}), Object.prototype)
})

test('a row of a parent that is missing is NOT_FOUND', async () => {
  const accountId = await createAccount(db)
  const hash = hashCredential('hms')
  await assert.rejects(
    withAccount(db, accountId, (tx) =>
      insertServerToken(tx, { serverId: newId('srv'), name: 'Laptop', hash }),
    ),
    { code: 'NOT_FOUND', message: 'No such server' },
  )
  await assert.rejects(
    withAccount(db, newId('acc'), (tx) => insertServer(tx, { name: 'Desk' })),
    { code: 'NOT_FOUND', message: 'No such account' },
  )
})

test('of two owners who leave, or demote each other, at once one stays', async () => {
  for (let turn = 0; turn < 10; turn += 1) {
    const accountId = await createAccount(db)
    const owners = [
      await addMember(db, accountId, 'ada@example.com', 'OWNER'),
      await addMember(db, accountId, 'bob@example.com', 'OWNER'),
    ]
    const outcomes = await Promise.allSettled(
      owners.map((id) =>
        withAccount(db, accountId, (tx) =>
          turn % 2 === 0
            ? deleteMembership(tx, id)
            : updateMembership(tx, id, 'ADMIN', { keepsTokens: true, invitationRoles: [] }),
        ),
      ),
    )
    const refused = outcomes.flatMap((outcome) =>
      outcome.status === 'rejected' ? [outcome.reason as unknown] : [],
    )
    assert.deepEqual(
      refused.map((error) => (error as { readonly code: string }).code),
      ['CONFLICT'],
    )
    const left = await withAccount(db, accountId, (tx) => countMemberships(tx, { role: 'OWNER' }))
    assert.equal(left, 1)
  }
})

test('of many who accept one invitation at once one does', async () => {
  const accountId = await createAccount(db)
  const email = 'guest@example.com'
  const { id } = await withAccount(db, accountId, (tx) =>
    insertInvitation(tx, { email, emailKey: email, role: 'MEMBER', invitedBy: null }),
  )
  const outcomes = await Promise.all(
    Array.from({ length: 8 }, () =>
      withAccount(db, accountId, (tx) => acceptInvitation(tx, id, email)),
    ),
  )
  assert.equal(outcomes.filter((row) => row !== undefined).length, 1)
})

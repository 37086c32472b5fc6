// Creates that are repeated after a lost answer: one object, the same answer, the same credential.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sql } from 'kysely'
import { findApiKeyByHash } from '../db/api-key.ts'
import { hashCredential } from '../db/credential.ts'
import { findServerTokenByHash } from '../db/server-token.ts'
import { withAccount } from '../db/transaction.ts'
import {
  openControlPlane,
  openapi,
  type Client,
  type ControlPlane,
} from './support/control-plane.ts'

interface Made<Data = { readonly id: string }> {
  readonly __typename: string
  readonly data: Data
}

const provider = { name: 'Pets', baseUrl: 'https://pets.example', idempotencyKey: 'key-1' }
const IMPORT = `provider { id name } added changed removed unchanged warnings changes { kind name }`

const conflict = (message: string) => ({ __typename: 'ConflictError', code: 'CONFLICT', message })
const usedForAnother = (operation: string, key = 'key-1') =>
  conflict(
    `The idempotencyKey "${key}" was used for another ${operation}; expected the same mutation with the same input, or another key`,
  )

async function countRows(plane: ControlPlane, table: string): Promise<number> {
  return await withAccount(plane.db, plane.accountId, async ({ trx }) => {
    const { rows } = await sql<{ n: number }>`
      select count(*)::integer as n from ${sql.table(table)}`.execute(trx)
    return rows[0]?.n ?? -1
  })
}

/** Makes every key of the account look `hours` older. */
async function age(plane: ControlPlane, hours: number): Promise<void> {
  await withAccount(plane.db, plane.accountId, ({ trx }) =>
    sql`update idempotency_key set created_at = created_at - make_interval(hours => ${hours}::integer)`.execute(
      trx,
    ),
  )
}

async function createServer(client: Client): Promise<string> {
  const { data } = await client.mutate<Made>('createServer', { name: 'Desk' }, 'id')
  return data.id
}

test('a create with an idempotencyKey is done once, answered again and refused with another input', async () => {
  const plane = await openControlPlane()
  const create = (input: object) => plane.mutate<Made>('createProvider', input, 'id version')
  const first = await create({ ...provider, description: 'All of them' })
  assert.equal(first.__typename, 'CreateProviderSuccess')
  // The order of the fields, and null for nothing, make no other input.
  const { name, baseUrl, idempotencyKey } = provider
  const again = { idempotencyKey, headers: null, description: 'All of them', baseUrl, name }
  assert.deepEqual(await create(again), first)

  for (const other of [
    provider,
    { ...provider, description: 'Some' },
    { ...again, headers: [] },
    { ...again, name: 'pets' },
  ]) {
    assert.deepEqual(await create(other), usedForAnother('createProvider'))
  }
  assert.deepEqual(
    await plane.mutate('createServer', { name: 'Pets', idempotencyKey }),
    usedForAnother('createProvider'),
  )
  assert.equal(await countRows(plane, 'provider'), 1)

  // What was made is answered as it is now.
  const { id } = first.data
  await plane.mutate('updateProvider', { id, name: 'Animals' })
  assert.deepEqual((await create(again)).data, { id, version: 2 })
  await plane.ask('mutation($id: ID!) { deleteProvider(id: $id) { __typename } }', { id })
  assert.deepEqual(
    await create(again),
    conflict(
      `The idempotencyKey "key-1" made ${id}, which was deleted since; expected another key`,
    ),
  )
  // Another account's key is another key.
  const theirs = await plane.other.mutate<Made>('createProvider', provider, 'id')
  assert.notEqual(theirs.data.id, id)
  assert.deepEqual(plane.logged, [])
})

test('a create that fails does not use its idempotencyKey up', async () => {
  const plane = await openControlPlane()
  const input = { name: 'Desk', toolIds: ['tool_01h455vb4pex5vsknk084sn02q'], idempotencyKey: 'k' }
  const missing = await plane.mutate('createServer', input)
  assert.equal(missing.code, 'NOT_FOUND')
  assert.equal(await countRows(plane, 'idempotency_key'), 0)
  const made = await plane.mutate<Made>('createServer', { ...input, toolIds: [] }, 'id')
  assert.equal(made.__typename, 'CreateServerSuccess')
  assert.deepEqual(await plane.mutate('createServer', { ...input, toolIds: [] }, 'id'), made)
})

test('50 equal creates at once make one server', async () => {
  const plane = await openControlPlane()
  const input = { name: 'Desk', idempotencyKey: '!~' }
  const answers = await Promise.all(
    Array.from({ length: 50 }, () => plane.mutate<Made>('createServer', input, 'id')),
  )
  assert.equal(new Set(answers.map((answer) => answer.data.id)).size, 1)
  assert.equal(await countRows(plane, 'server'), 1)
  assert.deepEqual(plane.logged, [])
})

test('a repeated createServerToken and createApiKey show the same credential, which is not stored', async () => {
  const plane = await openControlPlane()
  const serverId = await createServer(plane)
  const input = { name: 'Laptop', expiresAt: '2100-01-01T00:00:00Z', idempotencyKey: 'key-1' }
  const createToken = () =>
    plane.mutate<Made<{ token: string; serverToken: { id: string; revokedAt: string | null } }>>(
      'createServerToken',
      { ...input, serverId },
      'token serverToken { id revokedAt }',
    )
  const createKey = () =>
    plane.mutate<Made<{ key: string; apiKey: { id: string } }>>(
      'createApiKey',
      { ...input, idempotencyKey: 'key-2' },
      'key apiKey { id }',
    )
  const tokens = await Promise.all(Array.from({ length: 10 }, createToken))
  const keys = await Promise.all(Array.from({ length: 10 }, createKey))
  const [token, key] = [tokens[0], keys[0]]
  assert(token !== undefined && key !== undefined)
  for (const answer of tokens) assert.deepEqual(answer, token)
  for (const answer of keys) assert.deepEqual(answer, key)
  assert.equal(
    (await findServerTokenByHash(plane.db, hashCredential(token.data.token)))?.id,
    token.data.serverToken.id,
  )
  assert.equal(
    (await findApiKeyByHash(plane.db, hashCredential(key.data.key)))?.id,
    key.data.apiKey.id,
  )
  assert.equal(await countRows(plane, 'server_token'), 1)
  assert.deepEqual(
    await plane.mutate('createServerToken', { serverId, name: 'Phone', idempotencyKey: 'key-1' }),
    usedForAnother('createServerToken'),
  )

  // After a day the key is free, and what it makes is new: a revoked token does not come back.
  const { id } = token.data.serverToken
  await plane.ask('mutation($id: ID!) { revokeServerToken(id: $id) { __typename } }', { id })
  assert.notEqual((await createToken()).data.serverToken.revokedAt, null)
  await age(plane, 25)
  const later = await createToken()
  assert.notEqual(later.data.token, token.data.token)
  assert.equal(later.data.serverToken.revokedAt, null)
  assert.deepEqual(plane.logged, [])
})

test('a create whose credential has expired since is answered all the same', async () => {
  const plane = await openControlPlane()
  const input = { name: 'CI', idempotencyKey: 'key-1' }
  const soon = new Date(Date.now() + 2_000).toISOString()
  const create = () =>
    plane.mutate<Made<{ key: string }>>('createApiKey', { ...input, expiresAt: soon }, 'key')
  const first = await create()
  assert.equal(first.__typename, 'CreateApiKeySuccess')
  while (Date.now() <= Date.parse(soon)) await plane.ask('{ __typename }')
  assert.deepEqual(await create(), first)
})

test('a repeated importOpenApi answers what the first did, also where the document is gone', async () => {
  const plane = await openControlPlane()
  const document = openapi(['get /pets', 'post /pets'])
  const { documentId } = (await (await plane.upload(document)).json()) as { documentId: string }
  const input = { documentId, name: 'Pets', idempotencyKey: 'key-1' }
  const run = (more: object = {}) =>
    plane.mutate<Made<{ provider: { id: string } }>>('importOpenApi', { ...input, ...more }, IMPORT)
  const answers = await Promise.all(Array.from({ length: 5 }, () => run()))
  const [first] = answers
  assert.deepEqual(first?.data, {
    provider: { id: first?.data.provider.id, name: 'Pets' },
    added: 2,
    changed: 0,
    removed: 0,
    unchanged: 0,
    warnings: [],
    changes: [
      { kind: 'ADDED', name: 'get_pets' },
      { kind: 'ADDED', name: 'post_pets' },
    ],
  })
  for (const answer of [...answers, await run()]) assert.deepEqual(answer, first)
  assert.deepEqual(await run({ name: 'Toys' }), usedForAnother('importOpenApi'))
  assert.equal(await countRows(plane, 'provider'), 1)
  assert.deepEqual(plane.logged, [])
})

test('a key counts for 24 hours, and claims delete those that are older', async () => {
  const plane = await openControlPlane()
  const create = (idempotencyKey: string) =>
    plane.mutate<Made>('createApiKey', { name: 'CI', idempotencyKey }, 'key')
  const first = await create('a')
  for (let count = 0; count < 24; count += 1) await create(`b${count}`)
  await age(plane, 23)
  assert.deepEqual(await create('a'), first)
  await age(plane, 1)
  assert.notDeepEqual(await create('a'), first)
  // 20 of the 24 old ones went with it; the rest go with the next.
  assert.equal(await countRows(plane, 'idempotency_key'), 5)
  await create('c')
  assert.equal(await countRows(plane, 'idempotency_key'), 2)
})

test('an idempotencyKey that is not 1 to 255 visible ASCII characters is refused', async () => {
  const plane = await openControlPlane()
  const longest = 'k'.repeat(255)
  const made = await plane.mutate('createProvider', { ...provider, idempotencyKey: longest })
  assert.equal(made.__typename, 'CreateProviderSuccess')
  const wanted = 'expected 1 to 255 visible ASCII characters without spaces'
  for (const [idempotencyKey, problem] of [
    ['', `is ""; ${wanted}`],
    ['a b', `is "a b"; ${wanted}`],
    ['a\n', `is "a\\n"; ${wanted}`],
    ['ä', `is "ä"; ${wanted}`],
    ['\0', `is "\\u0000"; ${wanted}`],
    [`${longest}k`, 'has 256 characters, the limit is 255'],
  ]) {
    const expected = {
      __typename: 'InvalidError',
      code: 'INVALID',
      message: `idempotencyKey ${problem}`,
      path: ['input', 'idempotencyKey'],
    }
    for (const [operation, input] of [
      ['createProvider', provider],
      ['createServer', { name: 'S' }],
      ['createServerToken', { serverId: 'srv_01h455vb4pex5vsknk084sn02q', name: 'T' }],
      ['createApiKey', { name: 'K' }],
      ['importOpenApi', { text: openapi(['get /pets']) }],
    ] as const) {
      assert.deepEqual(await plane.mutate(operation, { ...input, idempotencyKey }), expected)
    }
  }
  assert.equal(await countRows(plane, 'provider'), 1)
})

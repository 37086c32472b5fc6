// Row-level security, walked through the catalogue: a new table is refused here until it is guarded.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'

import { sql, type Transaction } from 'kysely'

import { insertApiKey } from '../../db/api-key.ts'
import { hashCredential, newCredential } from '../../db/credential.ts'
import { insertDocument, insertDocumentPart } from '../../db/document.ts'
import { insertInterceptor } from '../../db/interceptor.ts'
import { insertPrompt } from '../../db/prompt.ts'
import { insertResource } from '../../db/resource.ts'
import { insertVariable } from '../../db/variable.ts'
import { createVault } from '../../db/vault.ts'
import { newId } from '../../db/id.ts'
import { insertIdempotencyKey } from '../../db/idempotency-key.ts'
import { importTools } from '../../db/import-tools.ts'
import { addServerTools } from '../../db/server-tool.ts'
import { insertServerToken } from '../../db/server-token.ts'
import { insertServer } from '../../db/server.ts'
import type { Tables } from '../../db/tables.ts'
import { withAccount, withGate, withOperator, withPurge } from '../../db/transaction.ts'
import { createAccount, createProvider } from '../support/account.ts'
import { openTestDatabase } from '../support/database.ts'
import { toBatches } from '../support/tool-batch.ts'

// Tables without a tenant; the list may only shrink.
const NO_TENANT = ['hasmcp_migration', 'hasmcp_migration_lock', 'instance']

const db = await openTestDatabase({ after })

const vault = createVault(Buffer.alloc(32, 'vault'))
const INTERCEPTOR = {
  name: 'Prune',
  description: '',
  phase: 'RESPONSE',
  engine: 'JMESPATH',
  code: '@',
  is_enabled: true,
  mode: 'ENFORCE',
  on_error: 'FAIL',
  methods: ['POST'],
  sees_errors: false,
  output_schema: null,
} as const

const PROMPT = { name: 'p', title: '', description: '', arguments: [], messages: [] }
const RESOURCE = {
  uri: 'a:b',
  is_template: false,
  name: 'r',
  title: '',
  description: '',
  mime_type: '',
  text: 'x',
  blob: null,
  tool_id: null,
  arguments: {},
  variables: [],
}

/** The id of an account with a row in every table of tenants. */
async function createFullAccount(): Promise<string> {
  const accountId = await createAccount(db)
  const providerId = await createProvider(db, accountId)
  await importTools(
    db,
    accountId,
    () => Promise.resolve(providerId),
    toBatches([{ operation: 'GET /pets', name: 'listPets' }]),
  )
  await withAccount(db, accountId, async (tx) => {
    await insertApiKey(tx, { name: 'CI', hash: hashCredential(newCredential('hmk')) })
    const server = await insertServer(tx, { name: 'Desk' })
    await addServerTools(tx, server.id, { providerId })
    const hash = hashCredential(newCredential('hms'))
    await insertServerToken(tx, { serverId: server.id, name: 'Laptop', hash })
    await insertIdempotencyKey(tx, { key: 'k', operation: 'createX', inputHash: Buffer.alloc(32) })
    const variable = { name: 'KEY', kind: 'SECRET', value: 'v', description: '' } as const
    await insertVariable(tx, vault, { ...variable, providerId, origin: null })
    await insertInterceptor(tx, { serverId: server.id }, INTERCEPTOR)
    await insertPrompt(tx, server.id, PROMPT)
    await insertResource(tx, server.id, RESOURCE)
    await insertDocumentPart(tx, await insertDocument(tx, 1), 0, new Uint8Array(1))
  })
  return accountId
}

async function listTables(): Promise<readonly string[]> {
  const { rows } = await sql<{ relname: string }>`
    select relname from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')
    order by relname`.execute(db.kysely)
  return rows.map((row) => row.relname).filter((name) => !NO_TENANT.includes(name))
}

async function count(trx: Transaction<Tables>, table: string): Promise<number> {
  const { rows } = await sql<{ n: number }>`
    select count(*)::integer as n from ${sql.table(table)}`.execute(trx)
  return rows[0]?.n ?? -1
}

/** A transaction under a role, with the setting that names the tenant as given. */
async function asRole<T>(
  role: string,
  accountId: string | undefined,
  work: (trx: Transaction<Tables>) => Promise<T>,
): Promise<T> {
  return await db.kysely.transaction().execute(async (trx) => {
    await sql`select set_config('role', ${role}, true)`.execute(trx)
    if (accountId !== undefined) {
      await sql`select set_config('hasmcp.account_id', ${accountId}, true)`.execute(trx)
    }
    return await work(trx)
  })
}

test('every table of tenants forces row-level security and is covered by a policy', async () => {
  const { rows } = await sql<{ relname: string; is_forced: boolean; policies: string }>`
    select relname, relrowsecurity and relforcerowsecurity as is_forced,
      coalesce((select string_agg(polname, ' ' order by polname) from pg_policy
        where polrelid = pg_class.oid
          and polroles = array['hasmcp_tenant'::regrole::oid] and polcmd = '*'
          and polqual is not null and polwithcheck is not null), '') as policies
    from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')
    order by relname`.execute(db.kysely)
  const guarded = rows.filter((row) => row.is_forced)
  assert.deepEqual(
    rows.filter((row) => !row.is_forced).map((row) => row.relname),
    NO_TENANT,
  )
  assert.deepEqual(
    guarded.map((row) => row.policies),
    guarded.map((row) => `${row.relname}_tenant_policy`),
  )
  const { rows: views } = await sql`
    select relname from pg_class
    where relnamespace = 'public'::regnamespace and relkind in ('v', 'm')`.execute(db.kysely)
  assert.deepEqual(views, [])
})

test('the roles are no owners, bypass nothing and cannot log in', async () => {
  const { rows } = await sql`
    select rolname, rolsuper, rolbypassrls, rolcanlogin, rolcreaterole, rolcreatedb,
      exists (select from pg_class where relowner = pg_roles.oid) as is_owner
    from pg_roles where rolname in ('hasmcp_tenant', 'hasmcp_gate', 'hasmcp_purge', 'hasmcp_operator')
    order by rolname`.execute(db.kysely)
  const powerless = {
    rolsuper: false,
    rolbypassrls: false,
    rolcanlogin: false,
    rolcreaterole: false,
    rolcreatedb: false,
    is_owner: false,
  }
  assert.deepEqual(rows, [
    { rolname: 'hasmcp_gate', ...powerless },
    { rolname: 'hasmcp_operator', ...powerless },
    { rolname: 'hasmcp_purge', ...powerless },
    { rolname: 'hasmcp_tenant', ...powerless },
  ])
})

test('withAccount sees its rows without a where, and nobody, another or an unset tenant none', async () => {
  const accountId = await createFullAccount()
  const strangerId = await createAccount(db)
  for (const table of await listTables()) {
    const own = await withAccount(db, accountId, (tx) => count(tx.trx, table))
    assert.ok(own > 0, `${table} has a row in this test`)
    const isOfStranger = table === 'account' ? 1 : 0
    assert.equal(await withAccount(db, strangerId, (tx) => count(tx.trx, table)), isOfStranger)
    assert.equal(await asRole('hasmcp_tenant', '', (trx) => count(trx, table)), 0)
    // The connection was used before: the setting is there and empty.
    assert.equal(await asRole('hasmcp_tenant', undefined, (trx) => count(trx, table)), 0)
    assert.equal(
      await asRole('hasmcp_tenant', `${accountId}' or true`, (trx) => count(trx, table)),
      0,
    )
  }
})

test('a tenant can neither insert, update nor delete rows of another', async () => {
  const accountId = await createFullAccount()
  const strangerId = await createFullAccount()
  for (const table of await listTables()) {
    const column = table === 'account' ? 'id' : 'account_id'
    const before = await withAccount(db, accountId, (tx) => count(tx.trx, table))
    const denied = { code: '42501' }
    await assert.rejects(
      withAccount(db, strangerId, (tx) =>
        sql`update ${sql.table(table)} set ${sql.ref(column)} = ${accountId}`.execute(tx.trx),
      ),
      denied,
      `${table}: give a row away`,
    )
    await assert.rejects(
      withAccount(db, strangerId, (tx) =>
        sql`insert into ${sql.table(table)} (${sql.ref(column)}) values (${accountId})`.execute(
          tx.trx,
        ),
      ),
      denied,
      `${table}: insert for another`,
    )
    await withAccount(db, strangerId, (tx) =>
      sql`delete from ${sql.table(table)} where ${sql.ref(column)} = ${accountId}`.execute(tx.trx),
    )
    assert.equal(await withAccount(db, accountId, (tx) => count(tx.trx, table)), before, table)
  }
})

test('a tenant cannot refer to rows of another', async () => {
  const accountId = await createFullAccount()
  const strangerId = await createFullAccount()
  const idOf = (table: 'server' | 'tool') =>
    withAccount(db, accountId, (tx) =>
      tx.trx.selectFrom(table).select('id').executeTakeFirstOrThrow(),
    )
  const [server, tool] = [await idOf('server'), await idOf('tool')]
  const hash = hashCredential(newCredential('hms'))
  await assert.rejects(
    withAccount(db, strangerId, (tx) =>
      insertServerToken(tx, { serverId: server.id, name: 'Theirs', hash }),
    ),
    { code: 'NOT_FOUND', message: 'No such server' },
  )
  await assert.rejects(
    withAccount(db, strangerId, async (tx) => {
      const own = await insertServer(tx, { name: 'Mine' })
      await addServerTools(tx, own.id, { toolIds: [tool.id] })
    }),
    { code: 'NOT_FOUND', message: `No tool ${tool.id}` },
  )
})

test('withGate reads the columns that authentication needs and nothing else', async () => {
  await createFullAccount()
  const open: Readonly<Record<string, readonly string[]>> = {
    account: ['id', 'suspended_at'],
    api_key: ['account_id', 'expires_at', 'hash', 'id', 'revoked_at'],
    server_token: [
      'account_id',
      'expires_at',
      'hash',
      'id',
      'is_url_allowed',
      'revoked_at',
      'server_id',
    ],
  }
  const { rows } = await sql<{ table_name: string; column_name: string }>`
    select table_name::text, column_name::text from information_schema.columns
    where table_schema = 'public' order by table_name, column_name`.execute(db.kysely)
  assert.ok(rows.length > 60)
  for (const { table_name: table, column_name: column } of rows) {
    const read = withGate(db, (trx) =>
      sql`select ${sql.ref(column)} from ${sql.table(table)}`.execute(trx),
    )
    if (open[table]?.includes(column) === true) assert.ok((await read).rows.length > 0)
    else await assert.rejects(read, { code: '42501' }, `${table}.${column}`)
  }
  for (const table of [...(await listTables()), ...NO_TENANT]) {
    for (const statement of [
      sql`delete from ${sql.table(table)}`,
      sql`insert into ${sql.table(table)} default values`,
      sql`truncate ${sql.table(table)}`,
    ]) {
      await assert.rejects(
        withGate(db, (trx) => statement.execute(trx)),
        { code: '42501' },
        table,
      )
    }
  }
})

test('withOperator reads accounts, writes whether they are suspended, and nothing else', async () => {
  const accountId = await createFullAccount()
  const { rows } = await sql<{ table_name: string; column_name: string }>`
    select table_name::text, column_name::text from information_schema.columns
    where table_schema = 'public' order by table_name, column_name`.execute(db.kysely)
  const readable = ['created_at', 'id', 'name', 'suspended_at']
  const denied = { code: '42501' }
  for (const { table_name: table, column_name: column } of rows) {
    const name = `${table}.${column}`
    const read = withOperator(db, ({ trx }) =>
      sql`select ${sql.ref(column)} from ${sql.table(table)}`.execute(trx),
    )
    if (table === 'account' && readable.includes(column)) assert.ok((await read).rows.length > 0)
    else await assert.rejects(read, denied, name)
    const write = withOperator(db, ({ trx }) =>
      sql`update ${sql.table(table)} set ${sql.ref(column)} = null`.execute(trx),
    )
    if (name === 'account.suspended_at') await write
    else await assert.rejects(write, denied, name)
  }
  for (const table of [...(await listTables()), ...NO_TENANT]) {
    for (const statement of [
      sql`delete from ${sql.table(table)}`,
      sql`insert into ${sql.table(table)} default values`,
      sql`truncate ${sql.table(table)}`,
    ]) {
      await assert.rejects(
        withOperator(db, ({ trx }) => statement.execute(trx)),
        denied,
        table,
      )
    }
  }
  await assert.rejects(
    withAccount(db, accountId, (tx) => sql`update account set suspended_at = null`.execute(tx.trx)),
    denied,
    'a tenant cannot reactivate itself',
  )
})

test('withPurge reads nothing', async () => {
  for (const table of [...(await listTables()), ...NO_TENANT]) {
    await assert.rejects(
      withPurge(db, (trx) => sql`select from ${sql.table(table)} limit 1`.execute(trx)),
      { code: '42501' },
      table,
    )
  }
})

test('a tenant reads no fact about the installation and changes no table', async () => {
  const accountId = await createAccount(db)
  for (const table of NO_TENANT) {
    await assert.rejects(
      withAccount(db, accountId, (tx) => count(tx.trx, table)),
      { code: '42501' },
    )
  }
  for (const statement of ['drop table tool', 'truncate tool', 'create table mine (id text)']) {
    await assert.rejects(
      withAccount(db, accountId, (tx) => sql.raw(statement).execute(tx.trx)),
      { code: '42501' },
      statement,
    )
  }
})

test('nothing of a transaction stays with its connection', async () => {
  const accountId = await createAccount(db)
  await withAccount(db, accountId, async (tx) => {
    await count(tx.trx, 'account')
  })
  await assert.rejects(
    withAccount(db, accountId, async () => {
      throw new Error('broken off')
    }),
    { message: 'broken off' },
  )
  for (let turn = 0; turn < 20; turn += 1) {
    const { rows } = await sql<{ is_back: boolean; tenant: string | null }>`
      select current_user = session_user as is_back,
        current_setting('hasmcp.account_id', true) as tenant`.execute(db.kysely)
    assert.deepEqual([rows[0]?.is_back, rows[0]?.tenant ?? ''], [true, ''])
  }
})

test('200 accounts at once see their own rows only', async () => {
  const ids = await Promise.all(
    Array.from({ length: 200 }, (_value, index) => createAccount(db, `Account ${index}`)),
  )
  const names = await Promise.all(
    ids.map((id) =>
      withAccount(db, id, async (tx) => {
        const rows = await tx.trx.selectFrom('account').select(['id', 'name']).execute()
        return rows.map((row) => `${row.id} ${row.name}`)
      }),
    ),
  )
  assert.deepEqual(
    names,
    ids.map((id, index) => [`${id} Account ${index}`]),
  )
  assert.equal(await asRole('hasmcp_tenant', newId('acc'), (trx) => count(trx, 'account')), 0)
})

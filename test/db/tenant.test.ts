// Row-level security, walked through the catalogue: a new table is refused here until it is guarded.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'

import { sql, type RawBuilder, type Transaction } from 'kysely'

import { insertApiKey } from '../../db/api-key.ts'
import { hashCredential, newCredential } from '../../db/credential.ts'
import { insertDocument, insertDocumentPart } from '../../db/document.ts'
import { insertInterceptor } from '../../db/interceptor.ts'
import { insertInvitation } from '../../db/invitation.ts'
import { insertMembership } from '../../db/membership.ts'
import { insertPrompt } from '../../db/prompt.ts'
import { insertResource } from '../../db/resource.ts'
import { insertVariable } from '../../db/variable.ts'
import { createVault } from '../../db/vault.ts'
import { newId } from '../../db/id.ts'
import { insertIdempotencyKey } from '../../db/idempotency-key.ts'
import { importTools } from '../../db/import-tools.ts'
import { upsertServerGrant } from '../../db/server-grant.ts'
import { addServerTools } from '../../db/server-tool.ts'
import { insertServerToken } from '../../db/server-token.ts'
import { insertServer } from '../../db/server.ts'
import { insertSession } from '../../db/session.ts'
import type { Tables } from '../../db/tables.ts'
import {
  withAccount,
  withGate,
  withIdentity,
  withOperator,
  withPurge,
} from '../../db/transaction.ts'
import { useToken } from '../../db/used-token.ts'
import { upsertUser } from '../../db/user.ts'
import { createAccount, createProvider } from '../support/account.ts'
import { openTestDatabase } from '../support/database.ts'
import { toBatches } from '../support/tool-batch.ts'

// Tables without a tenant; the list may only shrink.
const NO_TENANT = ['hasmcp_migration', 'hasmcp_migration_lock', 'instance']
// Of people and of the installation, guarded as those of tenants are, and the tenant's in no row; the
// list may only shrink.
const NOT_OF_TENANT = ['person', 'session', 'signing_key', 'used_token']
const ALL_NO_TENANT = [...NO_TENANT, ...NOT_OF_TENANT]

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

/** The id of an account with a row in every table of tenants, and its member, who is signed in. */
async function createFullAccount(): Promise<string> {
  return (await createFullTenant()).accountId
}

async function createFullTenant(): Promise<{ accountId: string; userId: string }> {
  const accountId = await createAccount(db)
  const email = `${accountId}@example.com`
  const hash = () => hashCredential(newCredential('hmb'))
  const { id: userId } = await withIdentity(db, (tx) =>
    upsertUser(tx, { email, emailKey: email, name: 'Ada', pictureUrl: null }),
  )
  const providerId = await createProvider(db, accountId)
  await importTools(
    db,
    accountId,
    () => Promise.resolve(providerId),
    toBatches([{ operation: 'GET /pets', name: 'listPets' }]),
  )
  await withAccount(db, accountId, async (tx) => {
    const member = await insertMembership(tx, { userId, role: 'MEMBER' })
    const key = { name: 'CI', hash: hashCredential(newCredential('hmk')) }
    await insertApiKey(tx, { ...key, userId, role: 'MEMBER' })
    await insertInvitation(tx, {
      email,
      emailKey: `other-${email}`,
      role: 'ADMIN',
      invitedBy: userId,
    })
    const server = await insertServer(tx, { name: 'Desk' })
    await addServerTools(tx, server.id, { providerId })
    await upsertServerGrant(tx, { serverId: server.id, membershipId: member.id, level: 'USE' })
    await insertServerToken(tx, { serverId: server.id, name: 'Laptop', hash: hash() })
    await insertIdempotencyKey(tx, { key: 'k', operation: 'createX', inputHash: Buffer.alloc(32) })
    const variable = { name: 'KEY', kind: 'SECRET', value: 'v', description: '' } as const
    await insertVariable(tx, vault, { ...variable, providerId, origin: null })
    await insertInterceptor(tx, { serverId: server.id }, INTERCEPTOR)
    await insertPrompt(tx, server.id, PROMPT)
    await insertResource(tx, server.id, RESOURCE)
    await insertDocumentPart(tx, await insertDocument(tx, 1), 0, new Uint8Array(1))
  })
  await withIdentity(db, async (tx) => {
    await insertSession(tx, { userId, accountId, hash: hash() })
  })
  return { accountId, userId }
}

async function listTables(): Promise<readonly string[]> {
  const { rows } = await sql<{ relname: string }>`
    select relname from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')
    order by relname`.execute(db.kysely)
  return rows.map((row) => row.relname).filter((name) => !ALL_NO_TENANT.includes(name))
}

interface Column {
  readonly table: string
  readonly column: string
}

async function listColumns(): Promise<readonly Column[]> {
  const { rows } = await sql<Column>`
    select table_name::text as table, column_name::text as column from information_schema.columns
    where table_schema = 'public' order by table_name, column_name`.execute(db.kysely)
  assert.ok(rows.length > 100)
  return rows
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
    guarded.map(({ relname }) =>
      NOT_OF_TENANT.includes(relname) ? '' : `${relname}_tenant_policy`,
    ),
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
    from pg_roles where rolname like 'hasmcp\\_%' and rolname not like 'hasmcp\\_test%'
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
    { rolname: 'hasmcp_identity', ...powerless },
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
  const idOf = (table: 'server' | 'tool' | 'membership', tenant = accountId) =>
    withAccount(db, tenant, (tx) => tx.trx.selectFrom(table).select('id').executeTakeFirstOrThrow())
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
  for (const [serverId, membershipId, message] of [
    [server.id, (await idOf('membership', strangerId)).id, 'No such server'],
    [(await idOf('server', strangerId)).id, (await idOf('membership')).id, 'No such membership'],
  ] as const) {
    await assert.rejects(
      withAccount(db, strangerId, (tx) =>
        upsertServerGrant(tx, { serverId, membershipId, level: 'EDIT' }),
      ),
      { code: 'NOT_FOUND', message },
    )
  }
})

test('withGate reads the columns that authentication needs and nothing else', async () => {
  await createFullAccount()
  const open: Readonly<Record<string, readonly string[]>> = {
    account: ['id', 'suspended_at'],
    api_key: [
      'account_id',
      'carries_grants',
      'expires_at',
      'hash',
      'id',
      'person_id',
      'revoked_at',
      'role',
    ],
    membership: ['account_id', 'id', 'person_id', 'role'],
    server_grant: ['account_id', 'level', 'membership_id', 'server_id'],
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
  for (const { table, column } of await listColumns()) {
    const read = withGate(db, (trx) =>
      sql`select ${sql.ref(column)} from ${sql.table(table)}`.execute(trx),
    )
    if (open[table]?.includes(column) === true) assert.ok((await read).rows.length > 0)
    else await assert.rejects(read, { code: '42501' }, `${table}.${column}`)
  }
  for (const table of [...(await listTables()), ...ALL_NO_TENANT]) {
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
  const readable = ['created_at', 'id', 'name', 'suspended_at']
  const denied = { code: '42501' }
  for (const { table, column } of await listColumns()) {
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
  for (const table of [...(await listTables()), ...ALL_NO_TENANT]) {
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

/** What of a table a role may do, a column at a time where it is no more than those. */
interface Rights {
  readonly read?: readonly string[] | 'all'
  readonly update?: readonly string[]
  readonly insert?: true
  readonly delete?: true
}

const OF_IDENTITY: Readonly<Record<string, Rights>> = {
  account: { read: ['created_at', 'id', 'name', 'suspended_at'] },
  membership: { read: 'all' },
  server_grant: { read: 'all' },
  invitation: {
    read: ['accepted_at', 'account_id', 'email_key', 'expires_at', 'id', 'revoked_at'],
  },
  person: { read: 'all', insert: true, update: ['email', 'name', 'picture_url', 'updated_at'] },
  session: {
    read: 'all',
    insert: true,
    update: ['account_id', 'hash', 'last_used_at'],
    delete: true,
  },
  signing_key: { read: 'all', insert: true, update: ['retired_at'] },
  used_token: { read: 'all', insert: true },
}

const OF_TENANT: Readonly<Record<string, Rights>> = {
  person: { read: 'all' },
  session: { read: ['account_id', 'person_id'], delete: true },
  signing_key: {},
  used_token: {},
}

/** Tries everything with each of the tables, and finds that it is what the rights say. */
async function assertRights(
  rights: Readonly<Record<string, Rights>>,
  tables: readonly string[],
  run: (statement: RawBuilder<unknown>) => Promise<unknown>,
): Promise<void> {
  const assertOne = async (isOpen: boolean, statement: RawBuilder<unknown>, name: string) => {
    const code = await run(statement).then(
      () => '',
      (error: unknown) => (error as { readonly code?: string }).code,
    )
    assert.equal(code !== '42501', isOpen, `${name}: ${code}`)
  }
  for (const { table, column } of await listColumns()) {
    if (!tables.includes(table)) continue
    const { read = [], update = [] } = rights[table] ?? {}
    const [name, at] = [sql.table(table), sql.ref(column)]
    const isReadable = read === 'all' || read.includes(column)
    await assertOne(isReadable, sql`select ${at} from ${name}`, `read ${table}.${column}`)
    // Of no row: what a role may do is asked before what the rows are.
    const change = sql`update ${name} set ${at} = null where false`
    await assertOne(update.includes(column), change, `update ${table}.${column}`)
  }
  for (const table of tables) {
    const [name, { insert, delete: isDeletable }] = [sql.table(table), rights[table] ?? {}]
    await assertOne(insert === true, sql`insert into ${name} default values`, `insert ${table}`)
    await assertOne(isDeletable === true, sql`delete from ${name} where false`, `delete ${table}`)
    await assertOne(false, sql`truncate ${name}`, `truncate ${table}`)
  }
}

test('withIdentity knows people and where they belong, and nothing that is in an account', async () => {
  const { accountId } = await createFullTenant()
  await assertRights(OF_IDENTITY, [...(await listTables()), ...ALL_NO_TENANT], (statement) =>
    withIdentity(db, ({ trx }) => statement.execute(trx)),
  )
  const found = await withIdentity(db, ({ trx }) => count(trx, 'session'))
  assert.ok(found > 0, accountId)
})

test('a tenant sees the people who are its members, may end their sessions in it, and no more', async () => {
  const [mine, theirs] = [await createFullTenant(), await createFullTenant()]
  const { accountId, userId } = mine
  // The same person elsewhere, too, and somebody who is nowhere.
  await withAccount(db, theirs.accountId, (tx) => insertMembership(tx, { userId, role: 'OWNER' }))
  const credential = () => hashCredential(newCredential('hmb'))
  await withIdentity(db, async (tx) => {
    const nobody = { email: 'nobody@x', emailKey: 'nobody@x', name: 'N', pictureUrl: null }
    const { id } = await upsertUser(tx, nobody)
    await insertSession(tx, { userId: id, accountId: null, hash: credential() })
    await insertSession(tx, { userId, accountId: theirs.accountId, hash: credential() })
  })
  assert.equal(await useToken(db, newId('doc'), new Date(Date.now() + 60_000)), true)
  await assertRights(OF_TENANT, NOT_OF_TENANT, (statement) =>
    withAccount(db, accountId, ({ trx }) => statement.execute(trx)),
  )
  const seen = await withAccount(db, accountId, async ({ trx }) => ({
    people: await trx.selectFrom('person').select('id').execute(),
    sessions: await trx.selectFrom('session').select(['account_id', 'person_id']).execute(),
  }))
  assert.deepEqual(seen, {
    people: [{ id: userId }],
    sessions: [{ account_id: accountId, person_id: userId }],
  })
  const countSessions = () => withIdentity(db, ({ trx }) => count(trx, 'session'))
  const before = await countSessions()
  await withAccount(db, accountId, ({ trx }) => trx.deleteFrom('session').execute())
  assert.equal(await countSessions(), before - 1)
  for (const tenant of ['', `${accountId}' or true`]) {
    for (const table of ['person', 'session']) {
      assert.equal(await asRole('hasmcp_tenant', tenant, (trx) => count(trx, table)), 0, table)
    }
  }
})

test('withPurge reads nothing', async () => {
  for (const table of [...(await listTables()), ...ALL_NO_TENANT]) {
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

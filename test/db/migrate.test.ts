// The schema is made once, by whoever is first, and never by code that is older than it.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

import { sql } from 'kysely'

import { openDatabase, type DatabaseOptions } from '../../db/client.ts'
import {
  asAdministrator,
  createEmptyDatabaseUrl,
  createEmptyDir,
  createTestDatabase,
  testDatabaseKind,
} from '../support/database.ts'

const run = promisify(execFile)
const SCRIPT = fileURLToPath(new URL('../support/database-process.ts', import.meta.url))
const onlyServer = { skip: testDatabaseKind === 'embedded' && 'TEST_DATABASE_URL is not set' }

test('migrations run once', async (t) => {
  const options: DatabaseOptions =
    testDatabaseKind === 'embedded'
      ? { dataDir: createEmptyDir(t) }
      : { dataDir: '', databaseUrl: await createEmptyDatabaseUrl(t) }
  const messages: string[] = []
  const onLog = (level: string, message: string): void => {
    messages.push(`${level}: ${message}`)
  }
  for (let turn = 0; turn < 2; turn += 1) {
    const db = await openDatabase({ ...options, onLog })
    const { rows } = await sql<{ name: string }>`
      select name from hasmcp_migration order by name`.execute(db.kysely)
    await db.close()
    assert.deepEqual(rows, [
      { name: '0001-create-tables' },
      { name: '0002-add-account-suspension' },
      { name: '0003-add-idempotency-key' },
      { name: '0004-add-variable' },
      { name: '0005-add-own-tool' },
      { name: '0006-add-interceptor' },
      { name: '0007-add-prompt-and-resource' },
      { name: '0008-add-client-option' },
      { name: '0009-add-person' },
    ])
  }
  assert.deepEqual(messages, ['info: The schema of the database was changed by 9 migrations'])
})

test('every constraint and index is named after its table and columns', async (t) => {
  const db = await openDatabase(await createTestDatabase(t))
  t.after(() => db.close())
  const { rows } = await sql<{ conname: string; relname: string }>`
    select conname, relname from pg_constraint join pg_class on pg_class.oid = conrelid
    where pg_class.relnamespace = 'public'::regnamespace and relname not like 'hasmcp%'
      and contype in ('c', 'f', 'p', 'u')
    union all select c.relname, t.relname from pg_index
      join pg_class c on c.oid = indexrelid join pg_class t on t.oid = indrelid
    where t.relnamespace = 'public'::regnamespace and t.relname not like 'hasmcp%'`.execute(
    db.kysely,
  )
  assert.ok(rows.length > 50)
  const isNamed = ({ conname, relname }: { conname: string; relname: string }): boolean =>
    conname.startsWith(`${relname}_`) && /_(pkey|key|fkey|check|idx)$/.test(conname)
  assert.deepEqual(
    rows.filter((row) => !isNamed(row)),
    [],
  )
})

test('four processes migrate an empty database at once', onlyServer, async (t) => {
  const url = await createEmptyDatabaseUrl(t)
  const runtimeOptions = 'Deno' in globalThis ? ['run', '-A'] : []
  const outputs = await Promise.all(
    Array.from({ length: 4 }, () =>
      run(process.execPath, [...runtimeOptions, SCRIPT, 'close', '', url]),
    ),
  )
  assert.deepEqual(
    outputs.map(({ stdout }) => stdout),
    ['open\n', 'open\n', 'open\n', 'open\n'],
  )
})

test('a database of a newer version is refused', async (t) => {
  const options = await createTestDatabase(t)
  const db = await openDatabase(options)
  await sql`insert into hasmcp_migration (name, timestamp) values ('9999-from-the-future', '')`.execute(
    db.kysely,
  )
  await db.close()
  await assert.rejects(openDatabase(options), {
    name: 'StartError',
    code: 'START_REFUSED',
    message:
      'The database was changed by a newer version of HasMCP ' +
      '(migration "9999-from-the-future"): start that version, or restore a backup from before it',
  })
})

test('openDatabase says why a server cannot be used, without the password', async (t) => {
  const real = new URL(process.env['TEST_DATABASE_URL'] ?? 'postgres://user@127.0.0.1:1/name')
  const refused = { code: 'START_REFUSED' }
  await assert.rejects(
    openDatabase({ dataDir: '', databaseUrl: 'postgres://me:topsecret@127.0.0.1:1/mine' }),
    {
      ...refused,
      message: 'Cannot use the database "mine" at 127.0.0.1:1: nothing listens there',
    },
  )
  await assert.rejects(
    openDatabase({ dataDir: '', databaseUrl: 'postgres://me:topsecret@no-such-host.invalid/mine' }),
    {
      ...refused,
      message: /^Cannot use the database "mine" at no-such-host\.invalid:5432: the host name /,
    },
  )
  for (const databaseUrl of [
    'mysql://me:topsecret@127.0.0.1/mine',
    'topsecret',
    '127.0.0.1:5432',
  ]) {
    await assert.rejects(openDatabase({ dataDir: '', databaseUrl }), {
      ...refused,
      message: 'DATABASE_URL must read postgres://user:password@host:port/name',
    })
  }
  if (testDatabaseKind === 'embedded') {
    t.diagnostic('TEST_DATABASE_URL is not set: what a server says is left out')
    return
  }
  real.pathname = '/no_such_database'
  await assert.rejects(openDatabase({ dataDir: '', databaseUrl: real.href }), {
    ...refused,
    message: `Cannot use the database "no_such_database" at ${real.host}: there is no such database`,
  })
})

test(
  'a login that may not create roles is told what an administrator should run',
  onlyServer,
  async (t) => {
    const login = `hasmcp_test_weak_${process.pid}`
    // The roles are the server's: this makes them, if no other test has.
    const made = await openDatabase(await createTestDatabase(t))
    await made.close()
    const url = new URL(await createEmptyDatabaseUrl(t))
    const owner = url.username
    await asAdministrator(async (sqlAdmin) => {
      await sqlAdmin.unsafe(`create role ${login} login; grant ${login} to ${owner}`)
      await sqlAdmin.unsafe(`alter database ${url.pathname.slice(1)} owner to ${login}`)
    })
    t.after(() =>
      asAdministrator(async (sqlAdmin) => {
        await sqlAdmin.unsafe(`reassign owned by ${login} to ${owner}; drop role ${login}`)
      }),
    )
    url.username = login
    await assert.rejects(openDatabase({ dataDir: '', databaseUrl: url.href }), {
      code: 'START_REFUSED',
      message:
        'The login of DATABASE_URL may not create or take the roles that keep accounts apart. ' +
        'Let an administrator run: ' +
        ['hasmcp_tenant', 'hasmcp_gate', 'hasmcp_purge', 'hasmcp_operator', 'hasmcp_identity']
          .map((role) => `grant ${role} to ${login};`)
          .join(' '),
    })
  },
)

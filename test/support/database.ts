// A database for one test, at the newest schema and empty: the embedded one, or, where
// TEST_DATABASE_URL names a server, a database of its own there. Both are copies of one that is
// prepared once for each state of the migrations, as preparing takes seconds and copying does not.
import { createHash, randomBytes } from 'node:crypto'
import { cpSync, existsSync, mkdtempSync, readFileSync, readdirSync, renameSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import postgres from 'postgres'

import { openDatabase, type Database, type DatabaseOptions } from '../../db/client.ts'
import { readText } from '../../db/database-error.ts'

/** As much of a test's context as is needed here. */
export interface Cleanup {
  after(work: () => unknown): void
}

/** `postgres` where TEST_DATABASE_URL is set. */
export const testDatabaseKind: Database['kind'] =
  process.env['TEST_DATABASE_URL'] === undefined ? 'embedded' : 'postgres'

/**
 * An open database, closed and deleted after the test. A file whose tests need no more than an
 * account each opens one for all of them: `await openTestDatabase({ after })` of `node:test`.
 */
export async function openTestDatabase(t: Cleanup): Promise<Database> {
  const options = await createTestDatabase(t)
  const db = await openDatabase(options)
  t.after(() => db.close())
  return db
}

/** What opens a new, prepared database; it is deleted after the test. */
export async function createTestDatabase(t: Cleanup): Promise<DatabaseOptions> {
  return testDatabaseKind === 'embedded'
    ? { dataDir: await createTestDataDir(t) }
    : { dataDir: '', databaseUrl: await createTestDatabaseUrl(t) }
}

/** The environment that starts the product on a new, prepared database. */
export async function createTestStorage(t: Cleanup): Promise<Readonly<Record<string, string>>> {
  const { dataDir, databaseUrl } = await createTestDatabase(t)
  if (databaseUrl === undefined) return { DATA_DIR: dataDir }
  return { DATA_DIR: createEmptyDir(t), DATABASE_URL: databaseUrl }
}

/** A data directory with a prepared embedded database; deleted after the test. */
export async function createTestDataDir(t: Cleanup): Promise<string> {
  const prepared = join(tmpdir(), `hasmcp-test-${process.getuid?.() ?? 0}-${schemaHash()}`)
  if (!existsSync(prepared)) await prepareDataDir(prepared)
  const dataDir = createEmptyDir(t)
  cpSync(prepared, dataDir, { recursive: true })
  return dataDir
}

/** An empty directory; deleted after the test. */
export function createEmptyDir(t: Cleanup): string {
  const directory = mkdtempSync(join(tmpdir(), 'hasmcp-test-'))
  t.after(() => rm(directory, { recursive: true, force: true }))
  return directory
}

/** The URL of a new, prepared database on the server of TEST_DATABASE_URL; dropped after the test. */
export async function createTestDatabaseUrl(t: Cleanup): Promise<string> {
  const template = `hasmcp_template_${schemaHash()}`
  const name = `hasmcp_test_${randomBytes(6).toString('hex')}`
  await asAdministrator(async (sql) => {
    // One process prepares, the others wait: the lock is the session's.
    await sql`select pg_advisory_lock(hashtext(${template}))`
    const found = await sql`select from pg_database where datname = ${template}`
    if (found.length === 0) await prepareTemplate(sql, template)
    await sql`create database ${sql(name)} template ${sql(template)}`
  })
  t.after(() =>
    asAdministrator(async (sql) => {
      await sql`drop database ${sql(name)} with (force)`
    }),
  )
  return databaseUrl(name)
}

/** The URL of a new database without tables on that server; dropped after the test. */
export async function createEmptyDatabaseUrl(t: Cleanup): Promise<string> {
  const name = `hasmcp_test_${randomBytes(6).toString('hex')}`
  await asAdministrator(async (sql) => {
    await sql`create database ${sql(name)}`
  })
  t.after(() =>
    asAdministrator(async (sql) => {
      await sql`drop database ${sql(name)} with (force)`
    }),
  )
  return databaseUrl(name)
}

/** Runs `work` on the server of TEST_DATABASE_URL, in the database that it names. */
export async function asAdministrator<T>(work: (sql: postgres.Sql) => Promise<T>): Promise<T> {
  const sql = postgres(process.env['TEST_DATABASE_URL'] ?? '', { max: 1, onnotice: () => {} })
  try {
    return await work(sql)
  } finally {
    await sql.end()
  }
}

// Built aside and renamed: whoever sees it sees all of it, and one of two builders wins.
async function prepareDataDir(prepared: string): Promise<void> {
  const building = mkdtempSync(`${prepared}-`)
  const db = await openDatabase({ dataDir: building })
  await db.close()
  // template1 and template0, by their fixed numbers: two thirds of the files, which nothing here
  // makes databases of.
  for (const template of ['1', '4']) {
    await rm(join(building, 'database', 'base', template), { recursive: true })
  }
  try {
    renameSync(building, prepared)
  } catch (error) {
    if (!['EEXIST', 'ENOTEMPTY'].includes(readText(error, 'code'))) throw error
    await rm(building, { recursive: true, force: true })
  }
}

async function prepareTemplate(sql: postgres.Sql, template: string): Promise<void> {
  const building = `hasmcp_building_${randomBytes(6).toString('hex')}`
  await sql`create database ${sql(building)}`
  const db = await openDatabase({ dataDir: '', databaseUrl: databaseUrl(building) })
  await db.close()
  await sql`select pg_terminate_backend(pid) from pg_stat_activity where datname = ${building}`
  await sql`alter database ${sql(building)} rename to ${sql(template)}`
}

function databaseUrl(name: string): string {
  const url = new URL(process.env['TEST_DATABASE_URL'] ?? '')
  url.pathname = `/${name}`
  return url.href
}

function schemaHash(): string {
  const hash = createHash('sha256')
  const add = (path: string): void => {
    hash.update(readFileSync(new URL(path, import.meta.url)))
  }
  for (const file of readdirSync(new URL('../../db/migrations/', import.meta.url)).toSorted()) {
    add(`../../db/migrations/${file}`)
  }
  add('../../db/role.ts')
  add('../../node_modules/@electric-sql/pglite/package.json')
  return hash.digest('hex').slice(0, 16)
}

// Brings the schema to what this code expects. The migrations are a list in the code and not the
// files of a directory, so that what runs is what was checked; Kysely's lock, an advisory one,
// lets one process do it while the others wait.
import { sql, type Kysely } from 'kysely'
import { Migrator, type Migration } from 'kysely/migration'

import { StartError } from './errors.ts'
import { up as createTables } from './migrations/0001-create-tables.ts'
import { up as addAccountSuspension } from './migrations/0002-add-account-suspension.ts'
import { up as addIdempotencyKey } from './migrations/0003-add-idempotency-key.ts'
import { up as addVariable } from './migrations/0004-add-variable.ts'
import { up as addOwnTool } from './migrations/0005-add-own-tool.ts'
import { up as addInterceptor } from './migrations/0006-add-interceptor.ts'
import { up as addPromptAndResource } from './migrations/0007-add-prompt-and-resource.ts'
import { up as addClientOption } from './migrations/0008-add-client-option.ts'
import { up as addPerson } from './migrations/0009-add-person.ts'
import { ensureRoles } from './role.ts'

const MIGRATIONS: Readonly<Record<string, Migration>> = {
  '0001-create-tables': { up: createTables },
  '0002-add-account-suspension': { up: addAccountSuspension },
  '0003-add-idempotency-key': { up: addIdempotencyKey },
  '0004-add-variable': { up: addVariable },
  '0005-add-own-tool': { up: addOwnTool },
  '0006-add-interceptor': { up: addInterceptor },
  '0007-add-prompt-and-resource': { up: addPromptAndResource },
  '0008-add-client-option': { up: addClientOption },
  '0009-add-person': { up: addPerson },
}

const TABLE = 'hasmcp_migration'

/**
 * Runs the migrations that have not run, all in one transaction. Answers how many did.
 * @throws {StartError} START_REFUSED when the schema is newer than this code, or may not be changed
 */
export async function migrate(kysely: Kysely<never>): Promise<number> {
  await ensureRoles(kysely)
  await refuseNewer(kysely)
  const migrator = new Migrator({
    db: kysely,
    provider: { getMigrations: () => Promise.resolve({ ...MIGRATIONS }) },
    migrationTableName: TABLE,
    migrationLockTableName: `${TABLE}_lock`,
  })
  const { error, results = [] } = await migrator.migrateToLatest()
  if (error !== undefined) {
    // A process with newer code may have migrated since the check above.
    await refuseNewer(kysely)
    throw error
  }
  return results.filter((result) => result.status === 'Success').length
}

async function refuseNewer(kysely: Kysely<never>): Promise<void> {
  const { rows: tables } = await sql`select where to_regclass(${TABLE}) is not null`.execute(kysely)
  if (tables.length === 0) return
  const { rows } = await sql<{ name: string }>`
    select name from ${sql.table(TABLE)} order by name desc`.execute(kysely)
  const unknown = rows.find((row) => !Object.hasOwn(MIGRATIONS, row.name))
  if (unknown === undefined) return
  throw new StartError(
    `The database was changed by a newer version of HasMCP (migration "${unknown.name}"): ` +
      'start that version, or restore a backup from before it',
  )
}

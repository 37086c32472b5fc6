// The roles that transactions step down to. They belong to the server and not to one database, so
// that several databases and processes may create them at once; nobody can log in as one of them.
import { sql, type Kysely } from 'kysely'

import { readText } from './database-error.ts'
import { StartError } from './errors.ts'

const ROLES = [
  'hasmcp_tenant',
  'hasmcp_gate',
  'hasmcp_purge',
  'hasmcp_operator',
  'hasmcp_identity',
] as const

const INSUFFICIENT_PRIVILEGE = '42501'

/**
 * Sees to it that the roles exist, that they bypass nothing and that this login may take them.
 * @throws {StartError} START_REFUSED with the statements that an administrator should run
 */
export async function ensureRoles(kysely: Kysely<never>): Promise<void> {
  try {
    for (const role of ROLES) await ensureRole(kysely, role)
  } catch (error) {
    if (readText(error, 'code') !== INSUFFICIENT_PRIVILEGE) throw error
    throw new StartError(
      'The login of DATABASE_URL may not create or take the roles that keep accounts apart. ' +
        `Let an administrator run: ${await listStatements(kysely)}`,
      { cause: error },
    )
  }
  const { rows } = await sql<{ rolname: string }>`
    select rolname from pg_roles
    where rolname in (${sql.join(ROLES)})
      and (rolsuper or rolbypassrls or rolcanlogin)
    order by rolname`.execute(kysely)
  const role = rows[0]?.rolname
  if (role !== undefined) {
    throw new StartError(
      `The role ${role} could see every account. Let an administrator run: ` +
        `alter role ${role} nosuperuser nobypassrls nologin;`,
    )
  }
}

async function ensureRole(kysely: Kysely<never>, role: (typeof ROLES)[number]): Promise<void> {
  const { rows } = await sql`select from pg_roles where rolname = ${role}`.execute(kysely)
  if (rows.length === 0) {
    // Another process may be doing the same: whoever is second finds the role there.
    await sql
      .raw(`do $$ begin create role ${role} nologin;
        exception when duplicate_object or unique_violation then null; end $$`)
      .execute(kysely)
  }
  if (await canTake(kysely, role)) return
  // Two grants at once: one fails with "tuple concurrently updated", an internal error.
  await sql
    .raw(`do $$ begin grant ${role} to current_user;
      exception when unique_violation or internal_error then null; end $$`)
    .execute(kysely)
}

/** Whether this login may step down to the role: asked by doing it, as rules differ by version. */
async function canTake(kysely: Kysely<never>, role: string): Promise<boolean> {
  try {
    await kysely
      .transaction()
      .execute((trx) => sql`select set_config('role', ${role}, true)`.execute(trx))
    return true
  } catch (error) {
    if (readText(error, 'code') === INSUFFICIENT_PRIVILEGE) return false
    throw error
  }
}

async function listStatements(kysely: Kysely<never>): Promise<string> {
  const { rows } = await sql<{ login: string; roles: string[] }>`
    select quote_ident(current_user) as login, (select coalesce(jsonb_agg(rolname), '[]')
      from pg_roles where rolname like 'hasmcp%') as roles`.execute(kysely)
  const { login = 'current_user', roles = [] } = rows[0] ?? {}
  const statements = ROLES.flatMap((role) => [
    ...(roles.includes(role) ? [] : [`create role ${role};`]),
    `grant ${role} to ${login};`,
  ])
  return statements.join(' ')
}

// An account can be suspended, by a role of its own that is nothing else's: it sees the accounts'
// own rows, all of them, and writes that one column. The tenant's role loses the right to it, so that
// nothing which runs as an account can lift its own suspension.
import { sql, type Kysely } from 'kysely'

const STATEMENTS = [
  'alter table account add column suspended_at timestamptz',
  'revoke insert, update on account from hasmcp_tenant',
  'grant insert (id, name, created_at), update (name) on account to hasmcp_tenant',
  'create policy account_gate_policy on account for select to hasmcp_gate using (true)',
  'grant select (id, suspended_at) on account to hasmcp_gate',
  `create policy account_operator_select_policy on account for select to hasmcp_operator
    using (true)`,
  `create policy account_operator_update_policy on account for update to hasmcp_operator
    using (true) with check (true)`,
  'grant select (id, name, created_at, suspended_at) on account to hasmcp_operator',
  'grant update (suspended_at) on account to hasmcp_operator',
]

/** Adds the column and the rights on it. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db)
}

// Remembers for a day which create made what, so that a client that lost an answer can ask again.
import { sql, type Kysely } from 'kysely'

// After a transaction the setting is '' and not null: neither is anybody.
const TENANT = `nullif(current_setting('hasmcp.account_id', true), '')`

// `result_id` is null only inside of the transaction that makes the result. 16 MiB: more than an
// import's answer can be, 1,000 changes with paths of 2,048 characters.
const STATEMENTS = [
  `create table idempotency_key (
    account_id text collate "C" not null,
    key text collate "C" not null,
    operation text not null,
    input_hash bytea not null,
    result_id text collate "C",
    result text,
    created_at timestamptz not null default now(),
    constraint idempotency_key_pkey primary key (account_id, key),
    constraint idempotency_key_account_id_fkey foreign key (account_id)
      references account (id) on delete cascade,
    constraint idempotency_key_key_check check (char_length(key) between 1 and 255),
    constraint idempotency_key_operation_check check (char_length(operation) between 1 and 64),
    constraint idempotency_key_input_hash_check check (octet_length(input_hash) = 32),
    constraint idempotency_key_result_check check (octet_length(result) <= 16777216)
  )`,
  `create index idempotency_key_account_id_created_at_idx
    on idempotency_key (account_id, created_at)`,
  'alter table idempotency_key enable row level security, force row level security',
  `create policy idempotency_key_tenant_policy on idempotency_key to hasmcp_tenant
    using (account_id = ${TENANT}) with check (account_id = ${TENANT})`,
  'grant select, insert, update, delete on idempotency_key to hasmcp_tenant',
]

/** Creates the table and the rights on it. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db)
}

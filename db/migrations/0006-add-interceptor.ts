// Interceptors: scripts of a tool, or of a server for all its tools.
import { sql, type Kysely } from 'kysely'

// After a transaction the setting is '' and not null: neither is anybody.
const TENANT = `nullif(current_setting('hasmcp.account_id', true), '')`

const STATEMENTS = [
  `create table interceptor (
    id text collate "C" not null,
    account_id text collate "C" not null,
    tool_id text collate "C",
    server_id text collate "C",
    name text collate "C" not null,
    description text not null,
    phase text not null,
    engine text not null,
    code text not null,
    script_hash text not null,
    position integer not null,
    is_enabled boolean not null default true,
    mode text not null,
    on_error text not null,
    methods jsonb not null,
    sees_errors boolean not null,
    output_schema text,
    version integer not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint interceptor_pkey primary key (account_id, id),
    constraint interceptor_account_id_fkey foreign key (account_id)
      references account (id) on delete cascade,
    constraint interceptor_account_id_tool_id_fkey foreign key (account_id, tool_id)
      references tool (account_id, id) on delete cascade,
    constraint interceptor_account_id_server_id_fkey foreign key (account_id, server_id)
      references server (account_id, id) on delete cascade,
    constraint interceptor_owner_check check (num_nonnulls(tool_id, server_id) = 1),
    constraint interceptor_name_check check (char_length(name) between 1 and 80),
    constraint interceptor_description_check check (char_length(description) <= 4096),
    constraint interceptor_phase_check check (phase in ('REQUEST', 'RESPONSE')),
    constraint interceptor_engine_check check (engine in ('JAVASCRIPT', 'JMESPATH')),
    constraint interceptor_code_check check (octet_length(code) between 1 and 65536),
    constraint interceptor_script_hash_check check (script_hash ~ '^[0-9a-f]{64}$'),
    constraint interceptor_position_check check (position between 0 and 1000000),
    constraint interceptor_mode_check check (mode in ('ENFORCE', 'AUDIT')),
    constraint interceptor_on_error_check check (on_error in ('FAIL', 'PASS_THROUGH')),
    constraint interceptor_output_schema_check check (octet_length(output_schema) <= 262144),
    constraint interceptor_methods_check check (jsonb_typeof(methods) = 'array')
  )`,
  'create index interceptor_account_id_tool_id_idx on interceptor (account_id, tool_id)',
  'create index interceptor_account_id_server_id_idx on interceptor (account_id, server_id)',
  'alter table interceptor enable row level security, force row level security',
  `create policy interceptor_tenant_policy on interceptor to hasmcp_tenant
    using (account_id = ${TENANT}) with check (account_id = ${TENANT})`,
  'grant select, insert, update, delete on interceptor to hasmcp_tenant',
]

/** Creates the table and the rights on it. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db)
}

// The first tables, with what guards them: names for all constraints (errors are told apart by
// them), keys that begin with the account, and row-level security that is forced, so that not even
// the owner sees a row without a policy. Identifiers compare by bytes: their order is a promise.
import { sql, type Kysely } from 'kysely'

const STATEMENTS = [
  `create table instance (
    key text not null,
    value text not null,
    constraint instance_pkey primary key (key)
  )`,
  `create table account (
    id text collate "C" not null,
    name text not null,
    created_at timestamptz not null default now(),
    constraint account_pkey primary key (id),
    constraint account_name_check check (char_length(name) between 1 and 100)
  )`,
  `create table api_key (
    id text collate "C" not null,
    account_id text collate "C" not null,
    name text not null,
    hash bytea not null,
    created_at timestamptz not null default now(),
    expires_at timestamptz,
    revoked_at timestamptz,
    constraint api_key_pkey primary key (account_id, id),
    constraint api_key_hash_key unique (hash),
    constraint api_key_account_id_fkey foreign key (account_id)
      references account (id) on delete cascade,
    constraint api_key_name_check check (char_length(name) between 1 and 100),
    constraint api_key_hash_check check (octet_length(hash) = 32)
  )`,
  `create table provider (
    id text collate "C" not null,
    account_id text collate "C" not null,
    name text not null,
    description text not null,
    base_url text not null,
    headers jsonb not null,
    document_url text,
    version integer not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint provider_pkey primary key (account_id, id),
    constraint provider_account_id_name_key unique (account_id, name),
    constraint provider_account_id_fkey foreign key (account_id)
      references account (id) on delete cascade,
    constraint provider_name_check check (char_length(name) between 1 and 100),
    constraint provider_description_check check (char_length(description) <= 10000),
    constraint provider_base_url_check check (char_length(base_url) between 1 and 2048),
    constraint provider_headers_check
      check (jsonb_typeof(headers) = 'object' and octet_length(headers::text) <= 16384),
    constraint provider_document_url_check check (char_length(document_url) between 1 and 2048)
  )`,
  `create table tool_definition (
    account_id text collate "C" not null,
    hash text collate "C" not null,
    definition text not null,
    created_at timestamptz not null default now(),
    constraint tool_definition_pkey primary key (account_id, hash),
    constraint tool_definition_account_id_fkey foreign key (account_id)
      references account (id) on delete cascade,
    constraint tool_definition_hash_check check (hash ~ '^[0-9a-f]{64}$'),
    constraint tool_definition_definition_check check (octet_length(definition) <= 524288)
  )`,
  `create table tool (
    id text collate "C" not null,
    account_id text collate "C" not null,
    provider_id text collate "C" not null,
    name text not null,
    title text not null,
    description text not null,
    method text not null,
    path text not null,
    definition_hash text collate "C" not null,
    position integer not null,
    is_enabled boolean not null default true,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint tool_pkey primary key (account_id, id),
    constraint tool_account_id_provider_id_method_path_key
      unique (account_id, provider_id, method, path),
    constraint tool_account_id_provider_id_name_key
      unique (account_id, provider_id, name) deferrable initially immediate,
    constraint tool_account_id_provider_id_fkey foreign key (account_id, provider_id)
      references provider (account_id, id) on delete cascade,
    constraint tool_account_id_definition_hash_fkey foreign key (account_id, definition_hash)
      references tool_definition (account_id, hash),
    constraint tool_name_check check (name ~ '^[A-Za-z0-9_-]{1,64}$'),
    constraint tool_title_check check (char_length(title) <= 1024),
    constraint tool_description_check check (char_length(description) <= 65536),
    constraint tool_method_check
      check (method in ('GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS')),
    constraint tool_path_check check (char_length(path) between 1 and 2048)
  )`,
  'create index tool_account_id_provider_id_id_idx on tool (account_id, provider_id, id)',
  'create index tool_account_id_definition_hash_idx on tool (account_id, definition_hash)',
  `create table server (
    id text collate "C" not null,
    account_id text collate "C" not null,
    name text not null,
    instructions text not null,
    version integer not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint server_pkey primary key (account_id, id),
    constraint server_account_id_name_key unique (account_id, name),
    constraint server_account_id_fkey foreign key (account_id)
      references account (id) on delete cascade,
    constraint server_name_check check (char_length(name) between 1 and 100),
    constraint server_instructions_check check (char_length(instructions) <= 16384)
  )`,
  `create table server_tool (
    account_id text collate "C" not null,
    server_id text collate "C" not null,
    tool_id text collate "C" not null,
    constraint server_tool_pkey primary key (account_id, server_id, tool_id),
    constraint server_tool_account_id_server_id_fkey foreign key (account_id, server_id)
      references server (account_id, id) on delete cascade,
    constraint server_tool_account_id_tool_id_fkey foreign key (account_id, tool_id)
      references tool (account_id, id) on delete cascade
  )`,
  'create index server_tool_account_id_tool_id_idx on server_tool (account_id, tool_id)',
  `create table server_token (
    id text collate "C" not null,
    account_id text collate "C" not null,
    server_id text collate "C" not null,
    name text not null,
    hash bytea not null,
    created_at timestamptz not null default now(),
    expires_at timestamptz,
    revoked_at timestamptz,
    constraint server_token_pkey primary key (account_id, id),
    constraint server_token_hash_key unique (hash),
    constraint server_token_account_id_server_id_fkey foreign key (account_id, server_id)
      references server (account_id, id) on delete cascade,
    constraint server_token_name_check check (char_length(name) between 1 and 100),
    constraint server_token_hash_check check (octet_length(hash) = 32)
  )`,
  `create index server_token_account_id_server_id_id_idx
    on server_token (account_id, server_id, id)`,
  `create table document (
    id text collate "C" not null,
    account_id text collate "C" not null,
    byte_count integer not null,
    created_at timestamptz not null default now(),
    constraint document_pkey primary key (account_id, id),
    constraint document_account_id_fkey foreign key (account_id)
      references account (id) on delete cascade,
    constraint document_byte_count_check check (byte_count between 0 and 33554432)
  )`,
  'create index document_created_at_idx on document (created_at)',
  `create table document_part (
    account_id text collate "C" not null,
    document_id text collate "C" not null,
    position integer not null,
    bytes bytea not null,
    constraint document_part_pkey primary key (account_id, document_id, position),
    constraint document_part_account_id_document_id_fkey foreign key (account_id, document_id)
      references document (account_id, id) on delete cascade,
    constraint document_part_bytes_check check (octet_length(bytes) between 1 and 262144)
  )`,
]

// Tables of tenants, with the column that names the tenant.
const TENANT_TABLES = [
  ['account', 'id'],
  ['api_key', 'account_id'],
  ['provider', 'account_id'],
  ['tool_definition', 'account_id'],
  ['tool', 'account_id'],
  ['server', 'account_id'],
  ['server_tool', 'account_id'],
  ['server_token', 'account_id'],
  ['document', 'account_id'],
  ['document_part', 'account_id'],
] as const

// After a transaction the setting is '' and not null: neither is anybody.
const TENANT = `nullif(current_setting('hasmcp.account_id', true), '')`

const RIGHTS = [
  `create policy api_key_gate_policy on api_key for select to hasmcp_gate using (true)`,
  `grant select (id, account_id, hash, expires_at, revoked_at) on api_key to hasmcp_gate`,
  `create policy server_token_gate_policy on server_token for select to hasmcp_gate using (true)`,
  `grant select (id, account_id, server_id, hash, expires_at, revoked_at)
    on server_token to hasmcp_gate`,
  `create policy document_purge_policy on document for delete to hasmcp_purge
    using (created_at < now() - interval '1 hour')`,
  `grant delete on document to hasmcp_purge`,
]

/** Creates the tables and the rights on them. */
export async function up(db: Kysely<unknown>): Promise<void> {
  const run = (statement: string) => sql.raw(statement).execute(db)
  for (const statement of STATEMENTS) await run(statement)
  for (const [table, column] of TENANT_TABLES) {
    await run(`alter table ${table} enable row level security, force row level security`)
    await run(`create policy ${table}_tenant_policy on ${table} to hasmcp_tenant
      using (${column} = ${TENANT}) with check (${column} = ${TENANT})`)
    await run(`grant select, insert, update, delete on ${table} to hasmcp_tenant`)
  }
  for (const statement of RIGHTS) await run(statement)
}

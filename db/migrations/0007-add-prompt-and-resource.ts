// Prompts and resources: what a server has besides tools. They go with their server.
import { sql, type Kysely } from 'kysely'

// After a transaction the setting is '' and not null: neither is anybody.
const TENANT = `nullif(current_setting('hasmcp.account_id', true), '')`

const STATEMENTS = [
  `create table prompt (
    id text collate "C" not null,
    account_id text collate "C" not null,
    server_id text collate "C" not null,
    name text collate "C" not null,
    title text not null,
    description text not null,
    arguments jsonb not null,
    messages jsonb not null,
    version integer not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint prompt_pkey primary key (account_id, id),
    constraint prompt_name_key unique (account_id, server_id, name),
    constraint prompt_account_id_fkey foreign key (account_id)
      references account (id) on delete cascade,
    constraint prompt_account_id_server_id_fkey foreign key (account_id, server_id)
      references server (account_id, id) on delete cascade,
    constraint prompt_name_check check (char_length(name) between 1 and 80),
    constraint prompt_title_check check (char_length(title) <= 80),
    constraint prompt_description_check check (char_length(description) <= 4096),
    constraint prompt_arguments_check check (jsonb_typeof(arguments) = 'array'),
    constraint prompt_messages_check check (jsonb_typeof(messages) = 'array')
  )`,
  `create table resource (
    id text collate "C" not null,
    account_id text collate "C" not null,
    server_id text collate "C" not null,
    uri text collate "C" not null,
    is_template boolean not null,
    name text collate "C" not null,
    title text not null,
    description text not null,
    mime_type text not null,
    text text,
    blob bytea,
    tool_id text collate "C",
    arguments jsonb not null,
    variables jsonb not null,
    version integer not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint resource_pkey primary key (account_id, id),
    constraint resource_uri_key unique (account_id, server_id, uri),
    constraint resource_account_id_fkey foreign key (account_id)
      references account (id) on delete cascade,
    constraint resource_account_id_server_id_fkey foreign key (account_id, server_id)
      references server (account_id, id) on delete cascade,
    constraint resource_account_id_tool_id_fkey foreign key (account_id, tool_id)
      references tool (account_id, id) on delete cascade,
    constraint resource_content_check check (num_nonnulls(text, blob, tool_id) = 1),
    constraint resource_uri_check check (char_length(uri) between 1 and 2048),
    constraint resource_name_check check (char_length(name) between 1 and 80),
    constraint resource_title_check check (char_length(title) <= 80),
    constraint resource_description_check check (char_length(description) <= 4096),
    constraint resource_mime_type_check check (char_length(mime_type) <= 165),
    constraint resource_text_check check (octet_length(text) <= 131072),
    constraint resource_blob_check check (octet_length(blob) <= 131072),
    constraint resource_arguments_check check (jsonb_typeof(arguments) = 'object'),
    constraint resource_variables_check check (jsonb_typeof(variables) = 'array')
  )`,
  'create index prompt_account_id_server_id_idx on prompt (account_id, server_id)',
  'create index resource_account_id_server_id_idx on resource (account_id, server_id)',
  'create index resource_account_id_tool_id_idx on resource (account_id, tool_id)',
  ...['prompt', 'resource'].flatMap((table) => [
    `alter table ${table} enable row level security, force row level security`,
    `create policy ${table}_tenant_policy on ${table} to hasmcp_tenant
      using (account_id = ${TENANT}) with check (account_id = ${TENANT})`,
    `grant select, insert, update, delete on ${table} to hasmcp_tenant`,
  ]),
]

/** Creates the tables and the rights on them. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db)
}

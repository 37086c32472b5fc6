// Variables, plain ones and secrets, and the data key under which an account's secrets are encrypted.
// A provider gets query parameters beside its headers, as many APIs want their key there, and an icon.
import { sql, type Kysely } from 'kysely'

// After a transaction the setting is '' and not null: neither is anybody.
const TENANT = `nullif(current_setting('hasmcp.account_id', true), '')`

const STATEMENTS = [
  `create table data_key (
    account_id text collate "C" not null,
    id text collate "C" not null,
    wrapped text not null,
    created_at timestamptz not null default now(),
    constraint data_key_pkey primary key (account_id),
    constraint data_key_account_id_fkey foreign key (account_id)
      references account (id) on delete cascade,
    constraint data_key_wrapped_check check (wrapped ~ '^v1[.][^.]+([.][A-Za-z0-9_-]+){3}$')
  )`,
  // 8,192 characters of four bytes in base64 are 43,691 characters.
  `create table variable (
    id text collate "C" not null,
    account_id text collate "C" not null,
    provider_id text collate "C",
    name text collate "C" not null,
    kind text not null,
    description text not null,
    value text,
    ciphertext text,
    origin text,
    version integer not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint variable_pkey primary key (account_id, id),
    constraint variable_account_id_provider_id_name_key unique (account_id, provider_id, name),
    constraint variable_account_id_fkey foreign key (account_id)
      references account (id) on delete cascade,
    constraint variable_account_id_provider_id_fkey foreign key (account_id, provider_id)
      references provider (account_id, id) on delete cascade,
    constraint variable_name_check check (name ~ '^[A-Za-z_][A-Za-z0-9_]{0,63}$'),
    constraint variable_description_check check (char_length(description) <= 10000),
    constraint variable_value_check check (char_length(value) <= 8192),
    constraint variable_origin_check check (char_length(origin) <= 2048),
    constraint variable_ciphertext_check check (ciphertext ~ '^v1([.][A-Za-z0-9_-]*){4}$'
      and octet_length(ciphertext) <= 65536),
    constraint variable_kind_check check (
      (kind = 'ENV' and value is not null and ciphertext is null and origin is null)
      or (kind = 'SECRET' and value is null and ciphertext is not null))
  )`,
  // To the constraint above no two nulls are alike.
  `create unique index variable_account_id_name_key on variable (account_id, name)
    where provider_id is null`,
  `alter table provider add column query jsonb not null default '{}'`,
  'alter table provider add column icon_url text',
  `alter table provider add constraint provider_icon_url_check
    check (char_length(icon_url) between 1 and 32768)`,
  `alter table provider add constraint provider_query_check
    check (jsonb_typeof(query) = 'object' and octet_length(query::text) <= 16384)`,
]

const TENANT_TABLES = ['data_key', 'variable']

/** Creates the tables, the column, and the rights on them. */
export async function up(db: Kysely<unknown>): Promise<void> {
  const run = (statement: string) => sql.raw(statement).execute(db)
  for (const statement of STATEMENTS) await run(statement)
  for (const table of TENANT_TABLES) {
    await run(`alter table ${table} enable row level security, force row level security`)
    await run(`create policy ${table}_tenant_policy on ${table} to hasmcp_tenant
      using (account_id = ${TENANT}) with check (account_id = ${TENANT})`)
    await run(`grant select, insert, update, delete on ${table} to hasmcp_tenant`)
  }
}

// Tools made by hand beside imported ones, which imports then leave alone; tags to find tools by; and
// how a server shows a tool where that differs from what the tool says of itself.
import { sql, type Kysely } from 'kysely'

const STATEMENTS = [
  'alter table tool add column is_imported boolean not null default true',
  `alter table tool add column variable_names jsonb not null default '[]'`,
  'alter table tool add column annotations jsonb',
  `alter table tool add column tags jsonb not null default '[]'`,
  `alter table tool add constraint tool_variable_names_check
    check (jsonb_typeof(variable_names) = 'array')`,
  `alter table tool add constraint tool_annotations_check
    check (jsonb_typeof(annotations) = 'object' and octet_length(annotations::text) <= 4096)`,
  `alter table tool add constraint tool_tags_check
    check (jsonb_typeof(tags) = 'array' and octet_length(tags::text) <= 16384)`,
  // Operations of a document are known again by these two; what somebody writes may have them twice.
  'alter table tool drop constraint tool_account_id_provider_id_method_path_key',
  `create unique index tool_account_id_provider_id_method_path_key
    on tool (account_id, provider_id, method, path) where is_imported`,
  'alter table server_tool add column name text collate "C"',
  'alter table server_tool add column title text',
  'alter table server_tool add column description text',
  'alter table server_tool add column is_enabled boolean not null default true',
  `alter table server_tool add constraint server_tool_name_check
    check (name ~ '^[A-Za-z0-9_-]{1,64}$')`,
  `alter table server_tool add constraint server_tool_title_check
    check (char_length(title) between 1 and 1024)`,
  `alter table server_tool add constraint server_tool_description_check
    check (char_length(description) <= 65536)`,
  `create unique index server_tool_account_id_server_id_name_key
    on server_tool (account_id, server_id, name) where name is not null`,
]

/** Adds the columns and moves the constraint. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db)
}

// What owners decide about clients: origins of pages and tokens in URLs, headers that pass on, what a
// tool asks its user, and whether its answer is a result of MCP already.
import { sql, type Kysely } from 'kysely'

// `json`, not `jsonb`: the fields of a form stay in their order.
const STATEMENTS = [
  `alter table server add column allowed_origins jsonb not null default '[]',
    add constraint server_allowed_origins_check check (jsonb_typeof(allowed_origins) = 'array')`,
  'alter table server_token add column is_url_allowed boolean not null default false',
  // Authentication reads these columns alone.
  'grant select (is_url_allowed) on server_token to hasmcp_gate',
  `alter table provider add column forwarded_headers jsonb not null default '[]',
    add constraint provider_forwarded_headers_check check (jsonb_typeof(forwarded_headers) = 'array')`,
  `alter table tool add column result_mode text not null default 'CONTENT',
    add column input_requests json not null default '[]',
    add constraint tool_result_mode_check check (result_mode in ('CONTENT', 'MCP_RESULT')),
    add constraint tool_input_requests_check check (json_typeof(input_requests) = 'array')`,
]

/** Adds the columns. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db)
}

// Lists of tools: all of the account, those of a provider or a server, and many of these at once.
import { sql, type RawBuilder } from 'kysely'

import { toJsonb } from './jsonb.ts'
import {
  isAfter,
  orderOf,
  toPageResult,
  type NestedSource,
  type Page,
  type PageResult,
} from './page.ts'
import type { Tool } from './tool.ts'
import type { Tx } from './transaction.ts'

/** Which tools; all that is given must hold. */
export interface ToolFilter {
  readonly providerId?: string | undefined
  readonly serverId?: string | undefined
  /** Whose name or title has this in it, whatever the case of its letters. */
  readonly nameContains?: string | undefined
  readonly method?: string | undefined
  readonly tag?: string | undefined
  readonly isEnabled?: boolean | undefined
}

/** The tools that the filter names, disabled ones included. */
export async function listTools(tx: Tx, page: Page & ToolFilter): Promise<PageResult<Tool>> {
  const { rows } = await sql<Tool>`
    select tool.* from tool where ${sql.join(toConditions(tx, page), sql` and `)}
      and ${isAfter('tool', page)}
    order by ${orderOf('tool', page)} limit ${page.first + 1}`.execute(tx.trx)
  return toPageResult(rows, page)
}

/** How many tools the filter names, disabled ones included. */
export async function countTools(tx: Tx, filter: ToolFilter = {}): Promise<number> {
  const { rows } = await sql<{ count: string }>`
    select count(*) as count from tool
    where ${sql.join(toConditions(tx, filter), sql` and `)}`.execute(tx.trx)
  return Number(rows[0]?.count ?? 0)
}

/** The tools of many providers or servers that the filter names: lists for `listNested`. */
export function toolsOf(tx: Tx, parent: 'provider' | 'server', filter: ToolFilter): NestedSource {
  const conditions = toConditions(tx, filter)
  if (parent === 'provider') {
    return { table: 'tool', conditions: [...conditions, sql`tool.provider_id = parent.id`] }
  }
  const join = sql`join server_tool as chosen on chosen.account_id = tool.account_id
    and chosen.tool_id = tool.id`
  // The account once more: the index begins with it.
  const ofServer = sql`chosen.account_id = ${tx.accountId} and chosen.server_id = parent.id`
  return { table: 'tool', join, conditions: [...conditions, ofServer] }
}

/** The tools with these ids, by their ids; those that the account lacks are left out. */
export async function listToolsById(
  tx: Tx,
  ids: readonly string[],
): Promise<ReadonlyMap<string, Tool>> {
  const { rows } = await sql<Tool>`
    select * from tool where account_id = ${tx.accountId}
      and id in (select jsonb_array_elements_text(${toJsonb(ids)}))`.execute(tx.trx)
  return new Map(rows.map((row) => [row.id, row]))
}

/** The definitions with these keys, by their keys; those that the account lacks are left out. */
export async function listToolDefinitions(
  tx: Tx,
  hashes: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const { rows } = await sql<{ hash: string; definition: string }>`
    select hash, definition from tool_definition where account_id = ${tx.accountId}
      and hash in (select jsonb_array_elements_text(${toJsonb(hashes)}))`.execute(tx.trx)
  return new Map(rows.map(({ hash, definition }) => [hash, definition]))
}

function toConditions(tx: Tx, filter: ToolFilter): RawBuilder<unknown>[] {
  const { providerId, serverId, nameContains, method, tag, isEnabled } = filter
  const conditions = [sql`tool.account_id = ${tx.accountId}`]
  if (method !== undefined) conditions.push(sql`tool.method = ${method}`)
  if (isEnabled !== undefined) conditions.push(sql`tool.is_enabled = ${isEnabled}`)
  if (tag !== undefined) conditions.push(sql`jsonb_exists(tool.tags, ${tag})`)
  if (nameContains !== undefined) {
    // Not LIKE: `%` and `_` in a name are characters like any other.
    conditions.push(sql`strpos(lower(tool.name || ' ' || tool.title), lower(${nameContains})) > 0`)
  }
  if (providerId !== undefined) conditions.push(sql`tool.provider_id = ${providerId}`)
  if (serverId !== undefined) {
    conditions.push(sql`exists (select from server_tool where server_tool.account_id = tool.account_id
      and server_tool.tool_id = tool.id and server_tool.server_id = ${serverId})`)
  }
  return conditions
}

// Tools, as lists and single rows; they come and go by imports only (`import-tools.ts`).
import { sql, type Selectable } from 'kysely'

import { NotFoundError } from './errors.ts'
import { toPageResult, type Page, type PageResult } from './page.ts'
import type { ToolTable } from './tables.ts'
import type { Tx } from './transaction.ts'

/** A tool as a query answers it, without its definition. */
export type Tool = Selectable<ToolTable>

/** Which tools: all of the account, or those of one provider, of one server, or of both. */
export interface ToolFilter {
  readonly providerId?: string | undefined
  readonly serverId?: string | undefined
}

/** The tool, if the account has it. */
export async function findTool(tx: Tx, id: string): Promise<Tool | undefined> {
  return await tx.trx
    .selectFrom('tool')
    .selectAll()
    .where('account_id', '=', tx.accountId)
    .where('id', '=', id)
    .executeTakeFirst()
}

/**
 * The tool.
 * @throws {NotFoundError} NOT_FOUND when the account has no such tool
 */
export async function getTool(tx: Tx, id: string): Promise<Tool> {
  const row = await findTool(tx, id)
  if (row === undefined) throw new NotFoundError(`No tool ${id}`)
  return row
}

/**
 * The tool, offered by its servers or not.
 * @throws {NotFoundError} NOT_FOUND when the account has no such tool
 */
export async function updateTool(
  tx: Tx,
  id: string,
  input: { readonly isEnabled: boolean },
): Promise<Tool> {
  const row = await tx.trx
    .updateTable('tool')
    .set({ is_enabled: input.isEnabled, updated_at: sql<Date>`now()` })
    .where('account_id', '=', tx.accountId)
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirst()
  if (row === undefined) throw new NotFoundError(`No tool ${id}`)
  tx.publish({ noun: 'tool', accountId: tx.accountId, id })
  return row
}

/** The tools that the filter names, disabled ones included. */
export async function listTools(tx: Tx, page: Page & ToolFilter): Promise<PageResult<Tool>> {
  let query = selectTools(tx, page)
    .selectAll()
    .orderBy('tool.id')
    .limit(page.first + 1)
  if (page.after !== undefined) query = query.where('tool.id', '>', page.after)
  return toPageResult(await query.execute(), page)
}

/** How many tools the filter names, disabled ones included. */
export async function countTools(tx: Tx, filter: ToolFilter = {}): Promise<number> {
  const row = await selectTools(tx, filter)
    .select((eb) => eb.fn.countAll<string>().as('count'))
    .executeTakeFirstOrThrow()
  return Number(row.count)
}

/**
 * JSON text of the tool definition with that key, a `ToolDefinition` of `workers/messages.ts`.
 * @throws {NotFoundError} NOT_FOUND when the account has no such definition
 */
export async function getToolDefinition(tx: Tx, hash: string): Promise<string> {
  const row = await tx.trx
    .selectFrom('tool_definition')
    .select('definition')
    .where('account_id', '=', tx.accountId)
    .where('hash', '=', hash)
    .executeTakeFirst()
  if (row === undefined) throw new NotFoundError(`No tool definition ${hash}`)
  return row.definition
}

function selectTools(tx: Tx, { providerId, serverId }: ToolFilter) {
  let query = tx.trx.selectFrom('tool').where('tool.account_id', '=', tx.accountId)
  if (providerId !== undefined) query = query.where('tool.provider_id', '=', providerId)
  if (serverId !== undefined) {
    query = query.where((eb) =>
      eb.exists(
        eb
          .selectFrom('server_tool')
          .select('server_tool.tool_id')
          .whereRef('server_tool.account_id', '=', 'tool.account_id')
          .whereRef('server_tool.tool_id', '=', 'tool.id')
          .where('server_tool.server_id', '=', serverId),
      ),
    )
  }
  return query
}

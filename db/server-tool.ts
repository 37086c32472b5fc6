// Which tools a server has.
import { sql, type Selectable } from 'kysely'

import { naming } from './database-error.ts'
import { NotFoundError } from './errors.ts'
import { toJsonb } from './jsonb.ts'
import { findProvider } from './provider.ts'
import type { RouteTool } from './route.ts'
import { getServer } from './server.ts'
import type { ServerToolTable } from './tables.ts'
import { refuseMissing } from './tool.ts'
import type { Tx } from './transaction.ts'

/**
 * Adds tools, one by one or all that the provider has now; those that the server has already are
 * left alone. Answers how many were added.
 *
 * @throws {NotFoundError} NOT_FOUND when the account lacks the server, the provider or a tool: then
 *   none is added
 */
export async function addServerTools(
  tx: Tx,
  serverId: string,
  choice: { readonly toolIds: readonly string[] } | { readonly providerId: string },
): Promise<number> {
  await getServer(tx, serverId)
  const added =
    'providerId' in choice
      ? await addProvider(tx, serverId, choice.providerId)
      : await addTools(tx, serverId, choice.toolIds)
  if (added > 0) await touchServer(tx, serverId)
  return added
}

async function addProvider(tx: Tx, serverId: string, providerId: string): Promise<number> {
  if ((await findProvider(tx, providerId)) === undefined) {
    throw new NotFoundError(`No provider ${providerId}`)
  }
  const result = await tx.trx
    .insertInto('server_tool')
    .columns(['account_id', 'server_id', 'tool_id'])
    .expression((eb) =>
      eb
        .selectFrom('tool')
        .select(['account_id', eb.val(serverId).as('server_id'), 'id'])
        .where('account_id', '=', tx.accountId)
        .where('provider_id', '=', providerId),
    )
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirstOrThrow()
  return Number(result.numInsertedOrUpdatedRows ?? 0n)
}

async function addTools(tx: Tx, serverId: string, toolIds: readonly string[]): Promise<number> {
  await refuseMissing(tx, toolIds)
  const result = await sql`
    insert into server_tool (account_id, server_id, tool_id)
    select ${tx.accountId}::text, ${serverId}::text, chosen.id
    from jsonb_array_elements_text(${toJsonb(toolIds)}) as chosen (id)
    on conflict do nothing`.execute(tx.trx)
  return Number(result.numAffectedRows ?? 0n)
}

/**
 * Makes the server's tools exactly these. Those that it has keep how it shows them.
 *
 * @throws {NotFoundError} NOT_FOUND when the account lacks the server or a tool: nothing is changed
 */
export async function setServerTools(
  tx: Tx,
  serverId: string,
  toolIds: readonly string[],
): Promise<void> {
  await getServer(tx, serverId)
  const added = await addTools(tx, serverId, toolIds)
  const removed = await sql`
    delete from server_tool
    where account_id = ${tx.accountId} and server_id = ${serverId} and tool_id not in (
      select jsonb_array_elements_text(${toJsonb(toolIds)})
    )`.execute(tx.trx)
  if (added > 0 || (removed.numAffectedRows ?? 0n) > 0n) await touchServer(tx, serverId)
}

/** How a server shows a tool, where that differs from what the tool says of itself. */
export type ServerTool = Selectable<ServerToolTable>

/**
 * Changes how the server shows the tool; null takes a difference back.
 *
 * @throws {NotFoundError} NOT_FOUND when the account lacks the server, or the server the tool
 * @throws {ConflictError} CONFLICT when it shows another tool by that name already
 */
export async function updateServerTool(
  tx: Tx,
  serverId: string,
  toolId: string,
  change: {
    readonly name?: string | null | undefined
    readonly title?: string | null | undefined
    readonly description?: string | null | undefined
    readonly isEnabled?: boolean | undefined
  },
): Promise<ServerTool> {
  const { name, title, description, isEnabled } = change
  await getServer(tx, serverId)
  const row = await naming(
    name ?? undefined,
    tx.trx
      .updateTable('server_tool')
      .set({
        // A column of the key, so that there is always something to set.
        tool_id: toolId,
        ...(name !== undefined && { name }),
        ...(title !== undefined && { title }),
        ...(description !== undefined && { description }),
        ...(isEnabled !== undefined && { is_enabled: isEnabled }),
      })
      .where('account_id', '=', tx.accountId)
      .where('server_id', '=', serverId)
      .where('tool_id', '=', toolId)
      .returningAll()
      .executeTakeFirst(),
  )
  if (row === undefined) throw new NotFoundError(`The server ${serverId} has no tool ${toolId}`)
  await touchServer(tx, serverId)
  return row
}

/** How the server shows these tools; those that it does not have are left out. */
export async function listServerTools(
  tx: Tx,
  serverIds: readonly string[],
  toolIds: readonly string[],
): Promise<readonly ServerTool[]> {
  const { rows } = await sql<ServerTool>`
    select * from server_tool where account_id = ${tx.accountId}
      and server_id in (select jsonb_array_elements_text(${toJsonb(serverIds)}))
      and tool_id in (select jsonb_array_elements_text(${toJsonb(toolIds)}))`.execute(tx.trx)
  return rows
}

/**
 * Takes tools out of the server; those that it does not have are passed over. Answers how many
 * were removed.
 *
 * @throws {NotFoundError} NOT_FOUND when the account has no such server
 */
export async function removeServerTools(
  tx: Tx,
  serverId: string,
  toolIds: readonly string[],
): Promise<number> {
  await getServer(tx, serverId)
  const result = await sql`
    delete from server_tool
    where account_id = ${tx.accountId} and server_id = ${serverId} and tool_id in (
      select jsonb_array_elements_text(${toJsonb(toolIds)})
    )`.execute(tx.trx)
  const removed = Number(result.numAffectedRows ?? 0n)
  if (removed > 0) await touchServer(tx, serverId)
  return removed
}

/** A provider as far as it, or its tools that a server offers, refer to variables. */
export interface Referrer extends Pick<
  RouteTool,
  'provider_id' | 'base_url' | 'headers' | 'query'
> {
  readonly server_id: string
  /** Of the tools' own requests. */
  readonly variable_names: readonly string[]
}

/** The providers of each server's enabled tools, each once a server. */
export async function listReferrers(
  tx: Tx,
  serverIds: readonly string[],
): Promise<readonly Referrer[]> {
  const { rows } = await sql<Referrer>`
    select used.server_id, provider.id as provider_id, base_url, headers, query, used.variable_names
    from provider join (
      select server_tool.server_id, tool.provider_id,
        coalesce(jsonb_agg(distinct one.name) filter (where one.name is not null), '[]')
          as variable_names
      from server_tool
      join tool on tool.account_id = server_tool.account_id and tool.id = server_tool.tool_id
      left join jsonb_array_elements_text(tool.variable_names) as one (name) on true
      where server_tool.account_id = ${tx.accountId} and server_tool.server_id in (
          select jsonb_array_elements_text(${toJsonb(serverIds)}))
        and tool.is_enabled and server_tool.is_enabled
      group by server_tool.server_id, tool.provider_id
    ) as used on used.provider_id = provider.id
    where provider.account_id = ${tx.accountId}
    order by used.server_id, provider.id`.execute(tx.trx)
  return rows
}

async function touchServer(tx: Tx, serverId: string): Promise<void> {
  await tx.trx
    .updateTable('server')
    .set((eb) => ({ version: eb('version', '+', 1), updated_at: sql<Date>`now()` }))
    .where('account_id', '=', tx.accountId)
    .where('id', '=', serverId)
    .execute()
  tx.publish({ noun: 'server', accountId: tx.accountId, id: serverId })
}

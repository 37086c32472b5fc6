// Which tools a server has, and the route that follows from it.
import { sql } from 'kysely'

import { NotFoundError } from './errors.ts'
import { findProvider } from './provider.ts'
import { findServer, getServer, type Server } from './server.ts'
import type { Tx } from './transaction.ts'

/** One tool of a server with all that a call of it needs. */
export interface RouteTool {
  readonly id: string
  readonly name: string
  readonly title: string
  readonly description: string
  readonly definition_hash: string
  /** JSON text of a `ToolDefinition` of `workers/messages.ts`. */
  readonly definition: string
  readonly provider_id: string
  readonly base_url: string
  readonly headers: Record<string, string>
  readonly query: Record<string, string>
}

/** A server with its enabled tools, ascending by id. */
export interface Route {
  readonly server: Server
  readonly tools: readonly RouteTool[]
}

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
  // As JSON text, so that a thousand ids are one parameter.
  const { rows } = await sql<{ id: string; is_found: boolean }>`
    select chosen.id, tool.id is not null as is_found
    from jsonb_array_elements_text(${JSON.stringify(toolIds)}::text::jsonb) as chosen (id)
    left join tool on tool.account_id = ${tx.accountId} and tool.id = chosen.id`.execute(tx.trx)
  const missing = rows.find((row) => !row.is_found)
  if (missing !== undefined) throw new NotFoundError(`No tool ${missing.id}`)
  const result = await sql`
    insert into server_tool (account_id, server_id, tool_id)
    select ${tx.accountId}::text, ${serverId}::text, chosen.id
    from jsonb_array_elements_text(${JSON.stringify(toolIds)}::text::jsonb) as chosen (id)
    on conflict do nothing`.execute(tx.trx)
  return Number(result.numAffectedRows ?? 0n)
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
      select jsonb_array_elements_text(${JSON.stringify(toolIds)}::text::jsonb)
    )`.execute(tx.trx)
  const removed = Number(result.numAffectedRows ?? 0n)
  if (removed > 0) await touchServer(tx, serverId)
  return removed
}

/** The server's route, or `undefined` when the account has no such server. */
export async function findRoute(tx: Tx, serverId: string): Promise<Route | undefined> {
  const server = await findServer(tx, serverId)
  if (server === undefined) return undefined
  const tools = await tx.trx
    .selectFrom('server_tool')
    .innerJoin('tool', (join) =>
      join
        .onRef('tool.account_id', '=', 'server_tool.account_id')
        .onRef('tool.id', '=', 'server_tool.tool_id'),
    )
    .innerJoin('tool_definition', (join) =>
      join
        .onRef('tool_definition.account_id', '=', 'tool.account_id')
        .onRef('tool_definition.hash', '=', 'tool.definition_hash'),
    )
    .innerJoin('provider', (join) =>
      join
        .onRef('provider.account_id', '=', 'tool.account_id')
        .onRef('provider.id', '=', 'tool.provider_id'),
    )
    .select([
      'tool.id',
      'tool.name',
      'tool.title',
      'tool.description',
      'tool.definition_hash',
      'tool_definition.definition',
      'provider.id as provider_id',
      'provider.base_url',
      'provider.headers',
      'provider.query',
    ])
    .where('server_tool.account_id', '=', tx.accountId)
    .where('server_tool.server_id', '=', serverId)
    .where('tool.is_enabled', '=', true)
    .orderBy('tool.id')
    .execute()
  return { server, tools }
}

/** A provider as far as it refers to variables. */
export type Referrer = Pick<RouteTool, 'provider_id' | 'base_url' | 'headers' | 'query'>

/** The providers of the server's enabled tools, each once. */
export async function listReferrers(tx: Tx, serverId: string): Promise<readonly Referrer[]> {
  return await tx.trx
    .selectFrom('provider')
    .select(['id as provider_id', 'base_url', 'headers', 'query'])
    .where('account_id', '=', tx.accountId)
    .where((eb) =>
      eb.exists(
        eb
          .selectFrom('server_tool')
          .innerJoin('tool', (join) =>
            join
              .onRef('tool.account_id', '=', 'server_tool.account_id')
              .onRef('tool.id', '=', 'server_tool.tool_id'),
          )
          .select('tool.id')
          .whereRef('tool.account_id', '=', 'provider.account_id')
          .whereRef('tool.provider_id', '=', 'provider.id')
          .where('server_tool.server_id', '=', serverId)
          .where('tool.is_enabled', '=', true),
      ),
    )
    .orderBy('id')
    .execute()
}

/**
 * The server's route.
 * @throws {NotFoundError} NOT_FOUND when the account has no such server
 */
export async function getRoute(tx: Tx, serverId: string): Promise<Route> {
  const route = await findRoute(tx, serverId)
  if (route === undefined) throw new NotFoundError(`No server ${serverId}`)
  return route
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

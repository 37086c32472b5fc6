// The reads of the call path: all that the calls of a server's tools need, in one statement, so that a
// cold route costs one transaction.
import { sql } from 'kysely'

import type { InputRequest } from './content.ts'
import { NotFoundError } from './errors.ts'
import { toJsonb } from './jsonb.ts'
import { findServer, type Server } from './server.ts'
import type { ToolAnnotations } from './tables.ts'
import type { Tx } from './transaction.ts'

/** One tool of a server with all that a call of it needs. */
export interface RouteTool {
  readonly id: string
  readonly name: string
  readonly title: string
  readonly description: string
  readonly method: string
  readonly path: string
  readonly annotations: ToolAnnotations | null
  readonly variable_names: readonly string[]
  /** As this server shows it; null: as the tool says itself. So the next two. */
  readonly shown_name: string | null
  readonly shown_title: string | null
  readonly shown_description: string | null
  readonly definition_hash: string
  /** JSON text of a `ToolDefinition` of `workers/definition.ts`. */
  readonly definition: string
  readonly provider_id: string
  readonly base_url: string
  readonly headers: Record<string, string>
  readonly query: Record<string, string>
  /** The provider's. */
  readonly icon_url: string | null
  /** Names of clients' headers that the provider is sent. */
  readonly forwarded_headers: readonly string[]
  readonly result_mode: 'CONTENT' | 'MCP_RESULT'
  readonly input_requests: readonly InputRequest[]
}

/** A server with its enabled tools, ascending by id. */
export interface Route {
  readonly server: Server
  readonly tools: readonly RouteTool[]
}

/** The server's route, or `undefined` when the account has no such server. */
export async function findRoute(tx: Tx, serverId: string): Promise<Route | undefined> {
  const server = await findServer(tx, serverId)
  if (server === undefined) return undefined
  const { rows } = await sql<RouteTool>`
    select ${TOOL_COLUMNS}, server_tool.name as shown_name, server_tool.title as shown_title,
      server_tool.description as shown_description
    from server_tool
    join tool on tool.account_id = server_tool.account_id and tool.id = server_tool.tool_id
    ${TOOL_JOINS}
    where server_tool.account_id = ${tx.accountId} and server_tool.server_id = ${serverId}
      and tool.is_enabled and server_tool.is_enabled
    order by tool.id`.execute(tx.trx)
  return { server, tools: rows }
}

/**
 * What a call of the tool needs, whatever servers do with it.
 * @throws {NotFoundError} NOT_FOUND when the account has no such tool
 */
export async function getRouteTool(tx: Tx, toolId: string): Promise<RouteTool> {
  const [row] = await selectRouteTools(tx, [toolId])
  if (row === undefined) throw new NotFoundError(`No tool ${toolId}`)
  return row
}

/** The same of those of many that are enabled, ascending by id. */
export async function listRouteTools(
  tx: Tx,
  toolIds: readonly string[],
): Promise<readonly RouteTool[]> {
  if (toolIds.length === 0) return []
  return await selectRouteTools(tx, toolIds, sql`and tool.is_enabled`)
}

async function selectRouteTools(tx: Tx, toolIds: readonly string[], condition = sql``) {
  const { rows } = await sql<RouteTool>`
    select ${TOOL_COLUMNS}, null as shown_name, null as shown_title, null as shown_description
    from tool ${TOOL_JOINS}
    where tool.account_id = ${tx.accountId} and tool.id in (
      select jsonb_array_elements_text(${toJsonb(toolIds)})) ${condition}
    order by tool.id`.execute(tx.trx)
  return rows
}

const TOOL_COLUMNS =
  sql.raw(`tool.id, tool.name, tool.title, tool.description, tool.method, tool.path,
  tool.annotations, tool.variable_names, tool.definition_hash, tool_definition.definition,
  provider.id as provider_id, provider.base_url, provider.headers, provider.query, provider.icon_url,
  provider.forwarded_headers, tool.result_mode, tool.input_requests`)

const TOOL_JOINS = sql.raw(`
  join tool_definition on tool_definition.account_id = tool.account_id
    and tool_definition.hash = tool.definition_hash
  join provider on provider.account_id = tool.account_id and provider.id = tool.provider_id`)

/**
 * The server's route.
 * @throws {NotFoundError} NOT_FOUND when the account has no such server
 */
export async function getRoute(tx: Tx, serverId: string): Promise<Route> {
  const route = await findRoute(tx, serverId)
  if (route === undefined) throw new NotFoundError(`No server ${serverId}`)
  return route
}

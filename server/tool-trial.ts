// Calls a tool for GraphQL, on the same path as MCP: what somebody tries is what a model will get.
import type { Database } from '../db/client.ts'
import { NotFoundError } from '../db/errors.ts'
import { getRoute, getRouteTool } from '../db/route.ts'
import { withAccount, type Tx } from '../db/transaction.ts'
import type { Context } from '../schema/context.ts'
import { buildRoute, buildRouteTool, type Route, type RouteTool } from './mcp/build-route.ts'
import { loadParts } from './mcp/load-parts.ts'
import type { CallTool } from './mcp/tool.ts'

interface Target {
  readonly route: Pick<Route, 'accountId' | 'dataKey'>
  readonly tool: RouteTool
}

/** What resolvers call tools by. */
export function createToolTrial(db: Database, call: CallTool): Context['callTool'] {
  return async ({ accountId, toolId, serverId, argumentsText, signal }) => {
    const target = await withAccount(db, accountId, (tx) =>
      serverId === undefined ? openTool(tx, toolId) : openServerTool(tx, serverId, toolId),
    )
    return await call({ ...target, argumentsText, signal })
  }
}

async function openTool(tx: Tx, toolId: string): Promise<Target> {
  const row = await getRouteTool(tx, toolId)
  const parts = await loadParts(tx, [row], undefined)
  const { dataKey } = parts.variables
  return {
    route: { accountId: tx.accountId, dataKey },
    tool: buildRouteTool(row, row.name, parts),
  }
}

async function openServerTool(tx: Tx, serverId: string, toolId: string): Promise<Target> {
  const row = await getRoute(tx, serverId)
  const called = row.tools.filter(({ id }) => id === toolId)
  const route = buildRoute(row, await loadParts(tx, called, serverId))
  const tool = [...route.tools.values()].find(({ id }) => id === toolId)
  if (tool !== undefined) return { route, tool }
  throw new NotFoundError(`The server ${serverId} offers no tool ${toolId}`)
}

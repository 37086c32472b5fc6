// Reads what stands beside the rows of tools, for calls of them: variables and interceptors; and what
// a server has besides tools.
import { listRouteInterceptors } from '../../db/interceptor.ts'
import { listRoutePrompts } from '../../db/prompt.ts'
import { listRouteResources } from '../../db/resource.ts'
import { listRouteTools, type RouteTool } from '../../db/route.ts'
import type { Tx } from '../../db/transaction.ts'
import type { ContentRows } from './build-content.ts'
import { namesInTool, type RouteParts } from './build-route.ts'
import { loadVariables } from './resolve-variable.ts'

/** The parts of a call of these tools, by a client of that server if one is given. */
export async function loadParts(
  tx: Tx,
  tools: readonly RouteTool[],
  serverId: string | undefined,
): Promise<RouteParts> {
  const names = new Set(tools.flatMap(namesInTool))
  const ids = tools.map(({ id }) => id)
  return {
    variables: await loadVariables(tx, [...names]),
    interceptors: await listRouteInterceptors(tx, serverId, ids),
  }
}

/** The prompts and resources of a server, with the tools that its resources are got by. */
export async function loadContent(tx: Tx, serverId: string): Promise<ContentRows> {
  const resources = await listRouteResources(tx, serverId)
  const toolIds = resources.flatMap(({ tool_id: id }) => (id === null ? [] : [id]))
  return {
    prompts: await listRoutePrompts(tx, serverId),
    resources,
    tools: await listRouteTools(tx, [...new Set(toolIds)]),
  }
}

// Reads what stands beside the rows of tools, for calls of them: variables and interceptors.
import { listRouteInterceptors } from '../../db/interceptor.ts'
import type { RouteTool } from '../../db/server-tool.ts'
import type { Tx } from '../../db/transaction.ts'
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

// From the interceptors of a server and its tools to those of one call, in the order in which they run:
// a request passes the server's first and the tool's last, an answer the other way round.
import type { RouteInterceptor } from '../../db/interceptor.ts'
import type { CallInterceptor, Interception } from '../../workers/messages.ts'
import { outputSchemaOf } from '../../workers/call/output-schema.ts'
import type { Script } from '../../workers/script.ts'

/** What a call of a tool runs through, and the scripts by which. */
export interface RouteInterception extends Interception {
  readonly scripts: readonly Script[]
  /** JSON text of the schema of what comes out of it; undefined where that is a text. */
  readonly outputSchema: string | undefined
}

interface ShownTool {
  readonly name: string
  readonly method: string
  readonly path: string
  /** Undefined where the tool is called by itself. */
  readonly serverName: string | undefined
}

/** Undefined where the tool has none; `rows` are in the order of their positions. */
export function buildInterception(
  rows: readonly RouteInterceptor[],
  toolId: string,
  { name, method, path, serverName }: ShownTool,
): RouteInterception | undefined {
  const ofServer = rows.filter((row) => row.tool_id === null)
  const ofTool = rows.filter((row) => row.tool_id === toolId)
  const request = [...ofServer, ...ofTool].filter(
    ({ phase, methods }) => phase === 'REQUEST' && methods.includes(method),
  )
  const response = [...ofTool, ...ofServer].filter(({ phase }) => phase === 'RESPONSE')
  if (request.length + response.length === 0) return undefined
  const scripts = [...request, ...response].map(({ script_hash: hash, code }) => ({ hash, code }))
  return {
    request: request.map(toCallInterceptor),
    response: response.map(toCallInterceptor),
    tool: JSON.stringify({ name, method, path, server: serverName ?? null }),
    scripts,
    outputSchema: outputSchemaOf(response.map(toCallInterceptor)),
  }
}

function toCallInterceptor(row: RouteInterceptor): CallInterceptor {
  return {
    id: row.id,
    name: row.name,
    engine: row.engine === 'JMESPATH' ? 'jmespath' : 'javascript',
    scriptHash: row.script_hash,
    isAudit: row.mode === 'AUDIT',
    passesThrough: row.on_error === 'PASS_THROUGH',
    seesErrors: row.sees_errors,
    ...(row.output_schema === null ? {} : { outputSchema: row.output_schema }),
  }
}

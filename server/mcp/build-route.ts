// From the rows of a server to what its calls need, built once: tools by the names on the wire,
// which must be unique in a server even where two of its providers use one name.
import type { Route as RouteRow, RouteTool as RouteToolRow } from '../../db/route.ts'
import type { InputRequest } from '../../db/content.ts'
import type { ToolAnnotations } from '../../db/tables.ts'
import type { Variable } from '../../db/variable.ts'
import type { WrappedKey } from '../../db/vault.ts'
import { namesOf, pickVariable } from '../../workers/call/pick-variable.ts'
import type { RouteInterceptor } from '../../db/interceptor.ts'
import { buildContent, NO_CONTENT, type ContentRows, type RouteContent } from './build-content.ts'
import { buildInterception, type RouteInterception } from './build-interception.ts'
import type { RouteVariables } from './resolve-variable.ts'

/** One tool, with all that a call of it needs. */
export interface RouteTool {
  readonly id: string
  /** As `tools/list` shows it: unique in the server. */
  readonly name: string
  readonly title: string
  readonly description: string
  /** As the owner said them; what is not said follows from the method. */
  readonly annotations: ToolAnnotations
  /** The provider's icon; undefined where it has none. */
  readonly iconUrl: string | undefined
  readonly definitionHash: string
  /** JSON text of a `ToolDefinition` of `workers/definition.ts`. */
  readonly definition: string
  readonly baseUrl: string
  /** Names of the client's headers that the provider is sent. */
  readonly forwardedHeaders: readonly string[]
  readonly resultMode: RouteToolRow['result_mode']
  /** What the user is asked before a call, in the order of rounds. */
  readonly inputRequests: readonly InputRequest[]
  /** The provider's default headers. */
  readonly headers: Readonly<Record<string, string>>
  /** The provider's default query parameters. */
  readonly query: Readonly<Record<string, string>>
  /** Those that it refers to and that exist, secrets encrypted; undefined where it refers to none. */
  readonly variables: readonly Variable[] | undefined
  /** Undefined where it has none. */
  readonly interception: RouteInterception | undefined
}

/** A server as its calls see it. Immutable: a change makes another one. */
export interface Route extends RouteContent {
  readonly accountId: string
  readonly serverId: string
  readonly name: string
  readonly instructions: string
  /** Of web pages that may speak to it. */
  readonly allowedOrigins: readonly string[]
  /** By name, in the order of their ids, so that a listing never changes by itself. */
  readonly tools: ReadonlyMap<string, RouteTool>
  /** Under which the variables' secrets are encrypted; undefined where there are none. */
  readonly dataKey: WrappedKey | undefined
  /** About the memory that it and its printed listing take. */
  readonly byteCount: number
}

// The bound that tools' own names keep, see ImportedTool in workers/messages.ts.
const MAX_NAME_CHARACTERS = 64
// The last 6 characters of an id are 30 random bits: a second collision is only planned for.
const SHORT_SUFFIX_CHARACTERS = 6
const ID_SUFFIX_CHARACTERS = 26
// Strings of two bytes a character, and the same text again in the printed listing.
const BYTES_PER_CHARACTER = 3

/** What stands beside the rows of a server or a tool. */
export interface RouteParts {
  readonly variables: RouteVariables
  /** Of the server and of its tools, in their order. */
  readonly interceptors: readonly RouteInterceptor[]
}

/** The route that the rows make. */
export function buildRoute(
  row: RouteRow,
  parts: RouteParts,
  content: ContentRows = NO_CONTENT,
): Route {
  const { server } = row
  const { variables, interceptors } = parts
  const names = uniqueNames(row.tools)
  const tools = new Map<string, RouteTool>()
  let characters = 0
  for (const { code } of interceptors) characters += code.length
  for (const [at, toolRow] of row.tools.entries()) {
    const tool = buildRouteTool(toolRow, names[at] ?? toolRow.name, parts, server.name)
    characters += tool.definition.length + tool.description.length + tool.baseUrl.length
    characters += (tool.iconUrl?.length ?? 0) + JSON.stringify(tool.inputRequests).length
    tools.set(tool.name, tool)
  }
  const toTool = (toolRow: RouteToolRow) =>
    buildRouteTool(toolRow, toolRow.name, parts, server.name)
  const { prompts, resources, templates, characterCount } = buildContent(content, toTool)
  characters += characterCount
  return {
    accountId: server.account_id,
    serverId: server.id,
    name: server.name,
    instructions: server.instructions,
    allowedOrigins: server.allowed_origins,
    tools,
    prompts,
    resources,
    templates,
    dataKey: variables.dataKey,
    byteCount: characters * BYTES_PER_CHARACTER,
  }
}

/** One tool of it, under that name; without a server it is called by itself. */
export function buildRouteTool(
  row: RouteToolRow,
  name: string,
  { variables: { rows }, interceptors }: RouteParts,
  serverName?: string,
): RouteTool {
  const referred = namesInTool(row)
  const { method, path } = row
  return {
    id: row.id,
    name,
    title: row.shown_title ?? row.title,
    description: row.shown_description ?? row.description,
    annotations: row.annotations ?? {},
    forwardedHeaders: row.forwarded_headers,
    resultMode: row.result_mode,
    inputRequests: row.input_requests,
    iconUrl: row.icon_url ?? undefined,
    definitionHash: row.definition_hash,
    definition: row.definition,
    baseUrl: row.base_url,
    headers: row.headers,
    query: row.query,
    variables:
      referred.length === 0
        ? undefined
        : referred.flatMap((one) => pickVariable(rows, row.provider_id, one) ?? []),
    interception: buildInterception(interceptors, row.id, { name, method, path, serverName }),
  }
}

/** The variables that the tool or its provider refers to, each once. */
export function namesInTool(row: RouteToolRow): string[] {
  return [...new Set([...namesOf(row), ...row.variable_names])]
}

interface Named {
  readonly id: string
  readonly name: string
  readonly shown_name: string | null
}

/**
 * A name that the server's owner chose is taken as it is. Every other tool keeps its own where no
 * other has it; all that share one get the end of their id. Not even the first keeps it: with another
 * tool gone, a name that a client remembers must lead to nothing rather than to a different operation.
 */
function uniqueNames(tools: readonly Named[]): string[] {
  const counts = new Map<string, number>()
  for (const { name, shown_name: shown } of tools) {
    counts.set(shown ?? name, (counts.get(shown ?? name) ?? 0) + 1)
  }
  const taken = new Set(counts.keys())
  return tools.map(({ id, name, shown_name: shown }) => {
    if (shown !== null) return shown
    if (counts.get(name) === 1) return name
    const short = withSuffix(name, id.slice(-SHORT_SUFFIX_CHARACTERS))
    const unique = taken.has(short) ? withSuffix(name, id.slice(-ID_SUFFIX_CHARACTERS)) : short
    taken.add(unique)
    return unique
  })
}

function withSuffix(name: string, suffix: string): string {
  return `${name.slice(0, MAX_NAME_CHARACTERS - suffix.length - 1)}_${suffix}`
}

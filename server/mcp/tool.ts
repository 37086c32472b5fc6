// tools/list and tools/call, which both eras share: they differ in what stands around the members
// that are made here.
import type { CallOutcome, CallTask } from '../../workers/messages.ts'
import type { Route, RouteTool } from './build-route.ts'
import { pickClientHeaders } from './client-header.ts'
import type { Caller } from './era.ts'
import { readAfter } from './list-page.ts'
import { INTERNAL_ERROR, INVALID_PARAMS, RpcError, kindOf, shown } from './rpc-error.ts'
import { type JsonObject, type RpcRequest, isJsonObject } from './json-rpc.ts'
import type { OnProgress } from './progress.ts'
import { listName, type ToolPages } from './tool-page.ts'

/** The outcome of a call that a thread knew the tool of. */
export type CallResult = Extract<CallOutcome, { type: 'result' }>

/** Runs one call somewhere else. It rejects only when the call could not be run at all. */
export type CallTool = (input: {
  readonly route: Pick<Route, 'accountId' | 'dataKey'>
  readonly tool: RouteTool
  /** JSON text of an object, its numbers as the client wrote them. */
  readonly argumentsText: string
  /** Aborting it aborts the upstream request. */
  readonly signal: AbortSignal
  /** Where the answer is a resource: its members are those of a `ReadResourceResult`. */
  readonly resource?: CallTask['resource']
  /** The client's own that pass on. */
  readonly clientHeaders?: CallTask['clientHeaders']
  /** Told what the upstream says while it streams its answer. */
  readonly onProgress?: OnProgress
}) => Promise<CallResult>

/**
 * A page of the server's tools, as members of a `ListToolsResult`.
 *
 * @throws {RpcError} -32602 when the cursor is none of this list's.
 */
export async function listTools(
  pages: ToolPages,
  cursorKey: Uint8Array,
  route: Route,
  params: JsonObject,
): Promise<Uint8Array> {
  const after = readAfter(cursorKey, listName(route.serverId), 'tools/list', params)
  return await pages.print(route, after)
}

/** A call of a tool that the server has. */
export interface ToolRequest {
  readonly tool: RouteTool
  readonly args: JsonObject
  /** JSON text of the arguments, its numbers as the client wrote them. */
  readonly argumentsText: string
}

/**
 * What the request asks for.
 *
 * @throws {RpcError} -32602 when the server has no such tool or the arguments are no object.
 */
export function readToolRequest(
  { tools }: Route,
  { params, argumentsText }: RpcRequest,
): ToolRequest {
  const { name, arguments: args = {} } = params
  if (typeof name !== 'string') {
    throw new RpcError(INVALID_PARAMS, `params.name is ${kindOf(name)}, expected a tool's name`)
  }
  const tool = tools.get(name)
  if (tool === undefined) throw new RpcError(INVALID_PARAMS, `Unknown tool: ${shown(name)}`)
  if (!isJsonObject(args)) {
    throw new RpcError(INVALID_PARAMS, `params.arguments is ${kindOf(args)}, expected an object`)
  }
  return { tool, args, argumentsText: argumentsText ?? JSON.stringify(args) }
}

/**
 * The result's members; undefined when `signal` was aborted before there were any.
 *
 * @throws {RpcError} -32603 when the process itself ended the call.
 */
export async function callTool(
  call: CallTool,
  caller: Caller,
  { tool, argumentsText }: Pick<ToolRequest, 'tool' | 'argumentsText'>,
  { params, signal, onProgress }: CallContext,
): Promise<Uint8Array | undefined> {
  if (signal.aborted) return undefined
  const clientHeaders = pickClientHeaders(caller, tool, params)
  const result = await call({
    route: caller.route,
    tool,
    argumentsText,
    signal,
    onProgress,
    ...(clientHeaders && { clientHeaders }),
  })
  if (result.failure !== 'CANCELLED') return result.members
  if (signal.aborted) return undefined
  // Nobody asked for it but us: the process is being stopped.
  throw new RpcError(INTERNAL_ERROR, 'The call was cancelled because the server is shutting down', {
    httpStatus: 503,
  })
}

/** What a call knows of its request. */
export interface CallContext {
  readonly params: JsonObject
  readonly signal: AbortSignal
  readonly onProgress: OnProgress
}

/** Members of a result that is an error, in words for the model. */
export function printToolError(text: string): string {
  return `"content":${JSON.stringify([{ type: 'text', text }])},"isError":true`
}

// resources/list, resources/templates/list and resources/read: stored here, or got from an API by the
// same path as a tool call.
import { fillText, MAX_FILLED_CHARACTERS } from '../../schema/placeholder.ts'
import { matchUriTemplate } from '../../schema/uri-template.ts'
import type { RouteResource } from './build-content.ts'
import type { Route } from './build-route.ts'
import { pickClientHeaders } from './client-header.ts'
import type { ContentStore } from './content-store.ts'
import type { Caller } from './era.ts'
import type { JsonObject } from './json-rpc.ts'
import { printList } from './list-page.ts'
import type { Members } from './reply.ts'
import {
  INTERNAL_ERROR,
  INVALID_PARAMS,
  RESOURCE_NOT_FOUND,
  RpcError,
  kindOf,
  shown,
} from './rpc-error.ts'
import type { CallTool } from './tool.ts'

/** The bound on a resource's URI, and room for what its variables stand for. */
const MAX_URI_CHARACTERS = 8_192
const NOT_FOUND = 404

/**
 * A page of the resources that are no templates, as members of a `ListResourcesResult`.
 *
 * @throws {RpcError} -32602 when the cursor is none of this list's.
 */
export function listResources(cursorKey: Uint8Array, route: Route, params: JsonObject): string {
  const entries = [...route.resources.values()].map(({ row }) => ({
    id: row.id,
    shown: {
      uri: row.uri,
      ...describe(row),
      // bigint in one driver and number in the other, and never more than a few digits.
      ...(row.size !== null && { size: Number(row.size) }),
    },
  }))
  const { serverId } = route
  const list = { method: 'resources/list', member: 'resources', serverId, entries }
  return printList(cursorKey, list, params)
}

/**
 * A page of the resource templates, as members of a `ListResourceTemplatesResult`.
 *
 * @throws {RpcError} -32602 when the cursor is none of this list's.
 */
export function listTemplates(cursorKey: Uint8Array, route: Route, params: JsonObject): string {
  const entries = route.templates.map(({ row }) => ({
    id: row.id,
    shown: { uriTemplate: row.uri, ...describe(row) },
  }))
  const { serverId } = route
  const list = {
    method: 'resources/templates/list',
    member: 'resourceTemplates',
    serverId,
    entries,
  }
  return printList(cursorKey, list, params)
}

function describe({ name, title, description, mime_type: mimeType }: RouteResource['row']) {
  return {
    name,
    ...(title && { title }),
    ...(description && { description }),
    ...(mimeType && { mimeType }),
  }
}

/** What reading needs of the process. */
export interface ReadDeps {
  readonly call: CallTool
  readonly content: ContentStore
}

/**
 * The content, as members of a `ReadResourceResult`; undefined when `signal` was aborted before there
 * was any.
 *
 * @throws {RpcError} -32602 when `uri` is no text, or the content with its variables would have more
 *   than {@link MAX_FILLED_CHARACTERS}; -32002 when the server has nothing there; -32603 when the API
 *   that has it does not answer with it.
 */
export async function readResource(
  deps: ReadDeps,
  caller: Caller,
  params: JsonObject,
  signal: AbortSignal,
): Promise<Members | undefined> {
  const { uri } = params
  const { route } = caller
  if (typeof uri !== 'string') {
    throw new RpcError(INVALID_PARAMS, `params.uri is ${kindOf(uri)}, expected a URI`)
  }
  const found = uri.length > MAX_URI_CHARACTERS ? undefined : findResource(route, uri)
  if (found === undefined) throw notFound(uri)
  const { resource, values } = found
  if (resource.row.tool_id !== null) {
    return await callUpstream(deps, caller, { ...params, uri }, found, signal)
  }
  const stored = await deps.content.findResource(route.accountId, resource.row.id)
  if (stored === undefined) throw notFound(uri)
  const { mime_type: mimeType, is_template: isTemplate, text, blob } = stored
  const filled = isTemplate ? fillText(text ?? '', values) : (text ?? '')
  if (filled === undefined) throw tooLarge(uri)
  const content = blob === null ? { text: filled } : { blob: blob.toString('base64') }
  return `"contents":${JSON.stringify([{ uri, ...(mimeType && { mimeType }), ...content }])}`
}

/** A resource, and what its URI says. */
export interface Found {
  readonly resource: RouteResource
  /** Of the template's variables; empty where it is none. */
  readonly values: ReadonlyMap<string, string>
}

/** The resource of that very URI, before the first template that fits. */
export function findResource({ resources, templates }: Route, uri: string): Found | undefined {
  const resource = resources.get(uri)
  if (resource !== undefined) return { resource, values: new Map() }
  for (const one of templates) {
    const values = matchUriTemplate(one.template, uri)
    if (values !== undefined) return { resource: one, values }
  }
  return undefined
}

async function callUpstream(
  deps: ReadDeps,
  caller: Caller,
  params: JsonObject & { readonly uri: string },
  { resource: { row, tool }, values }: Found,
  signal: AbortSignal,
): Promise<Members | undefined> {
  const { uri } = params
  const { route } = caller
  if (tool === undefined) throw failed(`The tool that ${shown(uri)} is got by is switched off`)
  if (signal.aborted) return undefined
  const argumentsText = JSON.stringify({ ...row.arguments, ...Object.fromEntries(values) })
  const resource = { uri, mimeType: row.mime_type }
  const clientHeaders = pickClientHeaders(caller, tool, params)
  const headers = clientHeaders && { clientHeaders }
  const result = await deps.call({ route, tool, argumentsText, signal, resource, ...headers })
  if (result.failure === 'CANCELLED' && signal.aborted) return undefined
  if (!result.isError) return result.members
  if (result.status === NOT_FOUND) throw notFound(uri)
  throw failed(readMessage(result.members))
}

/** What a tool call would tell the model. */
function readMessage(members: Uint8Array): string {
  const { content } = JSON.parse(`{${Buffer.from(members).toString()}}`) as {
    readonly content: readonly { readonly text: string }[]
  }
  return content[0]?.text ?? ''
}

// 200: the request was served, and clients of the older revisions hide the message of any other.
function failed(message: string): RpcError {
  return new RpcError(INTERNAL_ERROR, message, { httpStatus: 200 })
}

function tooLarge(uri: string): RpcError {
  return new RpcError(
    INVALID_PARAMS,
    `The resource ${shown(uri)} has more than ${MAX_FILLED_CHARACTERS} characters, expected shorter variables`,
  )
}

function notFound(uri: string): RpcError {
  return new RpcError(RESOURCE_NOT_FOUND, `Resource not found: ${shown(uri)}`, {
    data: { uri: shown(uri) },
  })
}

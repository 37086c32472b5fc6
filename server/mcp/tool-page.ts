// Pages of tools/list as bytes, printed once for each route: a prompt cache holds only while the
// list stays the same to the byte, and a list of a thousand schemas is megabytes.
import { setImmediate as nextTurn } from 'node:timers/promises'
import { annotateMethod } from '../../workers/openapi/annotate-method.ts'
import type { InputSchema, ToolDefinition } from '../../workers/definition.ts'
import type { Route, RouteTool } from './build-route.ts'
import { isJsonObject } from './json-rpc.ts'
import { printCursor } from '../cursor.ts'

/** 500: 4 MB at 8 KB a schema, and all tools of most servers on one page. */
export const PAGE_TOOLS = 500

// Measured: 50 schemas of 8 KB take 2 to 11 ms to print; then other requests get their turn.
const TOOLS_PER_TURN = 50
// A route has 3 pages at 1,500 tools; other starts come from cursors of an older list.
const MAX_KEPT_PAGES = 16

/** Printed pages of `tools/list`. */
export interface ToolPages {
  /**
   * Members of a `ListToolsResult`: `"tools":[…]`, and `"nextCursor"` unless it is the last page.
   *
   * @param after the id of the tool before the page's first one
   */
  print(route: Route, after: string | undefined): Promise<Uint8Array>
}

/** What the cursors of a server's `tools/list` are signed for. */
export function listName(serverId: string): string {
  return `tools/list ${serverId}`
}

/** `cursorKey` signs the cursors. */
export function createToolPages(cursorKey: Uint8Array): ToolPages {
  const books = new WeakMap<Route, Map<number, Promise<Uint8Array>>>()
  return {
    async print(route, after) {
      const book = books.get(route) ?? new Map<number, Promise<Uint8Array>>()
      books.set(route, book)
      const tools = [...route.tools.values()]
      const start = after === undefined ? 0 : startAfter(tools, after)
      const kept = book.get(start)
      if (kept !== undefined) return await kept
      const page = printPage(cursorKey, route.serverId, tools, start)
      if (book.size < MAX_KEPT_PAGES) book.set(start, page)
      return await page
    },
  }
}

/** A tool that is gone has left its place in the order: ids ascend. */
function startAfter(tools: readonly RouteTool[], after: string): number {
  const at = tools.findIndex((tool) => tool.id > after)
  return at === -1 ? tools.length : at
}

async function printPage(
  cursorKey: Uint8Array,
  serverId: string,
  tools: readonly RouteTool[],
  start: number,
): Promise<Uint8Array> {
  const page = tools.slice(start, start + PAGE_TOOLS)
  const texts: string[] = []
  for (const tool of page) {
    texts.push(printTool(tool))
    if (texts.length % TOOLS_PER_TURN === 0) await nextTurn()
  }
  const last = page.at(-1)
  const isLastPage = last === undefined || start + page.length === tools.length
  const next = isLastPage
    ? ''
    : `,"nextCursor":"${printCursor(cursorKey, listName(serverId), last.id)}"`
  return Buffer.from(`"tools":[${texts.join(',')}]${next}`)
}

function printTool(tool: RouteTool): string {
  const { name, title } = tool
  const { inputSchema: own, method, path } = JSON.parse(tool.definition) as ToolDefinition
  const inputSchema = withoutAsked(own, tool.inputRequests)
  // A model chooses by the description, and some clients refuse a tool without one.
  const description = tool.description || title || `${method} ${path}`
  const annotations = { ...annotateMethod(method), ...tool.annotations }
  const shownTitle = title === '' ? {} : { title }
  const schema = tool.interception?.outputSchema
  const output = schema === undefined ? {} : { outputSchema: JSON.parse(schema) as unknown }
  const icons = tool.iconUrl === undefined ? {} : { icons: [{ src: tool.iconUrl }] }
  const shown = { name, ...shownTitle, description, ...icons, inputSchema, ...output, annotations }
  return JSON.stringify(shown)
}

/** What the user is asked for, a model need not say: it would guess. */
function withoutAsked(schema: InputSchema, requests: RouteTool['inputRequests']): InputSchema {
  if (requests.length === 0 || schema.required === undefined) return schema
  const asked = new Set(
    requests.flatMap(({ requestedSchema }) =>
      isJsonObject(requestedSchema?.['properties'])
        ? Object.keys(requestedSchema['properties'])
        : [],
    ),
  )
  return { ...schema, required: schema.required.filter((name) => !asked.has(name)) }
}

// What both eras ask a server for, by method. They differ in what stands around the members that are
// made here.
import type { Caller, EraDeps } from './era.ts'
import { complete } from './completion.ts'
import type { JsonObject } from './json-rpc.ts'
import { getPrompt, listPrompts } from './prompt.ts'
import type { Members } from './reply.ts'
import { listResources, listTemplates, readResource } from './resource.ts'
import { listTools } from './tool.ts'

/** A method of a server's content. */
export interface Method {
  /** The members of its result; undefined when `signal` was aborted before there were any. */
  readonly answer: (
    caller: Caller,
    params: JsonObject,
    signal: AbortSignal,
  ) => Promise<Members | undefined> | Members
  /** A client of the modern era may keep the result for a while. */
  readonly isCacheable: boolean
}

/** The methods by name; `tools/call` is each era's own. */
export function createMethods(deps: EraDeps): ReadonlyMap<string, Method> {
  const { pages, cursorKey, content } = deps
  const cacheable = (answer: Method['answer']): Method => ({ answer, isCacheable: true })
  const plain = (answer: Method['answer']): Method => ({ answer, isCacheable: false })
  return new Map([
    ['tools/list', cacheable(({ route }, params) => listTools(pages, cursorKey, route, params))],
    ['prompts/list', cacheable(({ route }, params) => listPrompts(cursorKey, route, params))],
    ['prompts/get', plain(({ route }, params) => getPrompt(content, route, params))],
    ['resources/list', cacheable(({ route }, params) => listResources(cursorKey, route, params))],
    [
      'resources/templates/list',
      cacheable(({ route }, params) => listTemplates(cursorKey, route, params)),
    ],
    [
      'resources/read',
      cacheable((caller, params, signal) => readResource(deps, caller, params, signal)),
    ],
    ['completion/complete', plain(({ route }, params) => complete(route, params))],
  ])
}

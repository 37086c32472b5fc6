// What an era is to the endpoint: something that answers one message of a caller who may.
import type { Route } from './build-route.ts'
import type { RpcNotification, RpcRequest } from './json-rpc.ts'
import type { Reply } from './reply.ts'
import type { ContentStore } from './content-store.ts'
import type { CallTool } from './tool.ts'
import type { ToolPages } from './tool-page.ts'

/** One HTTP request of somebody whose token opened `route`. */
export interface Caller {
  readonly route: Route
  readonly tokenId: string
  readonly headers: Headers
  /** Aborts when the client closes the connection. */
  readonly signal: AbortSignal
}

/** Answers one message; it rejects with what is to be answered as an error. */
export type AnswerMessage = (
  caller: Caller,
  message: RpcRequest | RpcNotification,
) => Promise<Reply>

/** What both eras' methods need of the process. */
export interface EraDeps {
  readonly call: CallTool
  readonly content: ContentStore
  readonly pages: ToolPages
  readonly cursorKey: Uint8Array
  /** The product's version. */
  readonly version: string
}

/**
 * Nobody reads this: the connection is closed. 499 is what nginx made customary for it.
 */
export const CLIENT_CLOSED: Reply = { status: 499 }

/**
 * The capabilities of every server, whatever it has now: its owner may add the rest while clients are
 * connected. No change notices are sent yet, so `listChanged` is not claimed.
 */
export const CAPABILITIES = { tools: {}, prompts: {}, resources: {}, completions: {} } as const

/** `Implementation` of the specification: the server under the name that its owner gave it. */
export function serverInfo(route: Route, version: string): { name: string; version: string } {
  return { name: route.name, version }
}

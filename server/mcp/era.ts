// What an era is to the endpoint: something that answers one message of a caller who may.
import type { Route } from './build-route.ts'
import type { RpcNotification, RpcRequest, RpcResponse } from './json-rpc.ts'
import type { Reply } from './reply.ts'
import type { ContentStore } from './content-store.ts'
import type { RpcError } from './rpc-error.ts'
import type { RequestStates } from './request-state.ts'
import type { Session, Sessions } from './session.ts'
import type { StreamHouse } from './stream-house.ts'
import type { CallTool } from './tool.ts'
import type { ToolPages } from './tool-page.ts'

/** One HTTP request of somebody whose token opened `route`. */
export interface Caller {
  readonly route: Route
  readonly tokenId: string
  /** The token itself, to ask again whether it holds. */
  readonly token: string
  /** It stands in the URL; a header `Authorization` is then not ours. */
  readonly isTokenInUrl: boolean
  /** Of the legacy era, where the client named one. */
  readonly session?: Session
  readonly headers: Headers
  /** What a client is told of an error; what is our own fault is logged, and masked. */
  readonly toRpcError: (error: unknown) => RpcError
  /** Aborts when the client closes the connection. */
  readonly signal: AbortSignal
}

/** Answers one message; it rejects with what is to be answered as an error. */
export type AnswerMessage = (
  caller: Caller,
  message: RpcRequest | RpcNotification | RpcResponse,
) => Promise<Reply>

/** What both eras' methods need of the process. */
export interface EraDeps {
  readonly call: CallTool
  readonly content: ContentStore
  readonly pages: ToolPages
  readonly cursorKey: Uint8Array
  readonly sessions: Sessions
  readonly states: RequestStates
  readonly streams: StreamHouse
  /** The product's version. */
  readonly version: string
}

/**
 * Nobody reads this: the connection is closed. 499 is what nginx made customary for it.
 */
export const CLIENT_CLOSED: Reply = { status: 499 }

/**
 * The capabilities of every server, whatever it has now: its owner may add the rest while clients are
 * connected.
 */
export const CAPABILITIES = {
  tools: { listChanged: true },
  prompts: { listChanged: true },
  resources: { subscribe: true, listChanged: true },
  completions: {},
} as const

/** `Implementation` of the specification: the server under the name that its owner gave it. */
export function serverInfo(route: Route, version: string): { name: string; version: string } {
  return { name: route.name, version }
}

// Pages of the lists that a server has besides its tools. They are short: printed when asked for.
import { printCursor, readCursor } from '../cursor.ts'
import type { JsonObject } from './json-rpc.ts'
import { INVALID_PARAMS, RpcError, kindOf, shown } from './rpc-error.ts'

/** 100: everything of most servers. */
export const PAGE_ENTRIES = 100

/** A list as the specification names it. */
export interface List {
  /** The method, which is the cursor's name, too. */
  readonly method: string
  /** The member of the result. */
  readonly member: string
  readonly serverId: string
  /** Ascending by id. */
  readonly entries: readonly { readonly id: string; readonly shown: object }[]
}

/**
 * Members of the result: the list's own, and `nextCursor` unless it is the last page.
 *
 * @throws {RpcError} -32602 when the cursor is none of this list's.
 */
export function printList(
  cursorKey: Uint8Array,
  { method, member, serverId, entries }: List,
  params: JsonObject,
): string {
  const name = `${method} ${serverId}`
  const after = readAfter(cursorKey, name, method, params)
  // An entry that is gone has left its place in the order: ids ascend.
  const rest = after === undefined ? entries : entries.filter(({ id }) => id > after)
  const page = rest.slice(0, PAGE_ENTRIES)
  const last = page.at(-1)
  const next =
    last === undefined || rest.length === page.length
      ? ''
      : `,"nextCursor":"${printCursor(cursorKey, name, last.id)}"`
  return `"${member}":${JSON.stringify(page.map((entry) => entry.shown))}${next}`
}

/**
 * The id that the client's cursor names; undefined where it sent none.
 *
 * @throws {RpcError} -32602 when the cursor is none of this list's.
 */
export function readAfter(
  cursorKey: Uint8Array,
  name: string,
  method: string,
  { cursor }: JsonObject,
): string | undefined {
  if (cursor === undefined) return undefined
  if (typeof cursor !== 'string') {
    throw new RpcError(INVALID_PARAMS, `params.cursor is ${kindOf(cursor)}, expected a string`)
  }
  const after = readCursor(cursorKey, name, cursor)
  if (after !== undefined) return after
  throw new RpcError(
    INVALID_PARAMS,
    `Invalid cursor: ${shown(cursor)}, expected the nextCursor of this server's ${method}`,
  )
}

// Cursors of every list that is paged, in GraphQL and in MCP. They name the last entry that was
// shown, so that a list that changes between two pages neither skips nor repeats what stayed;
// signed, so that none can be made up or taken to another list.
import { createHmac, timingSafeEqual } from 'node:crypto'

// 128 bits: forging one takes more requests than anybody can send.
const MAC_BYTES = 16
// A cursor of ours has at most 63 characters.
const MAX_CURSOR_CHARACTERS = 128

/** Opaque text for "what comes after `id`" in that list; a list's name has no line break. */
export function printCursor(key: Uint8Array, list: string, id: string): string {
  return Buffer.concat([macOf(key, list, id), Buffer.from(id)]).toString('base64url')
}

/** The id, or undefined when the text is no cursor of that list. */
export function readCursor(key: Uint8Array, list: string, cursor: string): string | undefined {
  if (cursor.length > MAX_CURSOR_CHARACTERS) return undefined
  const bytes = Buffer.from(cursor, 'base64url')
  if (bytes.length <= MAC_BYTES || bytes.toString('base64url') !== cursor) return undefined
  const id = bytes.subarray(MAC_BYTES).toString()
  const mac = bytes.subarray(0, MAC_BYTES)
  return timingSafeEqual(mac, macOf(key, list, id)) ? id : undefined
}

// The line break ends the name: no other name and id have the same text together.
function macOf(key: Uint8Array, list: string, id: string): Buffer {
  const mac = createHmac('sha256', key).update(`${list}\n${id}`).digest()
  return mac.subarray(0, MAC_BYTES)
}

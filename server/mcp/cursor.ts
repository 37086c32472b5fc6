// Cursors of tools/list. They name the last tool that was shown, so that a list that changes between
// two pages neither skips nor repeats what stayed; signed, so that none can be made up.
import { createHmac, timingSafeEqual } from 'node:crypto'

// 128 bits: forging one takes more requests than anybody can send.
const MAC_BYTES = 16
// A cursor of ours has 63 characters.
const MAX_CURSOR_CHARACTERS = 128

/** Opaque text for "what comes after `toolId`" in a server's list. */
export function printCursor(key: Uint8Array, serverId: string, toolId: string): string {
  return Buffer.concat([macOf(key, serverId, toolId), Buffer.from(toolId)]).toString('base64url')
}

/** The tool id, or undefined when the text is no cursor of that server's list. */
export function readCursor(key: Uint8Array, serverId: string, cursor: string): string | undefined {
  if (cursor.length > MAX_CURSOR_CHARACTERS) return undefined
  const bytes = Buffer.from(cursor, 'base64url')
  if (bytes.length <= MAC_BYTES || bytes.toString('base64url') !== cursor) return undefined
  const toolId = bytes.subarray(MAC_BYTES).toString()
  const mac = bytes.subarray(0, MAC_BYTES)
  return timingSafeEqual(mac, macOf(key, serverId, toolId)) ? toolId : undefined
}

function macOf(key: Uint8Array, serverId: string, toolId: string): Buffer {
  const mac = createHmac('sha256', key).update(`tools/list ${serverId} ${toolId}`).digest()
  return mac.subarray(0, MAC_BYTES)
}

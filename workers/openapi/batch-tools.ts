// Packs tools into batches of about 256 KiB of JSON, so that the database takes each in one short
// statement. Every array of bytes has a buffer of its own, because buffers are transferred whole.
import type { ImportBatch } from '../messages.ts'
import type { DefinedTool } from './define-tool.ts'

/** UTF-8 bytes of one batch; a larger tool makes a batch of its own. */
export const MAX_BATCH_BYTES = 256 * 1024

/** The batches in the order of the tools. */
export function batchTools(tools: readonly DefinedTool[]): readonly ImportBatch[] {
  const batches: ImportBatch[] = []
  let definitions: string[] = []
  let rows: string[] = []
  let byteCount = 0
  const flush = () => {
    if (rows.length === 0) return
    batches.push({ definitions: toBytes(definitions), tools: toBytes(rows) })
    definitions = []
    rows = []
    byteCount = 0
  }
  // Operations that differ in a fragment only have one definition.
  const known = new Set<string>()
  for (const { tool, definition } of tools) {
    const isNew = !known.has(tool.definition_hash)
    known.add(tool.definition_hash)
    const entry = JSON.stringify({ hash: tool.definition_hash, definition })
    const row = JSON.stringify(tool)
    const entryBytes = Buffer.byteLength(entry) + Buffer.byteLength(row)
    if (byteCount + entryBytes > MAX_BATCH_BYTES) flush()
    if (isNew) definitions.push(entry)
    rows.push(row)
    byteCount += entryBytes
  }
  flush()
  return batches
}

function toBytes(entries: readonly string[]): Uint8Array<ArrayBuffer> {
  const bytes = new TextEncoder().encode(`[${entries.join(',')}]`)
  return bytes.byteLength === bytes.buffer.byteLength ? bytes : bytes.slice()
}

// Batches as an import makes them, from the few words in which tests differ.
import { createHash } from 'node:crypto'

import type { ToolBatch } from '../../db/import-tools.ts'

/** One operation: `GET /pets`, a name and whatever its definition is to differ by. */
export interface ToolSketch {
  readonly operation: string
  readonly name: string
  readonly title?: string
  readonly description?: string
  readonly definition?: string
}

/** The key of a definition. */
export function hashOf(definition: string): string {
  return createHash('sha256').update(definition).digest('hex')
}

/** Batches of `batchSize` tools each, in the given order. */
export function toBatches(sketches: readonly ToolSketch[], batchSize = 100): readonly ToolBatch[] {
  const batches: ToolBatch[] = []
  for (let start = 0; start < sketches.length; start += batchSize) {
    const rows = sketches.slice(start, start + batchSize).map((sketch, index) => {
      const [method = '', path = ''] = sketch.operation.split(' ')
      const definition = JSON.stringify({ method, path, about: sketch.definition ?? '' })
      const tool = {
        name: sketch.name,
        title: sketch.title ?? '',
        description: sketch.description ?? '',
        method,
        path,
        definition_hash: hashOf(definition),
        position: start + index,
        tags: [],
      }
      return { tool, definition: { hash: hashOf(definition), definition } }
    })
    batches.push({
      definitions: encode(rows.map((row) => row.definition)),
      tools: encode(rows.map((row) => row.tool)),
    })
  }
  return batches
}

function encode(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value))
}

// Imports a document as the pool would, and opens the batches.
import assert from 'node:assert/strict'
import type { DocumentSource, ImportedTool, ImportOutcome } from '../../workers/messages.ts'
import type { ToolDefinition } from '../../workers/definition.ts'
import runFetch from '../../workers/call-thread.ts'
import run from '../../workers/import-thread.ts'

export type Imported = Extract<ImportOutcome, { type: 'imported' }>

/** The outcome for a document: text or bytes as they are, anything else as JSON. */
export function importDocument(document: unknown): Promise<ImportOutcome> {
  const bytes = document instanceof Uint8Array ? Uint8Array.from(document) : encode(document)
  return run({ type: 'import', bytes })
}

/** The outcome, which must be an import. */
export async function expectImported(document: unknown): Promise<Imported> {
  const outcome = await importDocument(document)
  assert.equal(outcome.type, 'imported', outcome.type === 'refused' ? outcome.message : '')
  return outcome as Imported
}

/** The rows of all batches. */
export function readTools(outcome: Imported): readonly ImportedTool[] {
  return outcome.batches.flatMap((batch) => readJson<ImportedTool>(batch.tools))
}

/** Definitions of all batches by their hash. */
export function readDefinitions(outcome: Imported): ReadonlyMap<string, string> {
  const entries = outcome.batches.flatMap((batch) =>
    readJson<{ hash: string; definition: string }>(batch.definitions),
  )
  return new Map(entries.map(({ hash, definition }) => [hash, definition]))
}

/** Definitions by the names of their tools. */
export function readNamed(outcome: Imported): Readonly<Record<string, ToolDefinition>> {
  const definitions = readDefinitions(outcome)
  return Object.fromEntries(
    readTools(outcome).map(({ name, definition_hash }) => [
      name,
      JSON.parse(definitions.get(definition_hash) ?? 'null') as ToolDefinition,
    ]),
  )
}

function encode(document: unknown): Uint8Array<ArrayBuffer> {
  const text = typeof document === 'string' ? document : JSON.stringify(document)
  return new TextEncoder().encode(text)
}

function readJson<T>(bytes: Uint8Array): readonly T[] {
  return JSON.parse(new TextDecoder().decode(bytes)) as readonly T[]
}

/** The outcome for a source, as the pool's threads would give it, but in this thread. */
export async function importSource(
  source: DocumentSource,
  egressAllow: string,
): Promise<ImportOutcome> {
  if (source.type === 'bytes') return await run({ type: 'import', bytes: source.bytes })
  const fetched = await runFetch({ type: 'fetch', url: source.url, egressAllow })
  return fetched.type === 'fetched' ? await run({ type: 'import', bytes: fetched.bytes }) : fetched
}

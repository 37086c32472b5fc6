// The entry of an import thread: a document into tools. A thread of its own, because
// parsing and upgrading burn seconds of CPU on untrusted bytes.
import { move, transferableSymbol, valueSymbol } from 'piscina'
import type { ImportOutcome, ImportTask } from './messages.ts'
import { readDocument } from './openapi/read-document.ts'

/** The outcome of one import; the buffers of its batches are transferred. It never rejects. */
export default async function run({ bytes }: ImportTask): Promise<ImportOutcome> {
  return transfer(await readDocument(bytes))
}

/** Marks the outcome for Piscina, invisibly to whoever else reads it. */
function transfer(outcome: ImportOutcome): ImportOutcome {
  if (outcome.type !== 'imported') return outcome
  const buffers = outcome.batches.flatMap(({ definitions, tools }) => [
    definitions.buffer,
    tools.buffer,
  ])
  Object.defineProperty(outcome, transferableSymbol, { value: buffers })
  Object.defineProperty(outcome, valueSymbol, { value: { ...outcome } })
  move(outcome as ImportOutcome & Parameters<typeof move>[0])
  return outcome
}

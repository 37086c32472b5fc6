// A document's bytes into the outcome of an import: parse, reduce, upgrade, define, pack.
import { upgrade } from '@scalar/openapi-upgrader'
import type { ImportOutcome } from '../messages.ts'
import { batchTools } from './batch-tools.ts'
import { createBudget } from './budget.ts'
import { cleanLine, cleanText } from './clean-text.ts'
import {
  defineTool,
  MAX_DESCRIPTION_CHARACTERS,
  MAX_TITLE_CHARACTERS,
  type DefinedTool,
} from './define-tool.ts'
import { ImportError, LeftOutError, toRefusal } from './import-error.ts'
import { isObject, own, type JsonObject } from './json-value.ts'
import { HTTP_METHODS } from '../definition.ts'
import type { TakenNames } from './name.ts'
import { parseDocument } from './parse-document.ts'
import { formatPointer } from './pointer.ts'
import { readServerUrl } from './read-server.ts'
import { reduceDocument, type ReducedDocument } from './reduce-document.ts'
import { readVersion } from './version.ts'
import { createWarnings, type Warnings } from './warning.ts'

/** UTF-8 bytes of all definitions: twenty times GitHub's. */
export const MAX_DEFINITIONS_BYTES = 64 * 1024 * 1024

/** The tools of a document, or why it has none. It never rejects. */
export async function readDocument(bytes: Uint8Array): Promise<ImportOutcome> {
  try {
    return importDocument(await parseDocument(bytes))
  } catch (error) {
    return toRefusal(error)
  }
}

function importDocument(document: JsonObject): ImportOutcome {
  const version = readVersion(document)
  const warnings = createWarnings()
  const reduced = reduceDocument(document, version, warnings)
  const tools = defineTools(reduced, warnings)
  if (tools.length === 0) {
    const [first] = warnings.list()
    const why = first === undefined ? '' : `; ${first}`
    throw new ImportError(
      'DOCUMENT_INVALID',
      `The document has no operation to import (#/paths)${why}`,
    )
  }
  const info = own(document, 'info')
  const { title, description } = isObject(info) ? info : {}
  const serverUrl = readServerUrl(document, version, warnings)
  return {
    type: 'imported',
    title: cleanLine(title, MAX_TITLE_CHARACTERS),
    description: cleanText(description, MAX_DESCRIPTION_CHARACTERS),
    ...(serverUrl === undefined ? {} : { serverUrl }),
    toolCount: tools.length,
    batches: batchTools(tools),
    warnings: warnings.list(),
  }
}

function defineTools(reduced: ReducedDocument, warnings: Warnings): readonly DefinedTool[] {
  const upgraded: unknown = upgrade(reduced.document, '3.1')
  const components = isObject(upgraded) ? own(upgraded, 'components') : undefined
  const schemas = isObject(components) ? own(components, 'schemas') : undefined
  const named = isObject(schemas) ? schemas : {}
  const takenNames: TakenNames = new Map()
  const spend = createBudget()
  const tools: DefinedTool[] = []
  let byteCount = 0
  for (const { key, method, value } of listOperations(upgraded)) {
    const place = formatPointer('paths', key, method.toLowerCase())
    // Some documents (Box, AWS) tell operations of one path apart by a fragment; it is never sent.
    const path = key.replace(/#.*$/s, '')
    const report = (problem: string, name: string | undefined) => {
      const owner = name === undefined ? place : (reduced.findPlace(name) ?? name)
      warnings.add(`Simplified a schema (${owner}): ${problem}`)
    }
    try {
      const context = { named, takenNames, spend, report }
      const tool = defineTool({ method, key, path, value }, tools.length, context)
      byteCount += tool.definitionBytes
      tools.push(tool)
    } catch (error) {
      if (!(error instanceof LeftOutError)) throw error
      warnings.add(`Left out ${method} ${path} (${place}): ${error.message}`)
    }
    if (byteCount > MAX_DEFINITIONS_BYTES) {
      throw new ImportError(
        'DOCUMENT_TOO_LARGE',
        `The tools of the document are more than ${MAX_DEFINITIONS_BYTES} bytes, the limit`,
      )
    }
  }
  return tools
}

function* listOperations(document: unknown) {
  const paths = isObject(document) ? own(document, 'paths') : undefined
  for (const [key, item] of Object.entries(isObject(paths) ? paths : {})) {
    for (const [name, value] of Object.entries(isObject(item) ? item : {})) {
      const method = HTTP_METHODS.find((known) => known.toLowerCase() === name)
      if (method !== undefined && isObject(value)) yield { key, method, value }
    }
  }
}

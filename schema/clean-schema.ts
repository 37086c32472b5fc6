// A schema that somebody sends takes the way of a document's: through the import thread, with the same
// limits, so that what is compiled later is what the importer lets through.
import { InvalidError } from '../db/errors.ts'
import type { InputSchema, ToolDefinition } from '../workers/definition.ts'
import { viewerOf, type Context } from './context.ts'
import { invalid, type InputPath } from './validate.ts'

/** Schemas by the names of arguments, as OpenAPI has them, and what they refer to. */
export interface RawSchema {
  readonly parameters: readonly {
    readonly name: string
    readonly in: string
    readonly required: boolean
    readonly schema: unknown
  }[]
  readonly defs: unknown
}

/**
 * The arguments' schema, self-contained and clean: they are given to the importer as the parameters of
 * one operation, which is how it knows arguments.
 *
 * @throws {InvalidError} INVALID when it cannot be used as it is
 */
export async function cleanSchema(
  context: Context,
  path: InputPath,
  { parameters, defs }: RawSchema,
): Promise<InputSchema> {
  const document = {
    openapi: '3.1.0',
    info: { title: 'Tool', version: '1' },
    paths: { '/': { get: { parameters, responses: {} } } },
    $defs: defs,
  }
  const bytes = new Uint8Array(new TextEncoder().encode(JSON.stringify(document)))
  const { accountId } = viewerOf(context)
  const outcome = await context.importDocument({ type: 'bytes', bytes }, accountId)
  const problem = outcome.type === 'refused' ? outcome.message : outcome.warnings[0]
  if (outcome.type === 'refused' || problem !== undefined) {
    throw new InvalidError(`${path.at(-1) ?? ''} cannot be used: ${problem ?? ''}`, path)
  }
  const [batch] = outcome.batches
  const [row] = JSON.parse(Buffer.from(batch?.definitions ?? []).toString()) as [
    { readonly definition: string },
  ]
  return (JSON.parse(row.definition) as ToolDefinition).inputSchema
}

/**
 * JSON text of a schema of an object, self-contained and clean.
 *
 * @throws {InvalidError} INVALID when it is none, or cannot be used as it is
 */
export async function cleanOutputSchema(
  context: Context,
  path: InputPath,
  value: unknown,
): Promise<string> {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
  if (!isObject || (value as { type?: unknown }).type !== 'object') {
    throw invalid(path, 'is no schema of an object; expected {"type": "object", "properties": {…}}')
  }
  const { $defs: defs = {}, ...schema } = value as { readonly $defs?: unknown }
  const parameters = [{ name: 'output', in: 'query', required: true, schema }]
  const cleaned = await cleanSchema(context, path, { parameters, defs })
  const { output } = cleaned.properties as { readonly output: object }
  const kept = cleaned['$defs'] === undefined ? {} : { $defs: cleaned['$defs'] }
  return JSON.stringify({ ...output, ...kept })
}

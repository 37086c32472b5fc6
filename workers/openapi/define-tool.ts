// One upgraded operation as a tool: its definition, and the row that a listing shows.
import { createHash } from 'node:crypto'
import type { ImportedTool } from '../messages.ts'
import type { HttpMethod, InputSchema, ToolDefinition } from '../definition.ts'
import { CHARACTERS_PER_STEP, type Spend } from './budget.ts'
import { bundleSchemas, MAX_SCHEMA_DEPTH, type Bundle } from './bundle-schema.ts'
import { cleanLine, cleanText, cutText } from './clean-text.ts'
import { defineBody } from './define-body.ts'
import { defineParameters } from './define-parameter.ts'
import { LeftOutError } from './import-error.ts'
import { own, ownString, type JsonObject } from './json-value.ts'
import { makeUnique, MAX_NAME_CHARACTERS, toToolName, type TakenNames } from './name.ts'

/** JSON text of one definition in UTF-8: more would fill a model's context with a single tool. */
export const MAX_DEFINITION_BYTES = 256 * 1024

/** UTF-16 units of a title, cut with `…`. */
export const MAX_TITLE_CHARACTERS = 128

/** UTF-16 units of a description, cut with `…`. */
export const MAX_DESCRIPTION_CHARACTERS = 4_096

// GitHub's operations have one each, Stripe's none: what has more is a list of something else.
const MAX_TAGS = 20
const MAX_TAG_CHARACTERS = 80

// Tried in turn until the definition fits.
const DEPTHS = [MAX_SCHEMA_DEPTH, 16, 12, 8, 6, 5, 4, 3, 2, 1, 0]

/** One operation of an upgraded document. */
export interface Operation {
  readonly method: HttpMethod
  /** The key of the path item, which can end in a fragment. */
  readonly key: string
  /** The key without its fragment: what is requested. */
  readonly path: string
  readonly value: JsonObject
}

/** What {@link defineTool} asks of the whole import. */
export interface ToolContext {
  /** Named schemas of the upgraded document. */
  readonly named: JsonObject
  readonly takenNames: TakenNames
  readonly spend: Spend
  /** Called with a sentence without its place, and the name of the schema that it is about. */
  readonly report: (problem: string, schemaName: string | undefined) => void
}

/** A tool with its definition as it is stored. */
export interface DefinedTool {
  readonly tool: ImportedTool
  readonly definition: string
  /** UTF-8 bytes of `definition`. */
  readonly definitionBytes: number
}

/**
 * The tool of an operation.
 *
 * @throws {LeftOutError} LEFT_OUT when its definition does not fit even without nested schemas
 */
export function defineTool(
  operation: Operation,
  position: number,
  context: ToolContext,
): DefinedTool {
  const { method, key, value } = operation
  const definition = writeDefinition(operation, context)
  const derived = toToolName(ownString(value, 'operationId') ?? '')
  const fallback = toToolName(`${method.toLowerCase()} ${key}`)
  const summary = cleanLine(own(value, 'summary'), MAX_TITLE_CHARACTERS)
  const tool: ImportedTool = {
    name: makeUnique(derived === '' ? fallback : derived, MAX_NAME_CHARACTERS, context.takenNames),
    title: summary === '' ? cleanLine(`${method} ${key}`, MAX_TITLE_CHARACTERS) : summary,
    description: describe(operation),
    method,
    // With its fragment: method and path are what a later import knows the tool by.
    path: key,
    definition_hash: createHash('sha256').update(definition).digest('hex'),
    position,
    tags: readTags(value),
  }
  return { tool, definition, definitionBytes: Buffer.byteLength(definition) }
}

function readTags(value: JsonObject): readonly string[] {
  const tags = own(value, 'tags')
  if (!Array.isArray(tags)) return []
  const cleaned = tags.slice(0, MAX_TAGS).map((tag) => cleanLine(tag, MAX_TAG_CHARACTERS))
  return [...new Set(cleaned)].filter((tag) => tag !== '')
}

function describe({ method, key, value }: Operation): string {
  const summary = cleanText(own(value, 'summary'), MAX_DESCRIPTION_CHARACTERS)
  const description = cleanText(own(value, 'description'), MAX_DESCRIPTION_CHARACTERS)
  const isRepeated = description.startsWith(summary)
  const parts = isRepeated ? [description] : [summary, description]
  const text = parts.filter((part) => part !== '').join('\n\n') || `${method} ${key}`
  const note = own(value, 'deprecated') === true ? 'Deprecated. ' : ''
  return cutText(note + text, MAX_DESCRIPTION_CHARACTERS)
}

function writeDefinition({ method, path, value }: Operation, context: ToolContext): string {
  const names: TakenNames = new Map()
  const parameters = defineParameters(own(value, 'parameters'), path, names)
  const body = defineBody(own(value, 'requestBody'))
  const bodyArgument =
    body === undefined ? undefined : makeUnique('body', MAX_NAME_CHARACTERS, names)
  const fields = parameters.map(({ parameter, schema, isRequired }) => ({
    argument: parameter.argument,
    schema,
    isRequired,
  }))
  if (body !== undefined && bodyArgument !== undefined) {
    fields.push({ argument: bodyArgument, schema: body.schema, isRequired: body.isRequired })
  }
  for (const depth of DEPTHS) {
    const problems: (readonly [string, string | undefined])[] = []
    const roots = fields.map(({ schema }) => schema)
    const bundle = bundleSchemas(roots, context.named, depth, context.spend, (problem, owner) => {
      problems.push([problem, owner])
    })
    if (bundle === undefined) continue
    const definition: ToolDefinition = {
      method,
      path,
      inputSchema: toInputSchema(fields, bundle),
      parameters: parameters.map(({ parameter }) => parameter),
      ...(body === undefined || bodyArgument === undefined
        ? {}
        : {
            body: {
              argument: bodyArgument,
              contentType: body.contentType,
              encoding: body.encoding,
            },
          }),
    }
    const text = JSON.stringify(definition)
    context.spend(text.length / CHARACTERS_PER_STEP)
    if (Buffer.byteLength(text) > MAX_DEFINITION_BYTES) continue
    for (const [problem, owner] of problems) context.report(problem, owner)
    if (bundle.wasCut)
      context.report(`it is too large, {} stands for what is below ${depth} levels`, undefined)
    return text
  }
  throw new LeftOutError(
    `its definition is over ${MAX_DEFINITION_BYTES} bytes even with the simplest schemas`,
  )
}

function toInputSchema(
  fields: readonly { readonly argument: string; readonly isRequired: boolean }[],
  bundle: Bundle,
): InputSchema {
  const properties: Record<string, unknown> = {}
  for (const [index, { argument }] of fields.entries()) properties[argument] = bundle.schemas[index]
  const required = fields.filter((field) => field.isRequired).map((field) => field.argument)
  return {
    type: 'object',
    properties,
    ...(required.length > 0 ? { required } : {}),
    // So that a misspelt argument is an error that a model can mend, and not silence.
    additionalProperties: false,
    ...(Object.keys(bundle.defs).length > 0 ? { $defs: bundle.defs } : {}),
  }
}

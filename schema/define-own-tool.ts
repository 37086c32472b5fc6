// The request of a tool made by hand, as the definition that calls go by. Its schema takes the same way
// as a document's: in the import thread, with the same limits, so that a call sees no difference.
import { createHash } from 'node:crypto'
import type { ToolRequest } from '../db/tool.ts'
import { collectVariableNames } from '../workers/call/variable.ts'
import type { HttpMethod, InputSchema, ToolDefinition } from '../workers/definition.ts'
import { inferSchema } from '../workers/openapi/infer-schema.ts'
import { cleanSchema } from './clean-schema.ts'
import type { Context } from './context.ts'
import { placeArguments, type PlacedArgument } from './place-argument.ts'
import { readPath } from './read-path.ts'
import { checkHeaders } from './validate-header.ts'
import { invalid, quote, type InputPath } from './validate.ts'

/** What a person writes of a request. */
export interface RequestInput {
  readonly method: HttpMethod
  readonly path: string
  readonly inputSchema?: unknown
  readonly sampleArguments?: unknown
  readonly parameters?: readonly PlacedArgument[] | null | undefined
  readonly headers?: readonly { readonly name: string; readonly value: string }[] | null | undefined
}

// MCP clients refuse a property whose name has other characters (Anthropic's API).
const ARGUMENT_NAME = /^[A-Za-z0-9_.-]{1,64}$/
const ROOT_KEYWORDS = ['type', 'properties', 'required', 'additionalProperties', '$defs']
const IGNORED_KEYWORDS = ['$schema', '$id', 'title', 'description']

/**
 * The request, ready to be stored.
 *
 * @throws {InvalidError} INVALID when a part of it is wrong or does not fit the others
 * @throws {BusyError} BUSY when too many documents and schemas wait to be read
 */
export async function defineRequest(
  context: Context,
  path: InputPath,
  input: RequestInput,
): Promise<ToolRequest> {
  const { method } = input
  const target = readPath([...path, 'path'], input.path)
  const headers = checkHeaders([...path, 'headers'], input.headers ?? [])
  const given = readSchema(path, input)
  const hasSample = input.sampleArguments !== undefined && input.sampleArguments !== null
  const source = [...path, hasSample ? 'sampleArguments' : 'inputSchema']
  const inputSchema = await cleanInputSchema(context, source, given)
  const names = Object.keys(inputSchema.properties)
  const placed = placeArguments(path, { method, names, target, given: input.parameters ?? [] })
  const required = new Set(inputSchema.required)
  for (const slot of target.slots) {
    if (required.has(slot)) continue
    throw invalid(
      source,
      `does not require ${quote(slot)}, and the path cannot do without it; expected it in "required"`,
    )
  }
  const definition: ToolDefinition = {
    method,
    path: target.path,
    inputSchema,
    parameters: placed.parameters,
    ...(placed.members === undefined
      ? {}
      : {
          body: {
            argument: placed.members.join(', '),
            members: placed.members,
            contentType: 'application/json',
            encoding: 'json',
          },
        }),
    own: { headers, query: target.query },
  }
  const text = JSON.stringify(definition)
  const referrers = [target.path, ...Object.values(headers), ...Object.values(target.query)]
  return {
    method,
    path: input.path,
    definition: text,
    definitionHash: createHash('sha256').update(text).digest('hex'),
    variableNames: collectVariableNames(referrers),
  }
}

type Schema = Readonly<Record<string, unknown>>

const isObject = (value: unknown): value is Schema =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The schema as it was written, or as the sample suggests. */
function readSchema(path: InputPath, { inputSchema, sampleArguments }: RequestInput): Schema {
  const isGiven = inputSchema !== undefined && inputSchema !== null
  const hasSample = sampleArguments !== undefined && sampleArguments !== null
  if (isGiven && hasSample) {
    throw invalid(path, 'has both inputSchema and sampleArguments; expected one of them')
  }
  if (hasSample) {
    if (isObject(sampleArguments)) return inferSchema(sampleArguments)
    throw invalid([...path, 'sampleArguments'], 'is no object; expected one, such as {"id": 1}')
  }
  if (!isGiven) return { type: 'object', properties: {} }
  const here = [...path, 'inputSchema']
  if (!isObject(inputSchema) || (inputSchema['type'] ?? 'object') !== 'object') {
    throw invalid(here, 'is no schema of an object; expected {"type": "object", "properties": {…}}')
  }
  for (const keyword of Object.keys(inputSchema)) {
    if (ROOT_KEYWORDS.includes(keyword) || IGNORED_KEYWORDS.includes(keyword)) continue
    throw invalid(
      here,
      `has ${quote(keyword)} at its root; expected type, properties, required and $defs only: an argument's own schema can have anything`,
    )
  }
  return inputSchema
}

/** The schema, self-contained and clean. */
async function cleanInputSchema(
  context: Context,
  path: InputPath,
  schema: Schema,
): Promise<InputSchema> {
  const { properties = {}, required = [], $defs: defs = {} } = schema
  if (!isObject(properties)) throw invalid(path, 'has "properties" that are no object')
  if (!Array.isArray(required) || required.some((name) => typeof name !== 'string')) {
    throw invalid(path, 'has a "required" that is no list of names')
  }
  for (const name of Object.keys(properties)) {
    if (ARGUMENT_NAME.test(name) && name !== '__proto__') continue
    throw invalid(
      path,
      `has an argument named ${quote(name)}; expected 1 to 64 of A-Z, a-z, 0-9, _, . and -, and not "__proto__"`,
    )
  }
  const unknown = required.find((name) => !Object.hasOwn(properties, name as string)) as unknown
  if (unknown !== undefined) {
    throw invalid(
      path,
      `requires ${JSON.stringify(unknown).slice(0, 100)}, which is not in its properties`,
    )
  }
  const parameters = Object.entries(properties).map(([name, argument]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    schema: argument,
  }))
  return await cleanSchema(context, path, { parameters, defs })
}

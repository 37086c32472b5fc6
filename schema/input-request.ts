// What a tool asks its user before it is called. Any tool can have this, imported ones too: an import
// leaves it as it is.
import type { InputRequest } from '../db/content.ts'
import type { InputSchema } from '../workers/definition.ts'
import { builder } from './builder.ts'
import { checkRequestedSchema } from './requested-schema.ts'
import { ToolRef } from './tool.ts'
import { checkUrl } from './validate-url.ts'
import { checkArgumentName } from './validate-content.ts'
import { checkJsonBytes, checkText, invalid, quote, type InputPath } from './validate.ts'

// Each is a question to a person.
const MAX_INPUT_REQUESTS = 10
const MAX_ROUND = 9
/** Of all that a tool asks, as JSON: a route holds it. */
const MAX_REQUESTS_BYTES = 32 * 1024

const InputRequestRef = builder.objectRef<InputRequest>('InputRequest').implement({
  description:
    'What a tool asks its user before it is called: a form whose fields become arguments, or a visit to a URL.',
  fields: (t) => ({
    key: t.exposeString('key', { description: 'Unique in its tool.' }),
    round: t.exposeInt('round', {
      description: 'Those of the lowest round that is not answered are asked together.',
    }),
    message: t.exposeString('message', { description: 'Why the user is asked.' }),
    requestedSchema: t.field({
      type: 'JSON',
      nullable: true,
      description: 'The form: a flat JSON Schema of an object. Null where the user visits a URL.',
      resolve: ({ requestedSchema }) => requestedSchema ?? null,
    }),
    url: t.string({
      nullable: true,
      description: 'Where the user is sent; null where there is a form.',
      resolve: ({ url }) => url ?? null,
    }),
  }),
})

/** The GraphQL input `InputRequestInput`. */
export const InputRequestInput = builder.inputType('InputRequestInput', {
  description: 'Something to ask the user: with one of `requestedSchema` and `url`.',
  fields: (t) => ({
    key: t.string({
      required: true,
      description: 'What it is named by: 1 to 64 of `A-Za-z0-9_-`, unique in the tool.',
    }),
    round: t.int({
      description:
        'When it is asked, 0 to 9: those of the lowest round that is not answered are asked together. Default: 0.',
    }),
    message: t.string({
      required: true,
      description: 'Why the user is asked: at most 4,096 characters.',
    }),
    requestedSchema: t.field({
      type: 'JSON',
      description:
        'A form: a flat JSON Schema of an object, as MCP’s elicitation has it, of at most 20 fields and 8 KiB. Its answers become the arguments of their names. Not for passwords: answers pass through the client. It is asked where an argument of its required fields, or else of any, is missing.',
    }),
    url: t.string({ description: 'Where to send the user: an http or https URL.' }),
  }),
})

/** The GraphQL enum `ToolResultMode`. */
export const ToolResultMode = builder.enumType('ToolResultMode', {
  description: 'What becomes of the answer of a tool’s API.',
  values: {
    CONTENT: {
      description:
        'Text stays text; images and sounds become such content, other bytes an embedded resource.',
    },
    MCP_RESULT: {
      description:
        'The answer, after its interceptors, is a `CallToolResult` of MCP itself, as JSON: `content`, `structuredContent`, `isError` and `_meta`. What is none is an error.',
    },
  } as const,
})

builder.objectFields(ToolRef, (t) => ({
  resultMode: t.expose('result_mode', {
    type: ToolResultMode,
    description: 'What becomes of the answer. An import leaves this as it is.',
  }),
  inputRequests: t.field({
    type: [InputRequestRef],
    description: 'What its user is asked before it is called. An import leaves this as it is.',
    resolve: (tool) => tool.input_requests,
  }),
}))

/**
 * The requests in the order of their rounds: at most 10, and {@link MAX_REQUESTS_BYTES} together.
 *
 * @throws {InvalidError} INVALID
 */
export function checkInputRequests(
  path: InputPath,
  sent: readonly (typeof InputRequestInput.$inferInput)[],
): InputRequest[] {
  if (sent.length > MAX_INPUT_REQUESTS) {
    throw invalid(path, `has ${sent.length} entries, the limit is ${MAX_INPUT_REQUESTS}`)
  }
  const keys = new Set<string>()
  const checked = sent.map((request, n) => {
    const here = [...path, String(n)]
    const key = checkArgumentName([...here, 'key'], request.key)
    if (keys.has(key)) throw invalid([...here, 'key'], `is ${quote(key)} for the second time`)
    keys.add(key)
    return checkInputRequest(here, { ...request, key })
  })
  const sorted = checked.toSorted((a, b) => a.round - b.round)
  return checkJsonBytes(path, sorted, MAX_REQUESTS_BYTES)
}

/**
 * Refuses forms that ask for what the tool does not take: each call would fail.
 *
 * @throws {InvalidError} INVALID
 */
export function checkFields(
  path: InputPath,
  requests: readonly InputRequest[],
  { properties, additionalProperties }: InputSchema,
): void {
  if (additionalProperties !== false) return
  for (const [n, { requestedSchema }] of requests.entries()) {
    const fields = (requestedSchema?.['properties'] ?? {}) as object
    const unknown = Object.keys(fields).find((name) => !Object.hasOwn(properties, name))
    if (unknown === undefined) continue
    const expected = Object.keys(properties).join(', ') || 'none: it has no arguments'
    throw invalid(
      [...path, String(n), 'requestedSchema', 'properties', unknown],
      `is no argument of the tool; expected one of ${expected}`,
    )
  }
}

function checkInputRequest(
  path: InputPath,
  { key, round, message, requestedSchema, url }: typeof InputRequestInput.$inferInput,
): InputRequest {
  if (typeof round === 'number' && (round < 0 || round > MAX_ROUND)) {
    throw invalid([...path, 'round'], `is ${round}; expected 0 to ${MAX_ROUND}`)
  }
  const hasForm = requestedSchema !== undefined && requestedSchema !== null
  if (hasForm === (typeof url === 'string')) {
    const found = hasForm
      ? 'both a requestedSchema and a url'
      : 'neither a requestedSchema nor a url'
    throw invalid(path, `has ${found}; expected one of them`)
  }
  if (message === '')
    throw invalid([...path, 'message'], 'is empty; expected why the user is asked')
  const common = { key, round: round ?? 0, message: checkText([...path, 'message'], message) }
  if (typeof url === 'string') return { ...common, url: checkUrl([...path, 'url'], url) }
  const at = [...path, 'requestedSchema']
  return { ...common, requestedSchema: checkRequestedSchema(at, requestedSchema) }
}

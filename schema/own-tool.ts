// Tools made by hand: what no document describes. An import of the same provider leaves them alone.
import { ConflictError, InvalidError, NotFoundError } from '../db/errors.ts'
import { getProvider } from '../db/provider.ts'
import { deleteTools, getTool, insertTool, updateTool, updateTools } from '../db/tool.ts'
import type { ToolDefinition } from '../workers/definition.ts'
import { loadToolDefinition } from './batch.ts'
import { answer, builder } from './builder.ts'
import { inAccount } from './context.ts'
import { defineRequest } from './define-own-tool.ts'
import { HeaderInput } from './header.ts'
import { createOnce, IDEMPOTENCY_KEY_DESCRIPTION } from './idempotency-key.ts'
import {
  InputRequestInput,
  ToolResultMode,
  checkFields,
  checkInputRequests,
} from './input-request.ts'
import { HttpMethodRef, ToolRef } from './tool.ts'
import { needs } from './need.ts'
import { checkId, checkIds, checkName, checkText, checkToolName, invalid } from './validate.ts'

const ArgumentPlace = builder.enumType('ArgumentPlace', {
  description: 'Where an argument goes in a request.',
  values: {
    PATH: { description: 'Into the slot of the path that has its name.' },
    QUERY: { description: 'A parameter of the query; a list or an object spreads.' },
    HEADER: { description: 'A header.' },
    COOKIE: { description: 'A cookie.' },
    BODY: { description: 'A member of the JSON body.' },
  } as const,
})

const ToolParameterInput = builder.inputType('ToolParameterInput', {
  description: 'Where one argument goes.',
  fields: (t) => ({
    argument: t.string({ required: true, description: 'The argument, by its name.' }),
    in: t.field({ type: ArgumentPlace, required: true, description: 'Where it goes.' }),
    name: t.string({
      description:
        'What it is called there: for query, headers and cookies. Default: its own name.',
    }),
  }),
})

const ToolRequestInput = builder.inputType('ToolRequestInput', {
  description:
    'How a tool calls its API. `${NAME}` stands for a variable in the path, in its query and in the values of headers.',
  fields: (t) => ({
    method: t.field({ type: HttpMethodRef, required: true, description: 'The method.' }),
    path: t.string({
      required: true,
      description:
        "Below the provider's base URL, with a slot for each argument that stands in it, and with a query if it has one: `/pets/{petId}?limit=10&sort={sort}`. At most 2,048 characters.",
    }),
    inputSchema: t.field({
      type: 'JSON',
      description:
        'JSON Schema 2020-12 of the arguments: an object with `properties`, `required` and `$defs`. Default: no arguments.',
    }),
    sampleArguments: t.field({
      type: 'JSON',
      description:
        'An example of the arguments, as an object, in place of `inputSchema`: the schema is made from it, and all of them are required.',
    }),
    parameters: t.field({
      type: [ToolParameterInput],
      description:
        'Where arguments go. Default: into the slots of the path; all others into the JSON body of POST, PUT and PATCH, and into the query of every other method.',
    }),
    headers: t.field({
      type: [HeaderInput],
      description:
        "Headers to send with every call, before the provider's of the same name: at most 50. Default: none.",
    }),
  }),
})

const ToolAnnotationsInput = builder.inputType('ToolAnnotationsInput', {
  description:
    'What clients are told about the effects of a tool. What is not said follows from the method.',
  fields: (t) => ({
    readOnlyHint: t.boolean({ description: 'It changes nothing.' }),
    destructiveHint: t.boolean({ description: 'It may overwrite or delete something.' }),
    idempotentHint: t.boolean({ description: 'Called twice, it does no more than called once.' }),
    openWorldHint: t.boolean({ description: 'It reaches beyond a closed set of things.' }),
  }),
})

type Annotations = typeof ToolAnnotationsInput.$inferInput

function toAnnotations(input: Annotations | null | undefined) {
  if (input === undefined || input === null) return undefined
  const said = Object.entries(input).filter(([, value]) => typeof value === 'boolean')
  return Object.fromEntries(said) as Readonly<Record<keyof Annotations, boolean>>
}

const CreateToolInput = builder.inputType('CreateToolInput', {
  description: 'The tool to make.',
  fields: (t) => ({
    providerId: t.id({ required: true, description: 'The API that it calls.' }),
    name: t.string({
      required: true,
      description: 'What models call it by: 1 to 64 of `A-Za-z0-9_-`, unique in the provider.',
    }),
    title: t.string({ description: 'What people call it: at most 80 characters. Default: none.' }),
    description: t.string({
      description: 'What it does, as told to models: at most 4,096 characters. Default: "".',
    }),
    request: t.field({ type: ToolRequestInput, required: true, description: 'How it calls.' }),
    annotations: t.field({
      type: ToolAnnotationsInput,
      description:
        'What clients are told about its effects. Default: what follows from the method.',
    }),
    idempotencyKey: t.string({ description: IDEMPOTENCY_KEY_DESCRIPTION }),
  }),
})

builder.mutationField('createTool', (t) =>
  t.field({
    ...needs('tool:write'),
    type: ToolRef,
    description:
      'Makes a tool by hand. A server offers it once it is added to it. No import changes or removes it.',
    errors: answer('The tool.', [InvalidError, NotFoundError, ConflictError]),
    args: { input: t.arg({ type: CreateToolInput, required: true, description: 'What to do.' }) },
    resolve: async (_root, { input }, context) => {
      const providerId = checkId(['input', 'providerId'], 'prv', input.providerId)
      const values = {
        name: checkToolName(['input', 'name'], input.name),
        title: input.title ? checkName(['input', 'title'], input.title) : '',
        description: checkText(['input', 'description'], input.description ?? ''),
        annotations: toAnnotations(input.annotations) ?? null,
      }
      await inAccount(context, (tx) => getProvider(tx, providerId))
      const request = await defineRequest(context, ['input', 'request'], input.request)
      return await createOnce(context, 'createTool', input, {
        create: (tx) => insertTool(tx, { providerId, ...values, request }),
        get: getTool,
      })
    },
  }),
)

const UpdateToolInput = builder.inputType('UpdateToolInput', {
  description:
    'The tool to change; what is not given stays as it is. Of an imported tool, whose document says the rest, only `isEnabled`, `resultMode` and `inputRequests` can be given; `updateServerTool` renames and re-describes any tool for one server.',
  fields: (t) => ({
    id: t.id({ required: true, description: 'Which tool.' }),
    isEnabled: t.boolean({ description: 'Whether servers offer it.' }),
    resultMode: t.field({ type: ToolResultMode, description: 'What becomes of the answer.' }),
    inputRequests: t.field({
      type: [InputRequestInput],
      description:
        'What its user is asked before it is called, as a whole: at most 10, and 32 KiB as JSON.',
    }),
    name: t.string({
      description: 'What models call it by: 1 to 64 of `A-Za-z0-9_-`, unique in the provider.',
    }),
    title: t.string({ description: 'What people call it: at most 80 characters.' }),
    description: t.string({
      description: 'What it does, as told to models: at most 4,096 characters.',
    }),
    request: t.field({ type: ToolRequestInput, description: 'How it calls, as a whole.' }),
    annotations: t.field({
      type: ToolAnnotationsInput,
      description: 'What clients are told about its effects, as a whole.',
    }),
  }),
})

const REQUESTS = ['input', 'inputRequests']

builder.mutationField('updateTool', (t) =>
  t.field({
    ...needs('tool:write'),
    type: ToolRef,
    description: 'Changes a tool in every server that has it.',
    errors: answer('The tool as it is now.', [InvalidError, NotFoundError, ConflictError]),
    args: { input: t.arg({ type: UpdateToolInput, required: true, description: 'What to do.' }) },
    resolve: async (_root, { input }, context) => {
      const id = checkId(['input', 'id'], 'tool', input.id)
      const { name, title, description, request, inputRequests } = input
      const change = {
        ...(typeof name === 'string' && { name: checkToolName(['input', 'name'], name) }),
        ...(typeof title === 'string' && {
          title: title === '' ? '' : checkName(['input', 'title'], title),
        }),
        ...(typeof description === 'string' && {
          description: checkText(['input', 'description'], description),
        }),
        ...(input.annotations && { annotations: toAnnotations(input.annotations) }),
      }
      const present = await inAccount(context, (tx) => getTool(tx, id))
      const [other] = [...Object.keys(change), ...(request ? ['request'] : [])]
      if (present.is_imported && other !== undefined) {
        throw invalid(
          ['input', other],
          `of ${id} comes from its document, whose next import would undo a change; use updateServerTool to change what a server shows`,
        )
      }
      const defined = request && (await defineRequest(context, ['input', 'request'], request))
      const always = {
        isEnabled: input.isEnabled ?? undefined,
        resultMode: input.resultMode ?? undefined,
        inputRequests: inputRequests ? checkInputRequests(REQUESTS, inputRequests) : undefined,
      }
      const asked = always.inputRequests ?? (defined ? present.input_requests : [])
      if (asked.length > 0) {
        const definition =
          defined?.definition ?? (await loadToolDefinition(context, present.definition_hash))
        const { inputSchema } = JSON.parse(definition) as ToolDefinition
        checkFields(always.inputRequests ? REQUESTS : ['inputRequests'], asked, inputSchema)
      }
      return await inAccount(context, (tx) =>
        updateTool(tx, id, { ...always, ...change, ...(defined && { request: defined }) }),
      )
    },
  }),
)

const UpdateToolsInput = builder.inputType('UpdateToolsInput', {
  description: 'The tools to change.',
  fields: (t) => ({
    ids: t.idList({ required: true, description: 'Which tools: at most 1,000.' }),
    isEnabled: t.boolean({ required: true, description: 'Whether servers offer them.' }),
  }),
})

builder.mutationField('updateTools', (t) =>
  t.field({
    ...needs('tool:write'),
    type: ['ID'],
    description:
      'Makes many tools enabled or not, in every server: all of them or, on an error, none.',
    errors: answer('The ids of the tools.', [InvalidError, NotFoundError]),
    args: { input: t.arg({ type: UpdateToolsInput, required: true, description: 'What to do.' }) },
    resolve: async (_root, { input }, context) => {
      const ids = checkIds(['input', 'ids'], 'tool', input.ids)
      await inAccount(context, (tx) => updateTools(tx, ids, { isEnabled: input.isEnabled }))
      return ids
    },
  }),
)

builder.mutationField('deleteTools', (t) =>
  t.field({
    ...needs('tool:write'),
    type: ['ID'],
    description:
      'Deletes tools that were made by hand, also out of the servers that have them: all of them or, on an error, none.',
    errors: answer('The ids of what is gone.', [InvalidError, NotFoundError]),
    args: { ids: t.arg.idList({ required: true, description: 'Which tools: at most 1,000.' }) },
    resolve: async (_root, args, context) => {
      const ids = checkIds(['ids'], 'tool', args.ids)
      await inAccount(context, (tx) => deleteTools(tx, ids))
      return ids
    },
  }),
)

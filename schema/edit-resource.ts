// Making, changing and deleting resources. Its content is one of three: a text, bytes, or what an API
// answers; a change of one takes the others away.
import { ConflictError, InvalidError, NotFoundError } from '../db/errors.ts'
import {
  deleteResource,
  getResource,
  insertResource,
  updateResource,
  type Resource,
} from '../db/resource.ts'
import { getServer } from '../db/server.ts'
import { getTool } from '../db/tool.ts'
import type { ResourceVariable } from '../db/content.ts'
import type { Tx } from '../db/transaction.ts'
import { answer, builder } from './builder.ts'
import { inAccount, type Context } from './context.ts'
import { createOnce, IDEMPOTENCY_KEY_DESCRIPTION } from './idempotency-key.ts'
import { namesInText } from './placeholder.ts'
import { ResourceRef } from './resource.ts'
import { isUriTemplate, parseUriTemplate } from './uri-template.ts'
import { checkMimeType, checkTitle, checkUri, checkValues } from './validate-content.ts'
import { demand, needs } from './need.ts'
import { defaultMimeType, readContent } from './resource-content.ts'
import {
  checkId,
  checkJsonBytes,
  checkName,
  checkText,
  given,
  invalid,
  quote,
  type InputPath,
} from './validate.ts'

/** Of a resource's fixed arguments, as JSON. */
const MAX_ARGUMENTS_BYTES = 16 * 1024
/** Of the values that are offered for its variables, as JSON: a route holds them. */
const MAX_VARIABLES_BYTES = 16 * 1024

const ResourceVariableInput = builder.inputType('ResourceVariableInput', {
  description: 'What is offered for a variable of a resource template.',
  fields: (t) => ({
    name: t.string({ required: true, description: 'As it stands in the URI.' }),
    values: t.stringList({
      required: true,
      description: 'What clients offer while a person types: at most 100.',
    }),
  }),
})

const URI_DESCRIPTION =
  'A URI with a scheme, at most 2,048 characters, such as `docs://guide/start`. `{name}` in it makes it a template: it stands for what has no slash, `{+name}` at the end for the rest.'
const TEXT_DESCRIPTION =
  'The content, where it is a text: at most 128 KiB. In a template `{{name}}` stands for a variable.'
const BLOB_DESCRIPTION = 'The content in base64, where it is not a text: at most 128 KiB.'
const TOOL_DESCRIPTION =
  'The content, where an API has it: a tool that is a GET operation. It is called at each read with `arguments` and the template’s variables.'
const MIME_TYPE_DESCRIPTION = 'The media type, such as `text/markdown`.'
const ARGUMENTS_DESCRIPTION =
  'What the tool is called with, besides the variables: an object of at most 16 KiB.'

const VARIABLES_DESCRIPTION = 'Values to offer for the variables: at most 16 KiB as JSON.'

const CreateResourceInput = builder.inputType('CreateResourceInput', {
  description: 'The resource to make: with one of `text`, `blob` and `toolId`.',
  fields: (t) => ({
    serverId: t.id({ required: true, description: 'The server whose it is to be.' }),
    uri: t.string({ required: true, description: URI_DESCRIPTION }),
    name: t.string({
      required: true,
      description: 'What a client lists it as: 1 to 80 characters.',
    }),
    title: t.string({ description: 'What people call it: at most 80 characters. Default: "".' }),
    description: t.string({ description: 'What it is: at most 4,096 characters. Default: "".' }),
    mimeType: t.string({
      description: `${MIME_TYPE_DESCRIPTION} Default: \`text/plain\` for a text, \`application/octet-stream\` for bytes, and what the API says.`,
    }),
    text: t.string({ description: TEXT_DESCRIPTION }),
    blob: t.string({ description: BLOB_DESCRIPTION }),
    toolId: t.id({ description: TOOL_DESCRIPTION }),
    arguments: t.field({ type: 'JSON', description: `${ARGUMENTS_DESCRIPTION} Default: none.` }),
    variables: t.field({
      type: [ResourceVariableInput],
      description: `${VARIABLES_DESCRIPTION} Default: the \`enum\` of the tool’s argument.`,
    }),
    idempotencyKey: t.string({ description: IDEMPOTENCY_KEY_DESCRIPTION }),
  }),
})

/** A grant lends a server, not the account's APIs nor what a builder made of them. */
function checkLent(context: Context, { tool_id: toolId }: Pick<Resource, 'tool_id'>): void {
  if (toolId !== null) demand(context, 'tool:call')
}

/** Reads nothing of the tool: whether it fits is said at the first read, as for a tool call. */
async function checkTool(context: Context, tx: Tx, toolId: string | null): Promise<void> {
  if (toolId === null) return
  demand(context, 'tool:call')
  const { method } = await getTool(tx, toolId)
  if (method === 'GET') return
  throw invalid(['input', 'toolId'], `is a ${method} operation; expected a GET operation`)
}

function checkArguments(path: InputPath, value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid(path, 'is no object; expected {"name": value, …}')
  }
  return checkJsonBytes(path, value as Readonly<Record<string, unknown>>, MAX_ARGUMENTS_BYTES)
}

/** The names of the URI's variables. */
function namesInUri(path: InputPath, uri: string): readonly string[] {
  if (!isUriTemplate(uri)) return []
  const template = parseUriTemplate(uri)
  if (typeof template === 'string') throw invalid(path, template)
  return template.names
}

/** Refuses names that the URI does not have, in the text and in the variables. */
function checkNames(
  uri: string,
  text: string | null,
  variables: readonly ResourceVariable[],
): void {
  const names = namesInUri(['input', 'uri'], uri)
  // A text that is no template's is shown as it is.
  const unknown = names.length === 0 ? [] : namesInText(text ?? '')
  const missing = unknown.find((name) => !names.includes(name))
  if (missing !== undefined) {
    throw invalid(['input', 'text'], `refers to {{${missing}}}; expected a variable of the URI`)
  }
  const at = variables.findIndex(({ name }) => !names.includes(name))
  if (at === -1) return
  throw invalid(
    ['input', 'variables', String(at), 'name'],
    `is ${quote(variables[at]?.name ?? '')}; expected a variable of the URI`,
  )
}

function readVariables(
  sent: readonly (typeof ResourceVariableInput.$inferInput)[],
): ResourceVariable[] {
  const names = sent.map(({ name }) => name)
  const twice = names.findIndex((name, n) => names.indexOf(name) < n)
  if (twice !== -1) {
    const path = ['input', 'variables', String(twice), 'name']
    throw invalid(path, `is ${quote(names[twice] ?? '')} for the second time`)
  }
  const checked = sent.map(({ name, values }, n) => ({
    name,
    values: checkValues(['input', 'variables', String(n), 'values'], values),
  }))
  return checkJsonBytes(['input', 'variables'], checked, MAX_VARIABLES_BYTES)
}

builder.mutationField('createResource', (t) =>
  t.field({
    ...needs('resource:write', { level: 'EDIT', at: 'args.input.serverId' }),
    type: ResourceRef,
    description: 'Makes a resource. Clients that are connected are told that there is a new one.',
    errors: answer('The resource.', [InvalidError, NotFoundError, ConflictError]),
    args: {
      input: t.arg({ type: CreateResourceInput, required: true, description: 'What to do.' }),
    },
    resolve: async (_root, { input }, context) => {
      const serverId = checkId(['input', 'serverId'], 'srv', input.serverId)
      const content = readContent(input)
      if (content === undefined) {
        throw new InvalidError('input has no content; expected one of text, blob and toolId', [
          'input',
        ])
      }
      const { mimeType } = input
      const values = {
        ...content,
        uri: checkUri(['input', 'uri'], input.uri),
        is_template: isUriTemplate(input.uri),
        name: checkName(['input', 'name'], input.name),
        title: checkTitle(['input', 'title'], input.title ?? ''),
        description: checkText(['input', 'description'], input.description ?? ''),
        mime_type:
          typeof mimeType === 'string'
            ? checkMimeType(['input', 'mimeType'], mimeType)
            : defaultMimeType(content),
        arguments: checkArguments(['input', 'arguments'], input.arguments ?? {}),
        variables: readVariables(input.variables ?? []),
      }
      checkNames(values.uri, values.text, values.variables)
      return await createOnce(context, 'createResource', input, {
        create: async (tx) => {
          await getServer(tx, serverId)
          await checkTool(context, tx, values.tool_id)
          return await insertResource(tx, serverId, values)
        },
        get: getResource,
      })
    },
  }),
)

const UpdateResourceInput = builder.inputType('UpdateResourceInput', {
  description:
    'The resource to change; what is not given stays as it is. One of `text`, `blob` and `toolId` takes the place of what was the content.',
  fields: (t) => ({
    id: t.id({ required: true, description: 'Which resource.' }),
    uri: t.string({ description: URI_DESCRIPTION }),
    name: t.string({ description: 'What a client lists it as: 1 to 80 characters.' }),
    title: t.string({ description: 'What people call it: at most 80 characters.' }),
    description: t.string({ description: 'What it is: at most 4,096 characters.' }),
    mimeType: t.string({ description: MIME_TYPE_DESCRIPTION }),
    text: t.string({ description: TEXT_DESCRIPTION }),
    blob: t.string({ description: BLOB_DESCRIPTION }),
    toolId: t.id({ description: TOOL_DESCRIPTION }),
    arguments: t.field({ type: 'JSON', description: ARGUMENTS_DESCRIPTION }),
    variables: t.field({
      type: [ResourceVariableInput],
      description: VARIABLES_DESCRIPTION,
    }),
    version: t.int({
      description:
        'The version that the change is meant for: another one is a `ConflictError`. Default: any.',
    }),
  }),
})

builder.mutationField('updateResource', (t) =>
  t.field({
    ...needs('resource:write', { level: 'EDIT', at: 'args.input.id', via: getResource }),
    type: ResourceRef,
    description: 'Changes a resource. Clients that are connected are told so.',
    errors: answer('The resource as it is now.', [InvalidError, NotFoundError, ConflictError]),
    args: {
      input: t.arg({ type: UpdateResourceInput, required: true, description: 'What to do.' }),
    },
    resolve: async (_root, { input }, context) => {
      const id = checkId(['input', 'id'], 'res', input.id)
      const at = (field: string) => ['input', field]
      const content = readContent(input)
      const values = {
        ...content,
        ...given('uri', input.uri, (text) => checkUri(at('uri'), text)),
        ...given('is_template', input.uri, isUriTemplate),
        ...given('name', input.name, (text) => checkName(at('name'), text)),
        ...given('title', input.title, (text) => checkTitle(at('title'), text)),
        ...given('description', input.description, (text) => checkText(at('description'), text)),
        ...given('mime_type', input.mimeType, (text) => checkMimeType(at('mimeType'), text)),
        ...given('arguments', input.arguments, (value) => checkArguments(at('arguments'), value)),
        ...given('variables', input.variables, readVariables),
      }
      return await inAccount(context, async (tx) => {
        const present = await getResource(tx, id)
        const next = { ...present, ...values }
        checkLent(context, present)
        checkNames(next.uri, next.text, next.variables)
        await checkTool(context, tx, next.tool_id)
        return await updateResource(tx, id, values, input.version ?? undefined)
      })
    },
  }),
)

builder.mutationField('deleteResource', (t) =>
  t.field({
    ...needs('resource:write', { level: 'EDIT', at: 'args.id', via: getResource }),
    type: 'ID',
    description: 'Deletes a resource. Clients that are connected are told so.',
    errors: answer('The id of what is gone.', [InvalidError, NotFoundError]),
    args: { id: t.arg.id({ required: true, description: 'Which resource.' }) },
    resolve: async (_root, args, context) => {
      const id = checkId(['id'], 'res', args.id)
      await inAccount(context, async (tx) => {
        checkLent(context, await getResource(tx, id))
        await deleteResource(tx, id)
      })
      return id
    },
  }),
)

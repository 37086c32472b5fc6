// Tools: one HTTP operation each, made by importing a document. The definition itself is stored
// once per content and opened only where somebody selects `inputSchema`.
import type { Selectable } from 'kysely'
import { InvalidError, NotFoundError } from '../db/errors.ts'
import { getProvider } from '../db/provider.ts'
import type { ToolTable } from '../db/tables.ts'
import { countTools, getTool, getToolDefinition, listTools, updateTool } from '../db/tool.ts'
import { HTTP_METHODS } from '../workers/messages.ts'
import type { HttpMethod, ToolDefinition } from '../workers/messages.ts'
import { answer, builder } from './builder.ts'
import { connect, pageArgs } from './connection.ts'
import { inAccount, inAccountOnce } from './context.ts'
import { ProviderRef } from './provider.ts'
import { checkId } from './validate.ts'

/** The GraphQL enum `HttpMethod`. */
export const HttpMethodRef = builder.enumType('HttpMethod', {
  description: 'The method of an HTTP request.',
  values: Object.fromEntries(
    HTTP_METHODS.map((method) => [
      method,
      { description: `\`${method}\` of RFC 9110 or RFC 5789.` },
    ]),
  ) as Record<HttpMethod, { description: string }>,
})

const ToolRef = builder.objectRef<Selectable<ToolTable>>('Tool')

builder.node(ToolRef, {
  description: 'One operation of a provider, as models see it.',
  id: { resolve: (tool) => tool.id },
  fields: (t) => ({
    name: t.exposeString('name', {
      description: 'What models call it by: 1 to 64 of `A-Za-z0-9_-`, unique in the provider.',
    }),
    title: t.exposeString('title', { description: 'What people call it.' }),
    description: t.exposeString('description', { description: 'What it does, as told to models.' }),
    method: t.field({
      type: HttpMethodRef,
      description: 'The method of its request.',
      // The database has what an import wrote, and an import writes nothing else.
      resolve: (tool) => tool.method as HttpMethod,
    }),
    path: t.exposeString('path', {
      description: "The path below the provider's base URL, with its parameters, `/pets/{petId}`.",
    }),
    isEnabled: t.exposeBoolean('is_enabled', {
      description: 'Whether servers offer it. An import leaves this as it is.',
    }),
    inputSchema: t.field({
      type: 'JSON',
      description: 'JSON Schema 2020-12 of its arguments.',
      resolve: async ({ definition_hash: hash }, _args, context) => {
        const text = await inAccountOnce(context, `definition ${hash}`, (tx) =>
          getToolDefinition(tx, hash),
        )
        return (JSON.parse(text) as ToolDefinition).inputSchema
      },
    }),
    provider: t.field({
      type: ProviderRef,
      description: 'The API that it calls.',
      resolve: ({ provider_id: id }, _args, context) =>
        inAccountOnce(context, id, (tx) => getProvider(tx, id)),
    }),
    createdAt: t.expose('created_at', {
      type: 'DateTime',
      description: 'When it was first imported.',
    }),
    updatedAt: t.expose('updated_at', {
      type: 'DateTime',
      description: 'When it was last changed.',
    }),
  }),
})

/** The GraphQL type `ToolConnection`. */
export const ToolConnection = builder.connectionObject(
  {
    type: ToolRef,
    name: 'ToolConnection',
    description: 'A page of tools, in the order of their document.',
  },
  { name: 'ToolEdge', description: 'A tool and its place in the list.' },
)

builder.objectField(ProviderRef, 'tools', (t) =>
  t.field({
    type: ToolConnection,
    description: "The provider's tools.",
    args: pageArgs,
    resolve: ({ id: providerId }, args, context) =>
      connect(context, `provider tools ${providerId}`, args, {
        list: (tx, page) => listTools(tx, { ...page, providerId }),
        count: (tx) => countTools(tx, { providerId }),
      }),
  }),
)

builder.queryField('tool', (t) =>
  t.field({
    type: ToolRef,
    nullable: true,
    description: 'One tool. The error has the code `NOT_FOUND` where there is none.',
    args: { id: t.arg.id({ required: true, description: 'Which tool.' }) },
    resolve: async (_root, args, context) => {
      const id = checkId(['id'], 'tool', args.id)
      return await inAccount(context, (tx) => getTool(tx, id))
    },
  }),
)

const UpdateToolInput = builder.inputType('UpdateToolInput', {
  description: 'The tool to change.',
  fields: (t) => ({
    id: t.id({ required: true, description: 'Which tool.' }),
    isEnabled: t.boolean({ required: true, description: 'Whether servers offer it.' }),
  }),
})

builder.mutationField('updateTool', (t) =>
  t.field({
    type: ToolRef,
    description: 'Changes a tool in every server that has it.',
    errors: answer('The tool as it is now.', [InvalidError, NotFoundError]),
    args: { input: t.arg({ type: UpdateToolInput, required: true, description: 'What to do.' }) },
    resolve: async (_root, { input }, context) => {
      const id = checkId(['input', 'id'], 'tool', input.id)
      return await inAccount(context, (tx) => updateTool(tx, id, { isEnabled: input.isEnabled }))
    },
  }),
)

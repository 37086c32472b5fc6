// Tools: one HTTP operation each, of a document or made by hand (own-tool.ts). The definition itself is
// stored once per content and opened only where somebody selects what is in it.
import type { Selectable } from 'kysely'
import { getProvider } from '../db/provider.ts'
import type { ToolAnnotations, ToolTable } from '../db/tables.ts'
import { countTools, listTools, toolsOf, type ToolFilter } from '../db/list-tools.ts'
import { getTool } from '../db/tool.ts'
import type { Tx } from '../db/transaction.ts'
import { HTTP_METHODS } from '../workers/definition.ts'
import type { HttpMethod, ToolDefinition } from '../workers/definition.ts'
import { annotateMethod } from '../workers/openapi/annotate-method.ts'
import { builder } from './builder.ts'
import { loadProvider, loadToolDefinition } from './batch.ts'
import { connect, connectNested, orderArgs } from './connection.ts'
import { inAccount, type Context } from './context.ts'
import { HeaderRef, toPairs } from './header.ts'
import { ProviderRef } from './provider.ts'
import { needs } from './need.ts'
import { checkId, checkText } from './validate.ts'

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

/** The GraphQL type `Tool`. */
export const ToolRef = builder.objectRef<Selectable<ToolTable>>('Tool')

const ToolAnnotationsRef = builder.objectRef<ToolAnnotations>('ToolAnnotations').implement({
  description: 'What clients are told about the effects of a tool; hints, and no promises.',
  fields: (t) => ({
    readOnlyHint: t.boolean({
      description: 'It changes nothing.',
      resolve: ({ readOnlyHint = false }) => readOnlyHint,
    }),
    destructiveHint: t.boolean({
      description: 'It may overwrite or delete something; of no meaning where it changes nothing.',
      resolve: ({ destructiveHint = true }) => destructiveHint,
    }),
    idempotentHint: t.boolean({
      description: 'Called twice, it does no more than called once.',
      resolve: ({ idempotentHint = false }) => idempotentHint,
    }),
    openWorldHint: t.boolean({
      description: 'It reaches beyond a closed set of things.',
      resolve: ({ openWorldHint = true }) => openWorldHint,
    }),
  }),
})

async function readDefinition(
  { definition_hash: hash }: Selectable<ToolTable>,
  context: Context,
): Promise<ToolDefinition> {
  const text = await loadToolDefinition(context, hash)
  return JSON.parse(text) as ToolDefinition
}

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
    isImported: t.exposeBoolean('is_imported', {
      description: 'Whether it comes from a document; else it was made by hand.',
    }),
    tags: t.exposeStringList('tags', {
      description: 'The tags of its operation in the document: at most 20.',
    }),
    inputSchema: t.field({
      type: 'JSON',
      description: 'JSON Schema 2020-12 of its arguments.',
      resolve: async (tool, _args, context) => (await readDefinition(tool, context)).inputSchema,
    }),
    headers: t.field({
      ...needs('tool:read'),
      type: [HeaderRef],
      description: 'What a tool made by hand sends with every call; none for an imported one.',
      resolve: async (tool, _args, context) =>
        toPairs((await readDefinition(tool, context)).own?.headers ?? {}),
    }),
    annotations: t.field({
      type: ToolAnnotationsRef,
      description: 'What clients are told about its effects.',
      resolve: ({ method, annotations }) => ({
        ...annotateMethod(method as HttpMethod),
        ...annotations,
      }),
    }),
    provider: t.field({
      ...needs('provider:read'),
      type: ProviderRef,
      description: 'The API that it calls.',
      resolve: ({ provider_id: id }, _args, context) => loadProvider(context, id),
    }),
    createdAt: t.expose('created_at', {
      type: 'DateTime',
      description: 'When it was first imported, or made.',
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

const ToolFilterInput = builder.inputType('ToolFilter', {
  description: 'Which tools; all that is given must hold.',
  fields: (t) => ({
    nameContains: t.string({
      description: 'Those whose name or title has this in it, in upper or lower case.',
    }),
    providerId: t.id({ description: 'Those of that provider.' }),
    method: t.field({ type: HttpMethodRef, description: 'Those with that method.' }),
    tag: t.string({ description: 'Those with exactly this tag.' }),
    isEnabled: t.boolean({ description: 'Those that are, or are not, enabled.' }),
  }),
})

/** The arguments of every list of tools. */
export const toolArgs = builder.args((t) => ({
  ...orderArgs,
  filter: t.field({ type: ToolFilterInput, description: 'Which ones. Default: all.' }),
}))

/** The filter, checked. */
export function toToolFilter(
  filter: typeof ToolFilterInput.$inferInput | null | undefined,
): ToolFilter {
  const { nameContains, providerId, method, tag, isEnabled } = filter ?? {}
  return {
    ...(typeof nameContains === 'string' && {
      nameContains: checkText(['filter', 'nameContains'], nameContains),
    }),
    ...(typeof providerId === 'string' && {
      providerId: checkId(['filter', 'providerId'], 'prv', providerId),
    }),
    ...(method && { method }),
    ...(typeof tag === 'string' && { tag: checkText(['filter', 'tag'], tag) }),
    ...(typeof isEnabled === 'boolean' && { isEnabled }),
  }
}

builder.objectField(ProviderRef, 'tools', (t) =>
  t.field({
    ...needs('tool:read'),
    type: ToolConnection,
    description: "The provider's tools.",
    args: toolArgs,
    resolve: ({ id: parentId }, args, context) => {
      const filter = toToolFilter(args.filter)
      const source = (tx: Tx) => toolsOf(tx, 'provider', filter)
      return connectNested<Selectable<ToolTable>>(context, args, {
        name: 'provider tools',
        parentId,
        filter,
        source,
      })
    },
  }),
)

builder.queryField('tools', (t) =>
  t.field({
    ...needs('tool:read'),
    type: ToolConnection,
    description: 'The tools of all providers, oldest first.',
    args: toolArgs,
    resolve: (_root, args, context) => {
      const filter = toToolFilter(args.filter)
      const { providerId } = filter
      return connect(context, 'tools', args, {
        list: async (tx, page) => {
          if (providerId !== undefined) await getProvider(tx, providerId)
          return await listTools(tx, { ...page, ...filter })
        },
        count: (tx) => countTools(tx, filter),
      })
    },
  }),
)

builder.queryField('tool', (t) =>
  t.field({
    ...needs('tool:read'),
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

// Resources of servers: what a client can read by its URI. What may be written stands in
// edit-resource.ts.
import {
  countResources,
  getResource,
  listResources,
  resourcesOf,
  type Resource,
} from '../db/resource.ts'
import type { ResourceVariable } from '../db/content.ts'
import { loadServer, loadTool } from './batch.ts'
import { builder } from './builder.ts'
import { connect, connectNested, orderArgs } from './connection.ts'
import { inAccount } from './context.ts'
import { ServerRef } from './server.ts'
import { ToolRef } from './tool.ts'
import { needs } from './need.ts'
import { checkId, checkText } from './validate.ts'

/** The GraphQL type `Resource`. */
export const ResourceRef = builder.objectRef<Resource>('Resource')

const ResourceVariableRef = builder.objectRef<ResourceVariable>('ResourceVariable').implement({
  description: 'A variable of a resource template.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'As it stands in the URI.' }),
    values: t.exposeStringList('values', {
      description: 'What clients offer while a person types; others may be given, too.',
    }),
  }),
})

builder.node(ResourceRef, {
  description:
    'What clients of a server can read by its URI: stored here, or got from an API at each read. With `{variables}` in its URI it is a template.',
  id: { resolve: (resource) => resource.id },
  fields: (t) => ({
    uri: t.exposeString('uri', { description: 'Unique in its server.' }),
    isTemplate: t.exposeBoolean('is_template', { description: 'Whether its URI has variables.' }),
    name: t.exposeString('name', { description: 'What a client lists it as.' }),
    title: t.exposeString('title', { description: 'What people call it; may be empty.' }),
    description: t.exposeString('description', { description: 'What it is; may be empty.' }),
    mimeType: t.exposeString('mime_type', {
      description: 'The media type; empty where the API says it with each answer.',
    }),
    text: t.exposeString('text', {
      nullable: true,
      description: 'The stored text; in a template `{{name}}` stands for a variable.',
    }),
    blob: t.string({
      nullable: true,
      description: 'The stored bytes in base64.',
      resolve: ({ blob }) => (blob === null ? null : blob.toString('base64')),
    }),
    tool: t.field({
      ...needs('tool:read'),
      type: ToolRef,
      nullable: true,
      description: 'The GET operation that is called at each read. With it the resource goes.',
      resolve: ({ tool_id: id }, _args, context) => (id === null ? null : loadTool(context, id)),
    }),
    arguments: t.field({
      type: 'JSON',
      description: 'What the tool is called with, besides the variables: an object.',
      resolve: (resource) => resource.arguments,
    }),
    variables: t.field({
      type: [ResourceVariableRef],
      description: 'The variables that values are offered for.',
      resolve: (resource) => resource.variables,
    }),
    server: t.field({
      ...needs('server:read', { level: 'USE', at: 'parent.server_id' }),
      type: ServerRef,
      description: 'The server whose it is.',
      resolve: ({ server_id: id }, _args, context) => loadServer(context, id),
    }),
    version: t.exposeInt('version', { description: 'Goes up with every change of it.' }),
    createdAt: t.expose('created_at', { type: 'DateTime', description: 'When it was made.' }),
    updatedAt: t.expose('updated_at', { type: 'DateTime', description: 'When it was changed.' }),
  }),
})

const ResourceConnection = builder.connectionObject(
  { type: ResourceRef, name: 'ResourceConnection', description: 'A page of resources.' },
  { name: 'ResourceEdge', description: 'A resource and its place in the list.' },
)

const ResourceFilter = builder.inputType('ResourceFilter', {
  description: 'Which resources; all that is given must hold.',
  fields: (t) => ({
    nameContains: t.string({
      description: 'Those whose name has this in it, in upper or lower case.',
    }),
  }),
})

builder.queryFields((t) => ({
  resource: t.field({
    ...needs('resource:read', { level: 'EDIT', at: 'args.id', via: getResource }),
    type: ResourceRef,
    nullable: true,
    description: 'One resource. The error has the code `NOT_FOUND` where there is none.',
    args: { id: t.arg.id({ required: true, description: 'Which resource.' }) },
    resolve: async (_root, args, context) => {
      const id = checkId(['id'], 'res', args.id)
      return await inAccount(context, (tx) => getResource(tx, id))
    },
  }),
  resources: t.field({
    ...needs('resource:read'),
    type: ResourceConnection,
    description: 'The resources of all servers, oldest first.',
    args: {
      ...orderArgs,
      filter: t.arg({ type: ResourceFilter, description: 'Which ones. Default: all.' }),
    },
    resolve: (_root, args, context) => {
      const { nameContains } = args.filter ?? {}
      const filter = {
        ...(typeof nameContains === 'string' && {
          nameContains: checkText(['filter', 'nameContains'], nameContains),
        }),
      }
      return connect(context, 'resources', args, {
        list: (tx, page) => listResources(tx, { ...page, ...filter }),
        count: (tx) => countResources(tx, filter),
      })
    },
  }),
}))

builder.objectField(ServerRef, 'resources', (t) =>
  t.field({
    ...needs('resource:read', { level: 'EDIT', at: 'parent.id' }),
    type: ResourceConnection,
    description: 'Its resources, oldest first.',
    args: orderArgs,
    resolve: ({ id: parentId }, args, context) =>
      connectNested<Resource>(context, args, {
        name: 'server resources',
        parentId,
        filter: {},
        source: resourcesOf,
      }),
  }),
)

// MCP servers: what they are called and told. Which tools they have is in server-tool.ts.
import type { Selectable } from 'kysely'
import { ConflictError, InvalidError, NotFoundError } from '../db/errors.ts'
import { getProvider } from '../db/provider.ts'
import {
  countServers,
  deleteServer,
  getServer,
  insertServer,
  listServers,
  updateServer,
} from '../db/server.ts'
import type { ServerTable } from '../db/tables.ts'
import { addServerTools } from '../db/server-tool.ts'
import type { Tx } from '../db/transaction.ts'
import { answer, builder } from './builder.ts'
import { connect, orderArgs } from './connection.ts'
import { inAccount } from './context.ts'
import { createOnce, IDEMPOTENCY_KEY_DESCRIPTION } from './idempotency-key.ts'
import { checkOrigins } from './validate-url.ts'
import { demand, needs, visibleServers } from './need.ts'
import { checkId, checkIds, checkName, checkText } from './validate.ts'

/** The GraphQL type `Server`. */
export const ServerRef = builder.objectRef<Selectable<ServerTable>>('Server')

builder.node(ServerRef, {
  description: 'An MCP server: a chosen set of tools under one URL.',
  id: { resolve: (server) => server.id },
  fields: (t) => ({
    name: t.exposeString('name', { description: 'Unique in the account.' }),
    instructions: t.exposeString('instructions', {
      description: 'What models are told about using it; may be empty.',
    }),
    allowedOrigins: t.exposeStringList('allowed_origins', {
      description:
        'Origins of web pages that may speak to it from a browser, besides this installation’s own and pages of this machine.',
    }),
    mcpUrl: t.string({
      description: 'The URL to give to an MCP client, together with a server token.',
      resolve: ({ id }, _args, context) => context.mcpUrl(id),
    }),
    version: t.exposeInt('version', { description: 'Goes up with every change of it.' }),
    createdAt: t.expose('created_at', { type: 'DateTime', description: 'When it was made.' }),
    updatedAt: t.expose('updated_at', {
      type: 'DateTime',
      description: 'When it, or the choice of its tools, was last changed.',
    }),
  }),
})

const ServerConnection = builder.connectionObject(
  { type: ServerRef, name: 'ServerConnection', description: 'A page of servers.' },
  { name: 'ServerEdge', description: 'A server and its place in the list.' },
)

const ServerFilter = builder.inputType('ServerFilter', {
  description: 'Which servers; all that is given must hold.',
  fields: (t) => ({
    name: t.string({ description: 'The one whose name is exactly this.' }),
    nameContains: t.string({
      description: 'Those whose name has this in it, in upper or lower case.',
    }),
    providerId: t.id({ description: 'Those that have a tool of that provider.' }),
  }),
})

builder.queryFields((t) => ({
  server: t.field({
    ...needs('server:read', { level: 'USE', at: 'args.id' }),
    type: ServerRef,
    nullable: true,
    description: 'One server. The error has the code `NOT_FOUND` where there is none.',
    args: { id: t.arg.id({ required: true, description: 'Which server.' }) },
    resolve: async (_root, args, context) => {
      const id = checkId(['id'], 'srv', args.id)
      return await inAccount(context, (tx) => getServer(tx, id))
    },
  }),
  servers: t.field({
    ...needs('server:list'),
    type: ServerConnection,
    description:
      'The servers, oldest first. Whose role lacks `server:read` sees those that a grant opens.',
    args: {
      ...orderArgs,
      filter: t.arg({ type: ServerFilter, description: 'Which ones. Default: all.' }),
    },
    resolve: (_root, args, context) => {
      const { name, nameContains, providerId } = args.filter ?? {}
      const filter = {
        ...(typeof name === 'string' && { name: checkText(['filter', 'name'], name) }),
        ...(typeof nameContains === 'string' && {
          nameContains: checkText(['filter', 'nameContains'], nameContains),
        }),
        ...(typeof providerId === 'string' && {
          providerId: checkId(['filter', 'providerId'], 'prv', providerId),
        }),
        ids: visibleServers(context),
      }
      return connect(context, 'servers', args, {
        list: async (tx, page) => {
          if (filter.providerId !== undefined) await getProvider(tx, filter.providerId)
          return await listServers(tx, { ...page, ...filter })
        },
        count: (tx) => countServers(tx, filter),
      })
    },
  }),
}))

const ORIGINS_DESCRIPTION =
  'Origins of web pages that may speak to it from a browser, such as `https://app.example.com`: at most 50.'

const CreateServerInput = builder.inputType('CreateServerInput', {
  description: 'The server to make. It may begin without tools.',
  fields: (t) => ({
    name: t.string({
      required: true,
      description: 'What to call it: 1 to 80 characters, unique in the account.',
    }),
    instructions: t.string({
      description: 'What to tell models about using it: at most 4,096 characters. Default: "".',
    }),
    allowedOrigins: t.stringList({ description: `${ORIGINS_DESCRIPTION} Default: none.` }),
    toolIds: t.idList({ description: 'Tools to begin with: at most 1,000.' }),
    providerIds: t.idList({
      description: 'Providers to begin with all present tools of: at most 1,000.',
    }),
    idempotencyKey: t.string({ description: IDEMPOTENCY_KEY_DESCRIPTION }),
  }),
})

builder.mutationField('createServer', (t) =>
  t.field({
    ...needs('server:write'),
    type: ServerRef,
    description: 'Makes an MCP server. `createServerToken` then makes a credential for it.',
    errors: answer('The server.', [InvalidError, NotFoundError, ConflictError]),
    args: { input: t.arg({ type: CreateServerInput, required: true, description: 'What to do.' }) },
    resolve: async (_root, { input }, context) => {
      const name = checkName(['input', 'name'], input.name)
      const instructions = checkText(['input', 'instructions'], input.instructions ?? '')
      const allowedOrigins = checkOrigins(['input', 'allowedOrigins'], input.allowedOrigins ?? [])
      const toolIds = checkIds(['input', 'toolIds'], 'tool', input.toolIds)
      const providerIds = checkIds(['input', 'providerIds'], 'prv', input.providerIds)
      const create = async (tx: Tx) => {
        const server = await insertServer(tx, { name, instructions, allowedOrigins })
        for (const providerId of providerIds) await addServerTools(tx, server.id, { providerId })
        if (toolIds.length > 0) await addServerTools(tx, server.id, { toolIds })
        return await getServer(tx, server.id)
      }
      return await createOnce(context, 'createServer', input, { create, get: getServer })
    },
  }),
)

const UpdateServerInput = builder.inputType('UpdateServerInput', {
  description: 'The server to change; what is not given stays as it is.',
  fields: (t) => ({
    id: t.id({ required: true, description: 'Which server.' }),
    name: t.string({ description: 'What to call it: 1 to 80 characters, unique in the account.' }),
    instructions: t.string({
      description: 'What to tell models about using it: at most 4,096 characters.',
    }),
    allowedOrigins: t.stringList({ description: ORIGINS_DESCRIPTION }),
    version: t.int({
      description:
        'The version that the change is meant for: another one is a `ConflictError`. Default: any.',
    }),
  }),
})

builder.mutationField('updateServer', (t) =>
  t.field({
    ...needs('server:write', { level: 'EDIT', at: 'args.input.id' }),
    type: ServerRef,
    description: 'Changes a server. Its URL and its tokens stay.',
    errors: answer('The server as it is now.', [InvalidError, NotFoundError, ConflictError]),
    args: { input: t.arg({ type: UpdateServerInput, required: true, description: 'What to do.' }) },
    resolve: async (_root, { input }, context) => {
      const id = checkId(['input', 'id'], 'srv', input.id)
      const { name, instructions, allowedOrigins } = input
      // A grant lends what the server says, not who reaches it.
      if (allowedOrigins) demand(context, 'server:write')
      const values = {
        ...(typeof name === 'string' && { name: checkName(['input', 'name'], name) }),
        ...(typeof instructions === 'string' && {
          instructions: checkText(['input', 'instructions'], instructions),
        }),
        ...(allowedOrigins && {
          allowedOrigins: checkOrigins(['input', 'allowedOrigins'], allowedOrigins),
        }),
      }
      return await inAccount(context, (tx) =>
        updateServer(tx, id, values, input.version ?? undefined),
      )
    },
  }),
)

builder.mutationField('deleteServer', (t) =>
  t.field({
    ...needs('server:write'),
    type: 'ID',
    description:
      'Deletes a server with its tokens: its URL answers no more. Its tools stay with their providers.',
    errors: answer('The id of what is gone.', [InvalidError, NotFoundError]),
    args: { id: t.arg.id({ required: true, description: 'Which server.' }) },
    resolve: async (_root, args, context) => {
      const id = checkId(['id'], 'srv', args.id)
      await inAccount(context, (tx) => deleteServer(tx, id))
      return id
    },
  }),
)

// Which tools a server offers.
import type { Selectable } from 'kysely'
import { ConflictError, InvalidError, NotFoundError } from '../db/errors.ts'
import {
  addServerTools,
  listServerTools,
  removeServerTools,
  setServerTools,
  updateServerTool,
} from '../db/server-tool.ts'
import { getServer } from '../db/server.ts'
import type { ServerToolTable, ToolTable } from '../db/tables.ts'
import { toolsOf } from '../db/list-tools.ts'
import type { Tx } from '../db/transaction.ts'
import { answer, builder } from './builder.ts'
import { loadOne, loadTool } from './batch.ts'
import { connectNested } from './connection.ts'
import { inAccount } from './context.ts'
import { ServerRef } from './server.ts'
import { ToolConnection, ToolRef, toolArgs, toToolFilter } from './tool.ts'
import { needs } from './need.ts'
import { checkId, checkIds, checkName, checkText, checkToolName } from './validate.ts'

builder.objectField(ServerRef, 'tools', (t) =>
  t.field({
    ...needs('tool:read', { level: 'USE', at: 'parent.id' }),
    type: ToolConnection,
    description: 'The tools chosen for it. It offers those of them that are enabled.',
    args: toolArgs,
    resolve: ({ id: parentId }, args, context) => {
      const filter = toToolFilter(args.filter)
      const source = (tx: Tx) => toolsOf(tx, 'server', filter)
      return connectNested<Selectable<ToolTable>>(context, args, {
        name: 'server tools',
        parentId,
        filter,
        source,
      })
    },
  }),
)

const ServerToolRef = builder.objectRef<Selectable<ServerToolTable>>('ServerTool').implement({
  description: 'How a server shows one of its tools.',
  fields: (t) => ({
    tool: t.field({
      ...needs('tool:read', { level: 'USE', at: 'parent.server_id' }),
      type: ToolRef,
      description: 'The tool itself.',
      resolve: ({ tool_id: id }, _args, context) => loadTool(context, id),
    }),
    name: t.exposeString('name', {
      nullable: true,
      description: 'What it calls the tool; null: as the tool is called.',
    }),
    title: t.exposeString('title', {
      nullable: true,
      description: 'The title that it shows; null: the tool’s own.',
    }),
    description: t.exposeString('description', {
      nullable: true,
      description: 'The description that it shows; null: the tool’s own.',
    }),
    isEnabled: t.exposeBoolean('is_enabled', {
      description: 'Whether it offers the tool, as long as the tool itself is enabled.',
    }),
  }),
})

builder.objectField(ServerRef, 'serverTools', (t) =>
  t.field({
    ...needs('tool:read', { level: 'USE', at: 'parent.id' }),
    type: [ServerToolRef],
    description: 'How it shows these tools; those that it does not have are left out.',
    args: { toolIds: t.arg.idList({ required: true, description: 'Tools: at most 1,000.' }) },
    resolve: async ({ id }, args, context) => {
      const toolIds = checkIds(['toolIds'], 'tool', args.toolIds)
      const rows = await loadOne(context, `server tools ${toolIds.join()}`, id, async (tx, ids) =>
        Map.groupBy(await listServerTools(tx, ids, toolIds), (row) => row.server_id),
      )
      return rows ?? []
    },
  }),
)

const UpdateServerToolInput = builder.inputType('UpdateServerToolInput', {
  description:
    'How a server shows a tool from now on. What is not given stays as it is; null goes back to the tool’s own.',
  fields: (t) => ({
    serverId: t.id({ required: true, description: 'Which server.' }),
    toolId: t.id({ required: true, description: 'Which of its tools.' }),
    name: t.string({
      description: 'What models call it by here: 1 to 64 of `A-Za-z0-9_-`, unique in the server.',
    }),
    title: t.string({ description: 'What people call it here: 1 to 80 characters.' }),
    description: t.string({
      description: 'What models are told about it here: at most 4,096 characters.',
    }),
    isEnabled: t.boolean({ description: 'Whether this server offers it.' }),
  }),
})

builder.mutationField('updateServerTool', (t) =>
  t.field({
    ...needs('server:write', { level: 'EDIT', at: 'args.input.serverId' }),
    type: ServerToolRef,
    description:
      'Renames or re-describes a tool, or switches it off, in one server. Its clients see it at their next request.',
    errors: answer('How the server shows it now.', [InvalidError, NotFoundError, ConflictError]),
    args: {
      input: t.arg({ type: UpdateServerToolInput, required: true, description: 'What to do.' }),
    },
    resolve: async (_root, { input }, context) => {
      const serverId = checkId(['input', 'serverId'], 'srv', input.serverId)
      const toolId = checkId(['input', 'toolId'], 'tool', input.toolId)
      const orNull = (text: string | null | undefined, check: (text: string) => string) =>
        typeof text === 'string' ? check(text) : text
      const change = {
        name: orNull(input.name, (text) => checkToolName(['input', 'name'], text)),
        title: orNull(input.title, (text) => checkName(['input', 'title'], text)),
        description: orNull(input.description, (text) => checkText(['input', 'description'], text)),
        isEnabled: input.isEnabled ?? undefined,
      }
      return await inAccount(context, (tx) => updateServerTool(tx, serverId, toolId, change))
    },
  }),
)

const SetServerToolsInput = builder.inputType('SetServerToolsInput', {
  description: 'The tools that a server shall have, and no others.',
  fields: (t) => ({
    serverId: t.id({ required: true, description: 'Which server.' }),
    toolIds: t.idList({ required: true, description: 'Tools: at most 1,000.' }),
  }),
})

builder.mutationField('setServerTools', (t) =>
  t.field({
    ...needs('server:write'),
    type: ServerRef,
    description:
      'Makes the tools of a server exactly these. Those that it had already keep how it shows them.',
    errors: answer('The server.', [InvalidError, NotFoundError]),
    args: {
      input: t.arg({ type: SetServerToolsInput, required: true, description: 'What to do.' }),
    },
    resolve: async (_root, { input }, context) => {
      const serverId = checkId(['input', 'serverId'], 'srv', input.serverId)
      const toolIds = checkIds(['input', 'toolIds'], 'tool', input.toolIds)
      return await inAccount(context, async (tx) => {
        await setServerTools(tx, serverId, toolIds)
        return await getServer(tx, serverId)
      })
    },
  }),
)

const AddServerToolsInput = builder.inputType('AddServerToolsInput', {
  description: 'The tools to add, and to which server; `toolIds` or `providerIds` or both.',
  fields: (t) => ({
    serverId: t.id({ required: true, description: 'Which server.' }),
    toolIds: t.idList({ description: 'Tools: at most 1,000.' }),
    providerIds: t.idList({
      description: 'Providers, for all present tools of each: at most 1,000.',
    }),
  }),
})

builder.mutationField('addServerTools', (t) =>
  t.field({
    ...needs('server:write'),
    type: ServerRef,
    description: 'Adds tools to a server. One that it has already stays as it is.',
    errors: answer('The server.', [InvalidError, NotFoundError]),
    args: {
      input: t.arg({ type: AddServerToolsInput, required: true, description: 'What to do.' }),
    },
    resolve: async (_root, { input }, context) => {
      const serverId = checkId(['input', 'serverId'], 'srv', input.serverId)
      const toolIds = checkIds(['input', 'toolIds'], 'tool', input.toolIds)
      const providerIds = checkIds(['input', 'providerIds'], 'prv', input.providerIds)
      return await inAccount(context, async (tx) => {
        for (const providerId of providerIds) await addServerTools(tx, serverId, { providerId })
        if (toolIds.length > 0) await addServerTools(tx, serverId, { toolIds })
        return await getServer(tx, serverId)
      })
    },
  }),
)

const RemoveServerToolsInput = builder.inputType('RemoveServerToolsInput', {
  description: 'The tools to remove, and from which server.',
  fields: (t) => ({
    serverId: t.id({ required: true, description: 'Which server.' }),
    toolIds: t.idList({ required: true, description: 'Tools: at most 1,000.' }),
  }),
})

builder.mutationField('removeServerTools', (t) =>
  t.field({
    ...needs('server:write'),
    type: ServerRef,
    description:
      'Removes tools from a server. They stay with their providers; those that it does not have are passed over.',
    errors: answer('The server.', [InvalidError, NotFoundError]),
    args: {
      input: t.arg({ type: RemoveServerToolsInput, required: true, description: 'What to do.' }),
    },
    resolve: async (_root, { input }, context) => {
      const serverId = checkId(['input', 'serverId'], 'srv', input.serverId)
      const toolIds = checkIds(['input', 'toolIds'], 'tool', input.toolIds)
      return await inAccount(context, async (tx) => {
        await removeServerTools(tx, serverId, toolIds)
        return await getServer(tx, serverId)
      })
    },
  }),
)

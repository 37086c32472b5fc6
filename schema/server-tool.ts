// Which tools a server offers.
import { InvalidError, NotFoundError } from '../db/errors.ts'
import { addServerTools, removeServerTools } from '../db/server-tool.ts'
import { getServer } from '../db/server.ts'
import { countTools, listTools } from '../db/tool.ts'
import { answer, builder } from './builder.ts'
import { connect, pageArgs } from './connection.ts'
import { inAccount } from './context.ts'
import { ServerRef } from './server.ts'
import { ToolConnection } from './tool.ts'
import { checkId, checkIds } from './validate.ts'

builder.objectField(ServerRef, 'tools', (t) =>
  t.field({
    type: ToolConnection,
    description: 'The tools chosen for it. It offers those of them that are enabled.',
    args: pageArgs,
    resolve: ({ id: serverId }, args, context) =>
      connect(context, `server tools ${serverId}`, args, {
        list: (tx, page) => listTools(tx, { ...page, serverId }),
        count: (tx) => countTools(tx, { serverId }),
      }),
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

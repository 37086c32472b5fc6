// The booleans that tell a console which buttons to show.
import type { Selectable } from 'kysely'
import type { Account } from '../db/account.ts'
import type { ServerTokenTable, ToolTable } from '../db/tables.ts'
import { AccountRef } from './account.ts'
import { ApiKeyRef, mayRevoke } from './api-key.ts'
import { builder } from './builder.ts'
import { anyViewerOf, viewerOf, type Context } from './context.ts'
import { can, isGranted } from './need.ts'
import type { Permission } from './role.ts'
import { PromptRef } from './prompt.ts'
import { ProviderRef } from './provider.ts'
import { ResourceRef } from './resource.ts'
import { ServerTokenRef } from './server-token.ts'
import { ServerRef } from './server.ts'
import { ToolRef } from './tool.ts'
import { VariableRef } from './variable.ts'
import { ViewerRef } from './viewer.ts'

const UPDATE = 'Whether the viewer may change it.'
const DELETE = 'Whether the viewer may delete it.'

interface Row {
  readonly id: string
  readonly server_id?: string
  /** Of a resource: what only the account's own roles may touch. */
  readonly tool_id?: string | null
}

/** By the role, or by a grant for the server that it is or belongs to. */
function canWrite(context: Context, permission: Permission, row: Row): boolean {
  if (can(context, permission)) return true
  const serverId = permission === 'server:write' ? row.id : row.server_id
  const callsTool = typeof row.tool_id === 'string'
  return serverId !== undefined && !callsTool && isGranted(context, serverId, 'EDIT')
}

for (const [ref, permission] of [
  [ProviderRef, 'provider:write'],
  [ServerRef, 'server:write'],
  [VariableRef, 'variable:write'],
  [PromptRef, 'prompt:write'],
  [ResourceRef, 'resource:write'],
] as const) {
  builder.objectFields(ref as typeof ProviderRef, (t) => ({
    viewerCanUpdate: t.boolean({
      description: UPDATE,
      resolve: (row, _args, context) => canWrite(context, permission, row),
    }),
    viewerCanDelete: t.boolean({
      description: DELETE,
      resolve: (row, _args, context) =>
        permission === 'server:write'
          ? can(context, permission)
          : canWrite(context, permission, row),
    }),
  }))
}

builder.objectFields(ToolRef, (t) => ({
  viewerCanUpdate: t.boolean({
    description:
      'Whether the viewer may enable and disable it, and change all of it where it was made by hand.',
    resolve: (_tool, _args, context) => can(context, 'tool:write'),
  }),
  viewerCanDelete: t.boolean({
    description: 'Whether the viewer may delete it; an imported tool goes with its document only.',
    resolve: (tool: Selectable<ToolTable>, _args, context) =>
      !tool.is_imported && can(context, 'tool:write'),
  }),
  viewerCanCall: t.boolean({
    description: 'Whether the viewer may call it by `callTool`.',
    resolve: (_tool, _args, context) => can(context, 'tool:call'),
  }),
}))

builder.objectField(ServerTokenRef, 'viewerCanRevoke', (t) =>
  t.boolean({
    description: 'Whether there is something to revoke, and the viewer may.',
    resolve: (token: Selectable<ServerTokenTable>, _args, context) =>
      token.revoked_at === null &&
      (can(context, 'server-token:write') ||
        (token.person_id !== null && token.person_id === viewerOf(context).userId)),
  }),
)

builder.objectField(ApiKeyRef, 'viewerCanRevoke', (t) =>
  t.boolean({
    description: 'Whether there is something to revoke, and the viewer may.',
    resolve: (key, _args, context) => key.revoked_at === null && mayRevoke(context, key),
  }),
)

builder.objectField(AccountRef, 'viewerCanSuspend', (t) =>
  t.boolean({
    description: 'Whether the viewer may suspend and reactivate it: nobody their own.',
    resolve: (account: Account, _args, context) => {
      const { accountId, permissions } = anyViewerOf(context)
      return account.id !== accountId && permissions.has('account:administer')
    },
  }),
)

builder.objectField(ViewerRef, 'viewerCanAdministerAccounts', (t) =>
  t.boolean({
    description: 'Whether the viewer may make, list, suspend and reactivate accounts.',
    resolve: ({ permissions }) => permissions.has('account:administer'),
  }),
)

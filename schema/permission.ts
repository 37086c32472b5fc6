// What a viewer may do, as one table, and the booleans that tell a console which buttons to show. An API
// key may do everything in its account; more kinds of viewers make this table longer and nothing else.
import type { Selectable } from 'kysely'
import type { Account } from '../db/account.ts'
import type { ServerTokenTable, ToolTable } from '../db/tables.ts'
import { AccountRef } from './account.ts'
import { ApiKeyRef } from './api-key.ts'
import { builder } from './builder.ts'
import { viewerOf, type Viewer } from './context.ts'
import { PromptRef } from './prompt.ts'
import { ProviderRef } from './provider.ts'
import { ResourceRef } from './resource.ts'
import { ServerTokenRef } from './server-token.ts'
import { ServerRef } from './server.ts'
import { ToolRef } from './tool.ts'
import { VariableRef } from './variable.ts'
import { ViewerRef } from './viewer.ts'

/** What can be done, `noun:verb`. */
export type Permission =
  | 'account:administer'
  | 'api-key:write'
  | 'provider:write'
  | 'tool:write'
  | 'tool:call'
  | 'variable:write'
  | 'server:write'
  | 'server-token:write'
  | 'prompt:write'
  | 'resource:write'

/** Whether the viewer may do it, to whatever of it is in their account. */
export function can(viewer: Viewer, permission: Permission): boolean {
  return permission === 'account:administer' ? viewer.isAdministrator : true
}

const UPDATE = 'Whether the viewer may change it.'
const DELETE = 'Whether the viewer may delete it.'

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
      resolve: (_object, _args, context) => can(viewerOf(context), permission),
    }),
    viewerCanDelete: t.boolean({
      description: DELETE,
      resolve: (_object, _args, context) => can(viewerOf(context), permission),
    }),
  }))
}

builder.objectFields(ToolRef, (t) => ({
  viewerCanUpdate: t.boolean({
    description:
      'Whether the viewer may enable and disable it, and change all of it where it was made by hand.',
    resolve: (_tool, _args, context) => can(viewerOf(context), 'tool:write'),
  }),
  viewerCanDelete: t.boolean({
    description: 'Whether the viewer may delete it; an imported tool goes with its document only.',
    resolve: (tool: Selectable<ToolTable>, _args, context) =>
      !tool.is_imported && can(viewerOf(context), 'tool:write'),
  }),
  viewerCanCall: t.boolean({
    description: 'Whether the viewer may call it by `callTool`.',
    resolve: (_tool, _args, context) => can(viewerOf(context), 'tool:call'),
  }),
}))

builder.objectField(ServerTokenRef, 'viewerCanRevoke', (t) =>
  t.boolean({
    description: 'Whether there is something to revoke, and the viewer may.',
    resolve: (token: Selectable<ServerTokenTable>, _args, context) =>
      token.revoked_at === null && can(viewerOf(context), 'server-token:write'),
  }),
)

builder.objectField(ApiKeyRef, 'viewerCanRevoke', (t) =>
  t.boolean({
    description: 'Whether there is something to revoke, and the viewer may.',
    resolve: (key, _args, context) =>
      key.revoked_at === null && can(viewerOf(context), 'api-key:write'),
  }),
)

builder.objectField(AccountRef, 'viewerCanSuspend', (t) =>
  t.boolean({
    description: 'Whether the viewer may suspend and reactivate it: nobody their own.',
    resolve: (account: Account, _args, context) =>
      account.id !== viewerOf(context).accountId && can(viewerOf(context), 'account:administer'),
  }),
)

builder.objectField(ViewerRef, 'viewerCanAdministerAccounts', (t) =>
  t.boolean({
    description: 'Whether the viewer may make, list, suspend and reactivate accounts.',
    resolve: (viewer) => can(viewer, 'account:administer'),
  }),
)

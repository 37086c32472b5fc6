// Reading anything by its id alone. A miss is an error with a sentence, not null: whoever has an id
// believes that something is there.
import { getAccount } from '../db/account.ts'
import { getApiKey, type ApiKey } from '../db/api-key.ts'
import { InvalidError, NotFoundError } from '../db/errors.ts'
import { isId } from '../db/id.ts'
import type { IdPrefix } from '../db/id.ts'
import type { GrantLevel } from '../db/identity-tables.ts'
import { getInterceptor } from '../db/interceptor.ts'
import { getInvitation } from '../db/invitation.ts'
import { getMembership } from '../db/membership.ts'
import { getPrompt } from '../db/prompt.ts'
import { getProvider } from '../db/provider.ts'
import { getResource } from '../db/resource.ts'
import { getServerToken } from '../db/server-token.ts'
import { getServer } from '../db/server.ts'
import { getTool } from '../db/tool.ts'
import { getUser } from '../db/user.ts'
import { getVariable } from '../db/variable.ts'
import type { Tx } from '../db/transaction.ts'
import { builder } from './builder.ts'
import { mayRead } from './api-key.ts'
import { inAccount, viewerOf, type Context } from './context.ts'
import { rethrow } from './locate-error.ts'
import { isGranted, needs } from './need.ts'
import { prefixOfId } from './noun.ts'
import { permissionError } from './refusal.ts'
import type { Permission } from './role.ts'
import { exampleId, quote } from './validate.ts'

// Each is a query; a hundred is a page.
const MAX_NODES = 100

interface Loader {
  readonly load: (tx: Tx, id: string) => Promise<{ readonly id: string }>
  readonly permission: Permission
  /** Where a grant for a server is as good as the permission: the level, and whose server it is. */
  readonly grant?: GrantLevel
}

const LOADERS: Partial<Record<IdPrefix, Loader>> = {
  acc: {
    load: async (tx, id) => {
      // An account sees itself only, so the others must not differ from one that does not exist.
      if (id === tx.accountId) return await getAccount(tx)
      throw new NotFoundError(`No account ${id}`)
    },
    permission: 'account:read',
  },
  key: { load: getApiKey, permission: 'api-key:read' },
  prv: { load: getProvider, permission: 'provider:read' },
  tool: { load: getTool, permission: 'tool:read' },
  srv: { load: getServer, permission: 'server:read', grant: 'USE' },
  tok: { load: getServerToken, permission: 'server-token:read', grant: 'USE' },
  var: { load: getVariable, permission: 'variable:read' },
  icp: { load: getInterceptor, permission: 'interceptor:read', grant: 'EDIT' },
  pmt: { load: getPrompt, permission: 'prompt:read', grant: 'EDIT' },
  res: { load: getResource, permission: 'resource:read', grant: 'EDIT' },
  usr: { load: getUser, permission: 'membership:read' },
  mbr: { load: getMembership, permission: 'membership:read' },
  inv: { load: getInvitation, permission: 'invitation:read' },
}

async function loadNode(context: Context, id: string): Promise<{ readonly id: string }> {
  const prefix = prefixOfId(id)
  const loader = prefix === undefined ? undefined : LOADERS[prefix]
  if (prefix === undefined || loader === undefined || !isId(prefix, id)) {
    throw new InvalidError(
      `id is ${quote(id)}; expected an id of this API, such as "${exampleId('srv')}"`,
      ['id'],
    )
  }
  const { permissions, role, grants, userId } = viewerOf(context)
  const isAllowed = permissions.has(loader.permission)
  const refusal = permissionError(role, loader.permission)
  if (!isAllowed && (loader.grant === undefined || grants.size === 0)) throw refusal
  const node = await inAccount(context, (tx) => loader.load(tx, id)).catch((error: unknown) => {
    // What is hidden is not told from what is not there.
    throw isAllowed ? error : refusal
  })
  if (prefix === 'key' && !mayRead(context, node as ApiKey))
    throw new NotFoundError(`No API key ${id}`)
  if (isAllowed) return node
  const { id: ownId, server_id: serverId = ownId, person_id: makerId } = node as Granted
  const isOwn = prefix !== 'tok' || makerId === userId
  if (isOwn && isGranted(context, serverId, loader.grant ?? 'EDIT')) return node
  throw refusal
}

interface Granted {
  readonly id: string
  readonly server_id?: string
  readonly person_id?: string | null
}

builder.queryFields((t) => ({
  node: t.field({
    type: builder.nodeInterfaceRef(),
    nullable: true,
    ...needs('viewer:read'),
    description:
      'Whatever has the id, where the viewer has the permission to read such things. The error has the code `NOT_FOUND` where there is nothing.',
    args: { id: t.arg.id({ required: true, description: 'The id.' }) },
    resolve: (_root, { id }, context) => loadNode(context, id),
  }),
  nodes: t.field({
    ...needs('viewer:read'),
    type: [builder.nodeInterfaceRef()],
    nullable: { list: false, items: true },
    description:
      'Whatever has the ids, in their order; null and an error for each that has nothing.',
    args: {
      ids: t.arg.idList({ required: true, description: `The ids: at most ${MAX_NODES}.` }),
    },
    resolve: async (_root, { ids }, context) => {
      if (ids.length > MAX_NODES) {
        throw new InvalidError(`ids has ${ids.length} entries, the limit is ${MAX_NODES}`, ['ids'])
      }
      return ids.map((id) => loadNode(context, id).catch(rethrow))
    },
  }),
}))

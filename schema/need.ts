// How a field says which permission it needs. Most roles hold it for the whole account or not at all; a
// grant lends it for one server, so a field that is about one server also says which.
import type { GrantLevel } from '../db/identity-tables.ts'
import type { Tx } from '../db/transaction.ts'
import { anyViewerOf, inAccount, viewerOf, type Context } from './context.ts'
import { permissionError } from './refusal.ts'
import type { Permission } from './role.ts'

/** Where a grant for one server is as good as the permission. */
export interface GrantNeed {
  readonly level: GrantLevel
  /** Of the id in the field's parent or arguments: `args.input.serverId`. */
  readonly at: string
  /** What the id names, where it is no server. A miss lends nothing. */
  readonly via?: (tx: Tx, id: string) => Promise<{ readonly server_id: string | null }>
}

/** What a field needs, as it stands in its extensions. No interface: those are no index of texts. */
export type Need = {
  readonly permission: Permission
  readonly grant?: GrantNeed
}

/** Options of a field that is closed to whoever lacks the permission, with an error that says so. */
export function needs(permission: Permission, grant?: GrantNeed): { readonly extensions: Need } {
  return { extensions: { permission, ...(grant && { grant }) } }
}

/**
 * Resolves where the viewer may use the field, whose parent and arguments are in `field`.
 *
 * @throws {UnauthenticatedError} UNAUTHENTICATED when there is no viewer
 * @throws {SuspendedError} SUSPENDED when their account is
 * @throws {ForbiddenError} FORBIDDEN when they have neither the permission nor a grant
 */
export async function checkNeed(
  context: Context,
  { permission, grant }: Need,
  field: object,
): Promise<void> {
  const { permissions, accountId, accountProblem, role } = anyViewerOf(context)
  if (permissions.has(permission)) return
  if (grant !== undefined && accountId !== undefined && (await hasGrant(context, grant, field))) {
    return
  }
  throw accountProblem ?? permissionError(role, permission)
}

/** Whether the viewer has the permission, in their account. */
export function can(context: Context, permission: Permission): boolean {
  return viewerOf(context).permissions.has(permission)
}

/** @throws {ForbiddenError} FORBIDDEN when the viewer lacks the permission. */
export function demand(context: Context, permission: Permission): void {
  if (!can(context, permission)) throw permissionError(viewerOf(context).role, permission)
}

/** Whether a grant of the viewer's lets them do that with the server. */
export function isGranted(context: Context, serverId: string, level: GrantLevel): boolean {
  const held = viewerOf(context).grants.get(serverId)
  return held === 'EDIT' || (held !== undefined && held === level)
}

/** The servers that the viewer may see; undefined: all of the account. */
export function visibleServers(context: Context): readonly string[] | undefined {
  const { permissions, grants } = viewerOf(context)
  return permissions.has('server:read') ? undefined : [...grants.keys()]
}

async function hasGrant(context: Context, { level, at, via }: GrantNeed, field: object) {
  // Who has none is not told by the time it takes whether the id names something.
  if (viewerOf(context).grants.size === 0) return false
  const id = at
    .split('.')
    .reduce<unknown>((value, name) => (value as Record<string, unknown> | undefined)?.[name], field)
  if (typeof id !== 'string') return false
  if (via === undefined) return isGranted(context, id, level)
  const serverId = await inAccount(context, async (tx) => (await via(tx, id)).server_id).catch(
    () => null,
  )
  return serverId !== null && isGranted(context, serverId, level)
}

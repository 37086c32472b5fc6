// Resources: what a server lets a client read, stored here or got from an API at each read.
import { sql, type Selectable } from 'kysely'

import { naming } from './database-error.ts'
import { InvalidError, NotFoundError, toVersionError } from './errors.ts'
import { newId } from './id.ts'
import { toJsonb } from './jsonb.ts'
import {
  isAfter,
  orderOf,
  toPageResult,
  type NestedSource,
  type Page,
  type PageResult,
} from './page.ts'
import type { ResourceTable } from './content-tables.ts'
import type { Tx } from './transaction.ts'

/** A resource as a query answers it. */
export type Resource = Selectable<ResourceTable>

/** All that can be changed of one. */
export type ResourceInput = Pick<
  Resource,
  | 'uri'
  | 'is_template'
  | 'name'
  | 'title'
  | 'description'
  | 'mime_type'
  | 'text'
  | 'blob'
  | 'tool_id'
  | 'arguments'
  | 'variables'
>

/** Of one server: a client lists them all. */
export const MAX_RESOURCES = 500

/**
 * The new resource.
 * @throws {ConflictError} CONFLICT when the server has one of that URI
 * @throws {InvalidError} INVALID when the server has {@link MAX_RESOURCES} already
 * @throws {NotFoundError} NOT_FOUND when the account has no such server
 */
export async function insertResource(
  tx: Tx,
  serverId: string,
  { arguments: args, variables, ...input }: ResourceInput,
): Promise<Resource> {
  const { count } = await tx.trx
    .selectFrom('resource')
    .select((eb) => eb.fn.countAll<string>().as('count'))
    .where('account_id', '=', tx.accountId)
    .where('server_id', '=', serverId)
    .executeTakeFirstOrThrow()
  if (Number(count) >= MAX_RESOURCES) {
    throw new InvalidError(`The server ${serverId} has ${count} resources, which is the limit`, [])
  }
  const row = await naming(
    input.uri,
    tx.trx
      .insertInto('resource')
      .values({
        ...input,
        id: newId('res'),
        account_id: tx.accountId,
        server_id: serverId,
        arguments: toJsonb(args),
        variables: toJsonb(variables),
      })
      .returningAll()
      .executeTakeFirstOrThrow(),
  )
  tx.publish({ noun: 'resource', accountId: tx.accountId, id: row.id })
  return row
}

/**
 * The resource with the given fields replaced. With a `version`, only where it is the present one.
 * @throws {NotFoundError} NOT_FOUND when the account has no such resource
 * @throws {ConflictError} CONFLICT when the server has another one of that URI, or the resource
 *   another version: then with its `currentVersion`
 */
export async function updateResource(
  tx: Tx,
  id: string,
  { arguments: args, variables, ...fields }: Partial<ResourceInput>,
  version?: number,
): Promise<Resource> {
  const row = await naming(
    fields.uri,
    tx.trx
      .updateTable('resource')
      .set((eb) => ({
        ...fields,
        ...(args && { arguments: toJsonb(args) }),
        ...(variables && { variables: toJsonb(variables) }),
        version: eb('version', '+', 1),
        updated_at: sql<Date>`now()`,
      }))
      .where('account_id', '=', tx.accountId)
      .where('id', '=', id)
      .$if(version !== undefined, (query) => query.where('version', '=', version ?? 0))
      .returningAll()
      .executeTakeFirst(),
  )
  if (row === undefined) throw toVersionError('resource', await getResource(tx, id), version)
  tx.publish({ noun: 'resource', accountId: tx.accountId, id })
  return row
}

/**
 * The resource.
 * @throws {NotFoundError} NOT_FOUND when the account has no such resource
 */
export async function getResource(tx: Tx, id: string): Promise<Resource> {
  const row = await tx.trx
    .selectFrom('resource')
    .selectAll()
    .where('account_id', '=', tx.accountId)
    .where('id', '=', id)
    .executeTakeFirst()
  if (row === undefined) throw new NotFoundError(`No resource ${id}`)
  return row
}

/** Which resources; all that is given must hold. */
export interface ResourceFilter {
  /** Whose name has this in it, whatever the case of its letters. */
  readonly nameContains?: string | undefined
}

/** The resources that the filter names. */
export async function listResources(
  tx: Tx,
  page: Page & ResourceFilter,
): Promise<PageResult<Resource>> {
  const query = selectResources(tx, page)
    .selectAll()
    .where(isAfter('resource', page))
    .orderBy(orderOf('resource', page))
    .limit(page.first + 1)
  return toPageResult(await query.execute(), page)
}

/** How many resources the filter names. */
export async function countResources(tx: Tx, filter: ResourceFilter): Promise<number> {
  const row = await selectResources(tx, filter)
    .select((eb) => eb.fn.countAll<string>().as('count'))
    .executeTakeFirstOrThrow()
  return Number(row.count)
}

function selectResources(tx: Tx, { nameContains }: ResourceFilter) {
  const query = tx.trx.selectFrom('resource').where('account_id', '=', tx.accountId)
  if (nameContains === undefined) return query
  return query.where(sql<boolean>`strpos(lower(name), lower(${nameContains})) > 0`)
}

/** The resources of many servers: lists for `listNested`. */
export function resourcesOf(tx: Tx): NestedSource {
  return {
    table: 'resource',
    conditions: [sql`resource.account_id = ${tx.accountId} and resource.server_id = parent.id`],
  }
}

/** A resource as a server lists it: stored content is read when it is asked for. */
export interface RouteResource extends Omit<Resource, 'text' | 'blob'> {
  /** Bytes of what is stored; null where an API has it. */
  readonly size: number | null
}

/** All of a server, in the order of their ids. */
export async function listRouteResources(
  tx: Tx,
  serverId: string,
): Promise<readonly RouteResource[]> {
  const { rows } = await sql<RouteResource>`
    select id, account_id, server_id, uri, is_template, name, title, description, mime_type, tool_id,
      arguments, variables, version, created_at, updated_at,
      octet_length(coalesce(blob, convert_to(text, 'UTF8'))) as size
    from resource
    where account_id = ${tx.accountId} and server_id = ${serverId}
    order by id`.execute(tx.trx)
  return rows
}

/**
 * Deletes the resource.
 * @throws {NotFoundError} NOT_FOUND when the account has no such resource
 */
export async function deleteResource(tx: Tx, id: string): Promise<void> {
  const row = await tx.trx
    .deleteFrom('resource')
    .where('account_id', '=', tx.accountId)
    .where('id', '=', id)
    .returning('id')
    .executeTakeFirst()
  if (row === undefined) throw new NotFoundError(`No resource ${id}`)
  tx.publish({ noun: 'resource', accountId: tx.accountId, id })
}

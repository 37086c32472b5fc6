// MCP servers: a chosen set of tools with instructions. `getRoute` is the read of the call path:
// one statement for all that a server's calls need, so that a cold route costs one transaction.
import { sql, type Selectable } from 'kysely'

import { naming } from './database-error.ts'
import { NotFoundError, toVersionError } from './errors.ts'
import { newId } from './id.ts'
import { toJsonb } from './jsonb.ts'
import { isAfter, orderOf, toPageResult, type Page, type PageResult } from './page.ts'
import type { ServerTable } from './tables.ts'
import type { Tx } from './transaction.ts'

/** A server as a query answers it. */
export type Server = Selectable<ServerTable>

/** What can be changed of one. */
export interface ServerChange {
  readonly name?: string | undefined
  readonly instructions?: string | undefined
  /** Origins of web pages that may speak to it. */
  readonly allowedOrigins?: readonly string[] | undefined
}

/**
 * The new server, without tools. `name` has 1 to 100 characters, `instructions` at most 16,384.
 * @throws {ConflictError} CONFLICT when the account has one of that name
 * @throws {InvalidError} INVALID when a field is too long
 */
export async function insertServer(
  tx: Tx,
  input: Pick<ServerChange, 'instructions' | 'allowedOrigins'> & { readonly name: string },
): Promise<Server> {
  const row = await naming(
    input.name,
    tx.trx
      .insertInto('server')
      .values({
        id: newId('srv'),
        account_id: tx.accountId,
        name: input.name,
        instructions: input.instructions ?? '',
        allowed_origins: toJsonb(input.allowedOrigins ?? []),
      })
      .returningAll()
      .executeTakeFirstOrThrow(),
  )
  tx.publish({ noun: 'server', accountId: tx.accountId, id: row.id })
  return row
}

/**
 * The server with the given fields replaced. With a `version`, only where it is the present one.
 * @throws {NotFoundError} NOT_FOUND when the account has no such server
 * @throws {ConflictError} CONFLICT when the account has another one of that name, or the server
 *   another version: then with its `currentVersion`
 * @throws {InvalidError} INVALID when a field is too long
 */
export async function updateServer(
  tx: Tx,
  id: string,
  input: ServerChange,
  version?: number,
): Promise<Server> {
  const row = await naming(
    input.name,
    tx.trx
      .updateTable('server')
      .set((eb) => ({
        ...(input.name !== undefined && { name: input.name }),
        ...(input.instructions !== undefined && { instructions: input.instructions }),
        ...(input.allowedOrigins && { allowed_origins: toJsonb(input.allowedOrigins) }),
        version: eb('version', '+', 1),
        updated_at: sql<Date>`now()`,
      }))
      .where('account_id', '=', tx.accountId)
      .where('id', '=', id)
      .$if(version !== undefined, (query) => query.where('version', '=', version ?? 0))
      .returningAll()
      .executeTakeFirst(),
  )
  if (row === undefined) throw toVersionError('server', await getServer(tx, id), version)
  tx.publish({ noun: 'server', accountId: tx.accountId, id })
  return row
}

/**
 * Deletes the server with its tokens; its tools stay with their providers.
 * @throws {NotFoundError} NOT_FOUND when the account has no such server
 */
export async function deleteServer(tx: Tx, id: string): Promise<void> {
  const row = await tx.trx
    .deleteFrom('server')
    .where('account_id', '=', tx.accountId)
    .where('id', '=', id)
    .returning('id')
    .executeTakeFirst()
  if (row === undefined) throw new NotFoundError(`No server ${id}`)
  tx.publish({ noun: 'server', accountId: tx.accountId, id })
}

/** The server, if the account has it. */
export async function findServer(tx: Tx, id: string): Promise<Server | undefined> {
  return await tx.trx
    .selectFrom('server')
    .selectAll()
    .where('account_id', '=', tx.accountId)
    .where('id', '=', id)
    .executeTakeFirst()
}

/**
 * The server.
 * @throws {NotFoundError} NOT_FOUND when the account has no such server
 */
export async function getServer(tx: Tx, id: string): Promise<Server> {
  const row = await findServer(tx, id)
  if (row === undefined) throw new NotFoundError(`No server ${id}`)
  return row
}

/** The server of that name, if the account has it. */
export async function findServerByName(tx: Tx, name: string): Promise<Server | undefined> {
  return await tx.trx
    .selectFrom('server')
    .selectAll()
    .where('account_id', '=', tx.accountId)
    .where('name', '=', name)
    .executeTakeFirst()
}

/** Which servers; all that is given must hold. */
export interface ServerFilter {
  readonly name?: string | undefined
  /** Whose name has this in it, whatever the case of its letters. */
  readonly nameContains?: string | undefined
  /** One of these. Default: any. */
  readonly ids?: readonly string[] | undefined
  /** That have a tool of it. */
  readonly providerId?: string | undefined
}

/** The servers that the filter names. */
export async function listServers(tx: Tx, page: Page & ServerFilter): Promise<PageResult<Server>> {
  const query = selectServers(tx, page)
    .selectAll()
    .where(isAfter('server', page))
    .orderBy(orderOf('server', page))
    .limit(page.first + 1)
  return toPageResult(await query.execute(), page)
}

/** How many servers the filter names. */
export async function countServers(tx: Tx, filter: ServerFilter = {}): Promise<number> {
  const row = await selectServers(tx, filter)
    .select((eb) => eb.fn.countAll<string>().as('count'))
    .executeTakeFirstOrThrow()
  return Number(row.count)
}

function selectServers(tx: Tx, { name, nameContains, providerId, ids }: ServerFilter) {
  let query = tx.trx.selectFrom('server').where('account_id', '=', tx.accountId)
  if (name !== undefined) query = query.where('name', '=', name)
  if (ids !== undefined) {
    query = query.where(
      sql<boolean>`server.id in (select jsonb_array_elements_text(${toJsonb(ids)}))`,
    )
  }
  if (nameContains !== undefined) {
    query = query.where(sql<boolean>`strpos(lower(server.name), lower(${nameContains})) > 0`)
  }
  if (providerId !== undefined) {
    query = query.where(sql<boolean>`exists (
      select from server_tool join tool on tool.account_id = server_tool.account_id
        and tool.id = server_tool.tool_id
      where server_tool.account_id = server.account_id and server_tool.server_id = server.id
        and tool.provider_id = ${providerId})`)
  }
  return query
}

/** The servers with these ids, by their ids; those that the account lacks are left out. */
export async function listServersById(
  tx: Tx,
  ids: readonly string[],
): Promise<ReadonlyMap<string, Server>> {
  const rows = await tx.trx
    .selectFrom('server')
    .selectAll()
    .where('account_id', '=', tx.accountId)
    .where(sql<boolean>`id in (select jsonb_array_elements_text(${toJsonb(ids)}))`)
    .execute()
  return new Map(rows.map((row) => [row.id, row]))
}

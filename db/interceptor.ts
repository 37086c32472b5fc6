// Scripts that rewrite what goes to an API and what comes back, of one tool or of all tools of a
// server. The code is text here: what it may do is decided where it runs.
import { createHash } from 'node:crypto'

import { sql, type Selectable } from 'kysely'

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
import type { InterceptorTable } from './tables.ts'
import type { Tx } from './transaction.ts'

/** An interceptor as a query answers it. */
export type Interceptor = Selectable<InterceptorTable>

/** Whose it is: one tool's, or a server's, for all its tools. */
export type InterceptorOwner = { readonly toolId: string } | { readonly serverId: string }

/** All that can be changed of one. */
export interface InterceptorInput extends Pick<
  Interceptor,
  | 'name'
  | 'description'
  | 'phase'
  | 'engine'
  | 'code'
  | 'is_enabled'
  | 'mode'
  | 'on_error'
  | 'methods'
  | 'sees_errors'
  | 'output_schema'
> {
  /** Default: behind the others. */
  readonly position?: number | undefined
}

/** A call runs through all of them: more cost it seconds. */
export const MAX_INTERCEPTORS = 20

/**
 * The new interceptor.
 * @throws {InvalidError} INVALID when the owner has {@link MAX_INTERCEPTORS} already
 * @throws {NotFoundError} NOT_FOUND when the account has no such tool or server
 */
export async function insertInterceptor(
  tx: Tx,
  owner: InterceptorOwner,
  { position, ...input }: InterceptorInput,
): Promise<Interceptor> {
  const [tool_id, server_id] = 'toolId' in owner ? [owner.toolId, null] : [null, owner.serverId]
  const { count, last } = await tx.trx
    .selectFrom('interceptor')
    .select((eb) => [eb.fn.countAll<string>().as('count'), eb.fn.max('position').as('last')])
    .where('account_id', '=', tx.accountId)
    .where(tool_id === null ? 'server_id' : 'tool_id', '=', tool_id ?? server_id)
    .executeTakeFirstOrThrow()
  if (Number(count) >= MAX_INTERCEPTORS) {
    const whose = tool_id === null ? `server ${server_id}` : `tool ${tool_id}`
    throw new InvalidError(`The ${whose} has ${count} interceptors, which is the limit`, [])
  }
  const row = await tx.trx
    .insertInto('interceptor')
    .values({
      ...input,
      id: newId('icp'),
      account_id: tx.accountId,
      tool_id,
      server_id,
      methods: toJsonb(input.methods),
      script_hash: hashScript(input),
      position: position ?? (last === null ? 0 : Number(last) + 1),
    })
    .returningAll()
    .executeTakeFirstOrThrow()
  tx.publish({ noun: 'interceptor', accountId: tx.accountId, id: row.id })
  return row
}

/** SHA-256 of the engine and the code, in hex: what a sandbox process knows a script by. */
export function hashScript({ engine, code }: Pick<Interceptor, 'engine' | 'code'>): string {
  return createHash('sha256').update(`${engine}\n${code}`).digest('hex')
}

/**
 * The interceptor with the given fields replaced. With a `version`, only where it is the present one.
 * @throws {NotFoundError} NOT_FOUND when the account has no such interceptor
 * @throws {ConflictError} CONFLICT when it has another version: then with its `currentVersion`
 */
export async function updateInterceptor(
  tx: Tx,
  id: string,
  change: Partial<InterceptorInput>,
  version?: number,
): Promise<Interceptor> {
  const { methods, ...fields } = change
  const present = await getInterceptor(tx, id)
  const row = await tx.trx
    .updateTable('interceptor')
    .set((eb) => ({
      ...fields,
      ...(methods && { methods: toJsonb(methods) }),
      script_hash: hashScript({ ...present, ...change }),
      version: eb('version', '+', 1),
      updated_at: sql<Date>`now()`,
    }))
    .where('account_id', '=', tx.accountId)
    .where('id', '=', id)
    // The hash was made of it.
    .where('version', '=', version ?? present.version)
    .returningAll()
    .executeTakeFirst()
  if (row === undefined) {
    throw toVersionError('interceptor', await getInterceptor(tx, id), version ?? present.version)
  }
  tx.publish({ noun: 'interceptor', accountId: tx.accountId, id })
  return row
}

/**
 * The interceptor.
 * @throws {NotFoundError} NOT_FOUND when the account has no such interceptor
 */
export async function getInterceptor(tx: Tx, id: string): Promise<Interceptor> {
  const row = await tx.trx
    .selectFrom('interceptor')
    .selectAll()
    .where('account_id', '=', tx.accountId)
    .where('id', '=', id)
    .executeTakeFirst()
  if (row === undefined) throw new NotFoundError(`No interceptor ${id}`)
  return row
}

/** Those of the ids that the account has, by id. */
export async function listInterceptorsById(
  tx: Tx,
  ids: readonly string[],
): Promise<ReadonlyMap<string, Interceptor>> {
  const rows = await tx.trx
    .selectFrom('interceptor')
    .selectAll()
    .where('account_id', '=', tx.accountId)
    .where('id', 'in', ids)
    .execute()
  return new Map(rows.map((row) => [row.id, row]))
}

/** Which interceptors. */
export interface InterceptorFilter {
  /** Whose name has this in it, whatever the case of its letters. */
  readonly nameContains?: string | undefined
  readonly phase?: Interceptor['phase'] | undefined
  readonly isEnabled?: boolean | undefined
}

/** The interceptors that the filter names. */
export async function listInterceptors(
  tx: Tx,
  page: Page & InterceptorFilter,
): Promise<PageResult<Interceptor>> {
  const query = selectInterceptors(tx, page)
    .selectAll()
    .where(isAfter('interceptor', page))
    .orderBy(orderOf('interceptor', page))
    .limit(page.first + 1)
  return toPageResult(await query.execute(), page)
}

/** How many interceptors the filter names. */
export async function countInterceptors(tx: Tx, filter: InterceptorFilter): Promise<number> {
  const row = await selectInterceptors(tx, filter)
    .select((eb) => eb.fn.countAll<string>().as('count'))
    .executeTakeFirstOrThrow()
  return Number(row.count)
}

function selectInterceptors(tx: Tx, { nameContains, phase, isEnabled }: InterceptorFilter) {
  let query = tx.trx.selectFrom('interceptor').where('account_id', '=', tx.accountId)
  if (nameContains !== undefined) {
    query = query.where(sql<boolean>`strpos(lower(name), lower(${nameContains})) > 0`)
  }
  if (phase !== undefined) query = query.where('phase', '=', phase)
  if (isEnabled !== undefined) query = query.where('is_enabled', '=', isEnabled)
  return query
}

/** The interceptors of many tools or servers: lists for `listNested`. */
export function interceptorsOf(tx: Tx, owner: 'tool' | 'server'): NestedSource {
  return {
    table: 'interceptor',
    conditions: [
      sql`interceptor.account_id = ${tx.accountId}
        and ${sql.ref(`interceptor.${owner}_id`)} = parent.id`,
    ],
  }
}

/** What a call needs of an interceptor. */
export type RouteInterceptor = Pick<
  Interceptor,
  | 'id'
  | 'tool_id'
  | 'name'
  | 'phase'
  | 'engine'
  | 'code'
  | 'script_hash'
  | 'mode'
  | 'on_error'
  | 'methods'
  | 'sees_errors'
  | 'output_schema'
>

/** Those of the server, if one is given, and of these tools that are enabled, in their order. */
export async function listRouteInterceptors(
  tx: Tx,
  serverId: string | undefined,
  toolIds: readonly string[],
): Promise<readonly RouteInterceptor[]> {
  const { rows } = await sql<RouteInterceptor>`
    select id, tool_id, name, phase, engine, code, script_hash, mode, on_error, methods, sees_errors,
      output_schema
    from interceptor
    where account_id = ${tx.accountId} and is_enabled and (server_id = ${serverId ?? null}
      or tool_id in (select jsonb_array_elements_text(${toJsonb(toolIds)})))
    order by position, id`.execute(tx.trx)
  return rows
}

/**
 * Deletes the interceptor. Calls that begin afterwards go without it.
 * @throws {NotFoundError} NOT_FOUND when the account has no such interceptor
 */
export async function deleteInterceptor(tx: Tx, id: string): Promise<void> {
  const row = await tx.trx
    .deleteFrom('interceptor')
    .where('account_id', '=', tx.accountId)
    .where('id', '=', id)
    .returning('id')
    .executeTakeFirst()
  if (row === undefined) throw new NotFoundError(`No interceptor ${id}`)
  tx.publish({ noun: 'interceptor', accountId: tx.accountId, id })
}

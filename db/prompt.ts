// Prompts: messages that a server has ready, with arguments to be filled in.
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
import type { PromptTable } from './content-tables.ts'
import type { Tx } from './transaction.ts'

/** A prompt as a query answers it. */
export type Prompt = Selectable<PromptTable>

/** All that can be changed of one. */
export type PromptInput = Pick<Prompt, 'name' | 'title' | 'description' | 'arguments' | 'messages'>

/** Of one server: a client lists them all. */
export const MAX_PROMPTS = 200

/**
 * The new prompt.
 * @throws {ConflictError} CONFLICT when the server has one of that name
 * @throws {InvalidError} INVALID when the server has {@link MAX_PROMPTS} already
 * @throws {NotFoundError} NOT_FOUND when the account has no such server
 */
export async function insertPrompt(
  tx: Tx,
  serverId: string,
  { arguments: args, messages, ...input }: PromptInput,
): Promise<Prompt> {
  const { count } = await tx.trx
    .selectFrom('prompt')
    .select((eb) => eb.fn.countAll<string>().as('count'))
    .where('account_id', '=', tx.accountId)
    .where('server_id', '=', serverId)
    .executeTakeFirstOrThrow()
  if (Number(count) >= MAX_PROMPTS) {
    throw new InvalidError(`The server ${serverId} has ${count} prompts, which is the limit`, [])
  }
  const row = await naming(
    input.name,
    tx.trx
      .insertInto('prompt')
      .values({
        ...input,
        id: newId('pmt'),
        account_id: tx.accountId,
        server_id: serverId,
        arguments: toJsonb(args),
        messages: toJsonb(messages),
      })
      .returningAll()
      .executeTakeFirstOrThrow(),
  )
  tx.publish({ noun: 'prompt', accountId: tx.accountId, id: row.id })
  return row
}

/**
 * The prompt with the given fields replaced. With a `version`, only where it is the present one.
 * @throws {NotFoundError} NOT_FOUND when the account has no such prompt
 * @throws {ConflictError} CONFLICT when the server has another one of that name, or the prompt
 *   another version: then with its `currentVersion`
 */
export async function updatePrompt(
  tx: Tx,
  id: string,
  { arguments: args, messages, ...fields }: Partial<PromptInput>,
  version?: number,
): Promise<Prompt> {
  const row = await naming(
    fields.name,
    tx.trx
      .updateTable('prompt')
      .set((eb) => ({
        ...fields,
        ...(args && { arguments: toJsonb(args) }),
        ...(messages && { messages: toJsonb(messages) }),
        version: eb('version', '+', 1),
        updated_at: sql<Date>`now()`,
      }))
      .where('account_id', '=', tx.accountId)
      .where('id', '=', id)
      .$if(version !== undefined, (query) => query.where('version', '=', version ?? 0))
      .returningAll()
      .executeTakeFirst(),
  )
  if (row === undefined) throw toVersionError('prompt', await getPrompt(tx, id), version)
  tx.publish({ noun: 'prompt', accountId: tx.accountId, id })
  return row
}

/**
 * The prompt.
 * @throws {NotFoundError} NOT_FOUND when the account has no such prompt
 */
export async function getPrompt(tx: Tx, id: string): Promise<Prompt> {
  const row = await tx.trx
    .selectFrom('prompt')
    .selectAll()
    .where('account_id', '=', tx.accountId)
    .where('id', '=', id)
    .executeTakeFirst()
  if (row === undefined) throw new NotFoundError(`No prompt ${id}`)
  return row
}

/** Which prompts; all that is given must hold. */
export interface PromptFilter {
  /** Whose name has this in it, whatever the case of its letters. */
  readonly nameContains?: string | undefined
}

/** The prompts that the filter names. */
export async function listPrompts(tx: Tx, page: Page & PromptFilter): Promise<PageResult<Prompt>> {
  const query = selectPrompts(tx, page)
    .selectAll()
    .where(isAfter('prompt', page))
    .orderBy(orderOf('prompt', page))
    .limit(page.first + 1)
  return toPageResult(await query.execute(), page)
}

/** How many prompts the filter names. */
export async function countPrompts(tx: Tx, filter: PromptFilter): Promise<number> {
  const row = await selectPrompts(tx, filter)
    .select((eb) => eb.fn.countAll<string>().as('count'))
    .executeTakeFirstOrThrow()
  return Number(row.count)
}

function selectPrompts(tx: Tx, { nameContains }: PromptFilter) {
  const query = tx.trx.selectFrom('prompt').where('account_id', '=', tx.accountId)
  if (nameContains === undefined) return query
  return query.where(sql<boolean>`strpos(lower(name), lower(${nameContains})) > 0`)
}

/** The prompts of many servers: lists for `listNested`. */
export function promptsOf(tx: Tx): NestedSource {
  return {
    table: 'prompt',
    conditions: [sql`prompt.account_id = ${tx.accountId} and prompt.server_id = parent.id`],
  }
}

/** A prompt as a server lists it: its messages are read when they are asked for. */
export type RoutePrompt = Omit<Prompt, 'messages'>

/** All of a server, in the order of their ids. */
export async function listRoutePrompts(tx: Tx, serverId: string): Promise<readonly RoutePrompt[]> {
  return await tx.trx
    .selectFrom('prompt')
    .select([
      'id',
      'account_id',
      'server_id',
      'name',
      'title',
      'description',
      'arguments',
      'version',
      'created_at',
      'updated_at',
    ])
    .where('account_id', '=', tx.accountId)
    .where('server_id', '=', serverId)
    .orderBy('id')
    .execute()
}

/**
 * Deletes the prompt.
 * @throws {NotFoundError} NOT_FOUND when the account has no such prompt
 */
export async function deletePrompt(tx: Tx, id: string): Promise<void> {
  const row = await tx.trx
    .deleteFrom('prompt')
    .where('account_id', '=', tx.accountId)
    .where('id', '=', id)
    .returning('id')
    .executeTakeFirst()
  if (row === undefined) throw new NotFoundError(`No prompt ${id}`)
  tx.publish({ noun: 'prompt', accountId: tx.accountId, id })
}

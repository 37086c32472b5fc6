// Named values that requests are filled with, of an account or of one provider. A secret is encrypted
// here and leaves this layer only as ciphertext.
import { sql, type Selectable } from 'kysely'

import { ensureDataKey } from './data-key.ts'
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
import type { VariableTable } from './tables.ts'
import type { Tx } from './transaction.ts'
import type { Place, Vault } from './vault.ts'

/** A variable as a query answers it. */
export type Variable = Selectable<VariableTable>

/** What a variable is made of. */
export interface VariableInput {
  /** Whose it is; null: every provider's. */
  readonly providerId: string | null
  readonly name: string
  readonly kind: Variable['kind']
  readonly description: string
  readonly value: string
  /** Of a provider's secret: the only origin that it may be sent to. */
  readonly origin: string | null
}

/** More than any console shows; a call carries only those that it names. */
export const MAX_VARIABLES = 1_000

/** Where the ciphertext of that variable stands. */
export function placeOfVariable(accountId: string, id: string): Place {
  return { table: 'variable', column: 'ciphertext', accountId, rowId: id }
}

/**
 * The new variable.
 * @throws {ConflictError} CONFLICT when the account or provider has one of that name
 * @throws {InvalidError} INVALID when the account has {@link MAX_VARIABLES} already
 * @throws {NotFoundError} NOT_FOUND when the account has no such provider
 */
export async function insertVariable(
  tx: Tx,
  vault: Vault,
  input: VariableInput,
): Promise<Variable> {
  if ((await countVariables(tx)) >= MAX_VARIABLES) {
    throw new InvalidError(`The account has ${MAX_VARIABLES} variables, which is the limit`, [])
  }
  const id = newId('var')
  const row = await naming(
    input.name,
    tx.trx
      .insertInto('variable')
      .values({
        id,
        account_id: tx.accountId,
        provider_id: input.providerId,
        name: input.name,
        description: input.description,
        ...(await toStored(tx, vault, id, input)),
      })
      .returningAll()
      .executeTakeFirstOrThrow(),
  )
  tx.publish({ noun: 'variable', accountId: tx.accountId, id })
  return row
}

async function toStored(
  tx: Tx,
  vault: Vault,
  id: string,
  { kind, value, origin }: Pick<VariableInput, 'kind' | 'value' | 'origin'>,
) {
  if (kind === 'ENV') return { kind, value, ciphertext: null, origin: null }
  const key = await ensureDataKey(tx, vault)
  const ciphertext = vault.encrypt(key, placeOfVariable(tx.accountId, id), value)
  return { kind, value: null, ciphertext, origin }
}

/** What can be changed. Kind, value and origin go together: a value is stored as its kind says. */
export interface VariableChange {
  readonly name?: string | undefined
  readonly description?: string | undefined
  readonly stored?: Pick<VariableInput, 'kind' | 'value' | 'origin'> | undefined
}

/**
 * The variable with the given fields replaced. With a `version`, only where it is the present one.
 * @throws {NotFoundError} NOT_FOUND when the account has no such variable
 * @throws {ConflictError} CONFLICT when there is another one of that name in the same place, or the
 *   variable has another version: then with its `currentVersion`
 */
export async function updateVariable(
  tx: Tx,
  vault: Vault,
  id: string,
  { name, description, stored }: VariableChange,
  version?: number,
): Promise<Variable> {
  const values = stored === undefined ? {} : await toStored(tx, vault, id, stored)
  const row = await naming(
    name,
    tx.trx
      .updateTable('variable')
      .set((eb) => ({
        ...values,
        ...(name !== undefined && { name }),
        ...(description !== undefined && { description }),
        version: eb('version', '+', 1),
        updated_at: sql<Date>`now()`,
      }))
      .where('account_id', '=', tx.accountId)
      .where('id', '=', id)
      .$if(version !== undefined, (query) => query.where('version', '=', version ?? 0))
      .returningAll()
      .executeTakeFirst(),
  )
  if (row === undefined) throw toVersionError('variable', await getVariable(tx, id), version)
  tx.publish({ noun: 'variable', accountId: tx.accountId, id })
  return row
}

/**
 * The variable.
 * @throws {NotFoundError} NOT_FOUND when the account has no such variable
 */
export async function getVariable(tx: Tx, id: string): Promise<Variable> {
  const row = await tx.trx
    .selectFrom('variable')
    .selectAll()
    .where('account_id', '=', tx.accountId)
    .where('id', '=', id)
    .executeTakeFirst()
  if (row === undefined) throw new NotFoundError(`No variable ${id}`)
  return row
}

/** Which variables; all that is given must hold. */
export interface VariableFilter {
  /** Of that provider alone. */
  readonly providerId?: string | undefined
  readonly kind?: Variable['kind'] | undefined
  /** Whose name has this in it, whatever the case of its letters. */
  readonly nameContains?: string | undefined
}

/** The variables that the filter names. */
export async function listVariables(
  tx: Tx,
  page: Page & VariableFilter,
): Promise<PageResult<Variable>> {
  const query = selectVariables(tx, page)
    .selectAll()
    .where(isAfter('variable', page))
    .orderBy(orderOf('variable', page))
    .limit(page.first + 1)
  return toPageResult(await query.execute(), page)
}

/** How many variables the filter names. */
export async function countVariables(tx: Tx, filter: VariableFilter = {}): Promise<number> {
  const row = await selectVariables(tx, filter)
    .select((eb) => eb.fn.countAll<string>().as('count'))
    .executeTakeFirstOrThrow()
  return Number(row.count)
}

function selectVariables(tx: Tx, { providerId, kind, nameContains }: VariableFilter) {
  let query = tx.trx.selectFrom('variable').where('account_id', '=', tx.accountId)
  if (providerId !== undefined) query = query.where('provider_id', '=', providerId)
  if (kind !== undefined) query = query.where('kind', '=', kind)
  if (nameContains !== undefined) {
    query = query.where(sql<boolean>`strpos(lower(name), lower(${nameContains})) > 0`)
  }
  return query
}

/** The variables that each of many providers alone can use: lists for `listNested`. */
export function variablesOf(tx: Tx): NestedSource {
  const ofProvider = sql`variable.account_id = ${tx.accountId} and variable.provider_id = parent.id`
  return { table: 'variable', conditions: [ofProvider] }
}

/** Every variable of the account that has one of the names: the account's own and its providers'. */
export async function listVariablesNamed(
  tx: Tx,
  names: readonly string[],
): Promise<readonly Variable[]> {
  if (names.length === 0) return []
  // As JSON text, so that however many names are one parameter.
  return await tx.trx
    .selectFrom('variable')
    .selectAll()
    .where('account_id', '=', tx.accountId)
    .where(sql<boolean>`name in (select jsonb_array_elements_text(${toJsonb(names)}))`)
    .orderBy('id')
    .execute()
}

/**
 * Deletes the variable: calls that name it fail from then on.
 * @throws {NotFoundError} NOT_FOUND when the account has no such variable
 */
export async function deleteVariable(tx: Tx, id: string): Promise<void> {
  const row = await tx.trx
    .deleteFrom('variable')
    .where('account_id', '=', tx.accountId)
    .where('id', '=', id)
    .returning('id')
    .executeTakeFirst()
  if (row === undefined) throw new NotFoundError(`No variable ${id}`)
  tx.publish({ noun: 'variable', accountId: tx.accountId, id })
}

// Upstream APIs: where their tools are called and with which headers. `version` counts changes.
import { sql, type Selectable, type Updateable } from 'kysely'

import { naming } from './database-error.ts'
import { NotFoundError, toVersionError } from './errors.ts'
import { newId } from './id.ts'
import { toJsonb } from './jsonb.ts'
import { isAfter, orderOf, toPageResult, type Page, type PageResult } from './page.ts'
import type { ProviderTable } from './tables.ts'
import type { Tx } from './transaction.ts'

/** A provider as a query answers it. */
export type Provider = Selectable<ProviderTable>

/** What a provider is made of. */
export interface ProviderInput {
  /** 1 to 100 characters, unique in the account. */
  readonly name: string
  /** At most 10,000 characters. */
  readonly description: string
  /** At most 2,048 characters. */
  readonly baseUrl: string
  /** Sent with every call; at most 16 KiB as JSON. Default: none. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** Query parameters sent with every call; at most 16 KiB as JSON. Default: none. */
  readonly query?: Readonly<Record<string, string>> | undefined
  /** Names, in lower case, of clients' headers that are sent on. Default: none. */
  readonly forwardedHeaders?: readonly string[] | undefined
  /** `https:` or `data:`, at most 32,768 characters. Default: none. */
  readonly iconUrl?: string | null | undefined
  /** Where its OpenAPI document came from, at most 2,048 characters. Default: none. */
  readonly documentUrl?: string | null | undefined
}

/**
 * The new provider, without tools.
 * @throws {ConflictError} CONFLICT when the account has one of that name
 * @throws {InvalidError} INVALID when a field is too long
 */
export async function insertProvider(tx: Tx, input: ProviderInput): Promise<Provider> {
  const row = await naming(
    input.name,
    tx.trx
      .insertInto('provider')
      .values({
        id: newId('prv'),
        account_id: tx.accountId,
        name: input.name,
        description: input.description,
        base_url: input.baseUrl,
        headers: toJsonb(input.headers ?? {}),
        query: toJsonb(input.query ?? {}),
        forwarded_headers: toJsonb(input.forwardedHeaders ?? []),
        icon_url: input.iconUrl ?? null,
        document_url: input.documentUrl ?? null,
      })
      .returningAll()
      .executeTakeFirstOrThrow(),
  )
  tx.publish({ noun: 'provider', accountId: tx.accountId, id: row.id })
  return row
}

/**
 * The provider with the given fields replaced; `headers` and `query` as a whole. With a `version`, only where
 * it is the present one.
 * @throws {NotFoundError} NOT_FOUND when the account has no such provider
 * @throws {ConflictError} CONFLICT when the account has another one of that name, or the provider
 *   another version: then with its `currentVersion`
 * @throws {InvalidError} INVALID when a field is too long
 */
export async function updateProvider(
  tx: Tx,
  id: string,
  input: { readonly [Field in keyof ProviderInput]?: ProviderInput[Field] | undefined },
  version?: number,
): Promise<Provider> {
  const values: Updateable<ProviderTable> = {
    ...(input.name !== undefined && { name: input.name }),
    ...(input.description !== undefined && { description: input.description }),
    ...(input.baseUrl !== undefined && { base_url: input.baseUrl }),
    ...(input.iconUrl !== undefined && { icon_url: input.iconUrl }),
    ...(input.documentUrl !== undefined && { document_url: input.documentUrl }),
  }
  const row = await naming(
    input.name,
    tx.trx
      .updateTable('provider')
      .set((eb) => ({
        ...values,
        ...(input.headers !== undefined && { headers: toJsonb(input.headers) }),
        ...(input.query !== undefined && { query: toJsonb(input.query) }),
        ...(input.forwardedHeaders !== undefined && {
          forwarded_headers: toJsonb(input.forwardedHeaders),
        }),
        version: eb('version', '+', 1),
        updated_at: sql<Date>`now()`,
      }))
      .where('account_id', '=', tx.accountId)
      .where('id', '=', id)
      .$if(version !== undefined, (query) => query.where('version', '=', version ?? 0))
      .returningAll()
      .executeTakeFirst(),
  )
  if (row === undefined) throw toVersionError('provider', await getProvider(tx, id), version)
  tx.publish({ noun: 'provider', accountId: tx.accountId, id })
  return row
}

/** The provider, if the account has it. */
export async function findProvider(tx: Tx, id: string): Promise<Provider | undefined> {
  return await tx.trx
    .selectFrom('provider')
    .selectAll()
    .where('account_id', '=', tx.accountId)
    .where('id', '=', id)
    .executeTakeFirst()
}

/**
 * The provider.
 * @throws {NotFoundError} NOT_FOUND when the account has no such provider
 */
export async function getProvider(tx: Tx, id: string): Promise<Provider> {
  const row = await findProvider(tx, id)
  if (row === undefined) throw new NotFoundError(`No provider ${id}`)
  return row
}

/** Which providers; all that is given must hold. */
export interface ProviderFilter {
  /** Whose document came from there. */
  readonly documentUrl?: string | undefined
  /** Whose name has this in it, whatever the case of its letters. */
  readonly nameContains?: string | undefined
}

/** The providers that the filter names. */
export async function listProviders(
  tx: Tx,
  page: Page & ProviderFilter,
): Promise<PageResult<Provider>> {
  const query = selectProviders(tx, page)
    .selectAll()
    .where(isAfter('provider', page))
    .orderBy(orderOf('provider', page))
    .limit(page.first + 1)
  return toPageResult(await query.execute(), page)
}

/** How many providers the filter names. */
export async function countProviders(tx: Tx, filter: ProviderFilter = {}): Promise<number> {
  const row = await selectProviders(tx, filter)
    .select((eb) => eb.fn.countAll<string>().as('count'))
    .executeTakeFirstOrThrow()
  return Number(row.count)
}

function selectProviders(tx: Tx, { documentUrl, nameContains }: ProviderFilter) {
  let query = tx.trx.selectFrom('provider').where('account_id', '=', tx.accountId)
  if (documentUrl !== undefined) query = query.where('document_url', '=', documentUrl)
  if (nameContains !== undefined) {
    // Not LIKE: `%` and `_` in a name are characters like any other.
    query = query.where(sql<boolean>`strpos(lower(name), lower(${nameContains})) > 0`)
  }
  return query
}

/**
 * Deletes the provider with its tools, also out of the servers that have them.
 * @throws {NotFoundError} NOT_FOUND when the account has no such provider
 */
export async function deleteProvider(tx: Tx, id: string): Promise<void> {
  const row = await tx.trx
    .deleteFrom('provider')
    .where('account_id', '=', tx.accountId)
    .where('id', '=', id)
    .returning('id')
    .executeTakeFirst()
  if (row === undefined) throw new NotFoundError(`No provider ${id}`)
  tx.publish({ noun: 'provider', accountId: tx.accountId, id })
}

/** The providers with these ids, by their ids; those that the account lacks are left out. */
export async function listProvidersById(
  tx: Tx,
  ids: readonly string[],
): Promise<ReadonlyMap<string, Provider>> {
  const rows = await tx.trx
    .selectFrom('provider')
    .selectAll()
    .where('account_id', '=', tx.accountId)
    .where(sql<boolean>`id in (select jsonb_array_elements_text(${toJsonb(ids)}))`)
    .execute()
  return new Map(rows.map((row) => [row.id, row]))
}

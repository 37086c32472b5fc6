// Keys of the GraphQL API. A revoked key stays, so that a listing can say when it ended.
import { sql, type Selectable } from 'kysely'

import type { Database } from './client.ts'
import { NotFoundError } from './errors.ts'
import { newId } from './id.ts'
import { isAfter, orderOf, toPageResult, type Page, type PageResult } from './page.ts'
import type { GrantLevel, Role } from './identity-tables.ts'
import { grantsOfMember } from './server-grant.ts'
import type { ApiKeyTable } from './tables.ts'
import { withGate, type Tx } from './transaction.ts'

/** A key as a query answers it; the key itself is not kept. */
export type ApiKey = Selectable<ApiKeyTable>

/** What authentication knows of a key and its account. */
export interface ApiKeyRecord extends Pick<
  ApiKey,
  'id' | 'account_id' | 'expires_at' | 'revoked_at' | 'person_id' | 'role' | 'carries_grants'
> {
  readonly account_suspended_at: Date | null
  /** What its person is in the account; null where it has none, or they left. */
  readonly member_role: Role | null
  readonly grants: readonly (readonly [serverId: string, level: GrantLevel])[]
}

/** The new key; without `expiresAt` it does not end by itself. */
export async function insertApiKey(
  tx: Tx,
  input: {
    /** Default: a new one. */
    readonly id?: string
    readonly name: string
    readonly hash: Buffer
    readonly expiresAt?: Date | undefined
    /** Whose it is. Default: the account's own. */
    readonly userId?: string | undefined
    /** Default: OWNER. */
    readonly role?: Role
    /** Whether it carries what its person was lent, too. Default: false. */
    readonly carriesGrants?: boolean
  },
): Promise<ApiKey> {
  const row = await tx.trx
    .insertInto('api_key')
    .values({
      id: input.id ?? newId('key'),
      account_id: tx.accountId,
      name: input.name,
      hash: input.hash,
      expires_at: input.expiresAt ?? null,
      person_id: input.userId ?? null,
      role: input.role ?? 'OWNER',
      carries_grants: input.carriesGrants ?? false,
    })
    .returningAll()
    .executeTakeFirstOrThrow()
  tx.publish({ noun: 'api-key', accountId: tx.accountId, id: row.id })
  return row
}

/**
 * The key, revoked or not.
 * @throws {NotFoundError} NOT_FOUND when the account has no such key
 */
export async function getApiKey(tx: Tx, id: string): Promise<ApiKey> {
  const row = await tx.trx
    .selectFrom('api_key')
    .selectAll()
    .where('account_id', '=', tx.accountId)
    .where('id', '=', id)
    .executeTakeFirst()
  if (row === undefined) throw new NotFoundError(`No API key ${id}`)
  return row
}

/** Which keys. */
export interface ApiKeyFilter {
  /** Whose name has this in it, whatever the case of its letters. */
  readonly nameContains?: string | undefined
  readonly isRevoked?: boolean | undefined
  /** Whose they are. */
  readonly userId?: string | undefined
  /** That one alone. */
  readonly id?: string | undefined
}

/** How many keys of the account the filter names; revoked ones are among them unless it says so. */
export async function countApiKeys(tx: Tx, filter: ApiKeyFilter = {}): Promise<number> {
  const row = await selectApiKeys(tx, filter)
    .select((eb) => eb.fn.countAll<string>().as('count'))
    .executeTakeFirstOrThrow()
  return Number(row.count)
}

/** The account's keys that the filter names. */
export async function listApiKeys(tx: Tx, page: Page & ApiKeyFilter): Promise<PageResult<ApiKey>> {
  const query = selectApiKeys(tx, page)
    .selectAll()
    .where(isAfter('api_key', page))
    .orderBy(orderOf('api_key', page))
    .limit(page.first + 1)
  return toPageResult(await query.execute(), page)
}

function selectApiKeys(tx: Tx, { nameContains, isRevoked, userId, id }: ApiKeyFilter) {
  let query = tx.trx.selectFrom('api_key').where('account_id', '=', tx.accountId)
  if (nameContains !== undefined) {
    query = query.where(sql<boolean>`strpos(lower(name), lower(${nameContains})) > 0`)
  }
  if (isRevoked !== undefined) {
    query = query.where('revoked_at', isRevoked ? 'is not' : 'is', null)
  }
  if (userId !== undefined) query = query.where('person_id', '=', userId)
  if (id !== undefined) query = query.where('id', '=', id)
  return query
}

/**
 * The key, revoked from now on; one that was revoked before keeps its first time.
 * @throws {NotFoundError} NOT_FOUND when the account has no such key
 */
export async function revokeApiKey(tx: Tx, id: string): Promise<ApiKey> {
  const row = await tx.trx
    .updateTable('api_key')
    .set({ revoked_at: sql<Date>`coalesce(revoked_at, now())` })
    .where('account_id', '=', tx.accountId)
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirst()
  if (row === undefined) throw new NotFoundError(`No API key ${id}`)
  tx.publish({ noun: 'api-key', accountId: tx.accountId, id })
  return row
}

/**
 * The key with that hash, of whichever account; whether it still holds is for the caller to judge.
 * @throws {UnavailableError} UNAVAILABLE when no connection is to be had
 */
export async function findApiKeyByHash(
  db: Database,
  hash: Buffer,
): Promise<ApiKeyRecord | undefined> {
  return await withGate(db, (trx) =>
    trx
      .selectFrom('api_key')
      .innerJoin('account', 'account.id', 'api_key.account_id')
      .leftJoin('membership', (join) =>
        join
          .onRef('membership.account_id', '=', 'api_key.account_id')
          .onRef('membership.person_id', '=', 'api_key.person_id'),
      )
      .select([
        'api_key.id',
        'api_key.account_id',
        'api_key.expires_at',
        'api_key.revoked_at',
        'api_key.person_id',
        'api_key.role',
        'api_key.carries_grants',
        'account.suspended_at as account_suspended_at',
        'membership.role as member_role',
        grantsOfMember.as('grants'),
      ])
      .where('api_key.hash', '=', hash)
      .executeTakeFirst(),
  )
}

// Tokens that open one MCP server. A revoked token stays, so that a listing can say when it ended.
import { sql, type Selectable } from 'kysely'

import type { Database } from './client.ts'
import { NotFoundError } from './errors.ts'
import { newId } from './id.ts'
import type { NestedSource } from './page.ts'
import type { ServerTokenTable } from './tables.ts'
import { withGate, type Tx } from './transaction.ts'

/** A token as a query answers it; the token itself is not kept. */
export type ServerToken = Selectable<ServerTokenTable>

/** What authentication knows of a token and its account. */
export interface ServerTokenRecord extends Pick<
  ServerToken,
  'id' | 'account_id' | 'server_id' | 'is_url_allowed' | 'expires_at' | 'revoked_at'
> {
  readonly account_suspended_at: Date | null
}

/**
 * The new token; without `expiresAt` it does not end by itself.
 * @throws {NotFoundError} NOT_FOUND when the account has no such server
 */
export async function insertServerToken(
  tx: Tx,
  input: {
    /** Default: a new one. */
    readonly id?: string
    readonly serverId: string
    readonly name: string
    readonly hash: Buffer
    readonly expiresAt?: Date | undefined
    /** It may stand in the URL's query. Default: false. */
    readonly isUrlAllowed?: boolean
    /** Who makes it. Default: nobody with a name. */
    readonly userId?: string | undefined
  },
): Promise<ServerToken> {
  const row = await tx.trx
    .insertInto('server_token')
    .values({
      id: input.id ?? newId('tok'),
      account_id: tx.accountId,
      server_id: input.serverId,
      name: input.name,
      hash: input.hash,
      expires_at: input.expiresAt ?? null,
      is_url_allowed: input.isUrlAllowed ?? false,
      person_id: input.userId ?? null,
    })
    .returningAll()
    .executeTakeFirstOrThrow()
  tx.publish({ noun: 'server-token', accountId: tx.accountId, id: row.id })
  return row
}

/**
 * The token, revoked or not.
 * @throws {NotFoundError} NOT_FOUND when the account has no such token
 */
export async function getServerToken(tx: Tx, id: string): Promise<ServerToken> {
  const row = await tx.trx
    .selectFrom('server_token')
    .selectAll()
    .where('account_id', '=', tx.accountId)
    .where('id', '=', id)
    .executeTakeFirst()
  if (row === undefined) throw new NotFoundError(`No server token ${id}`)
  return row
}

/** Which tokens of a server. */
export interface ServerTokenFilter {
  readonly nameContains?: string | undefined
  readonly isRevoked?: boolean | undefined
  /** Who made them. */
  readonly userId?: string | undefined
}

/** The tokens of many servers that the filter names: lists for `listNested`. */
export function serverTokensOf(
  tx: Tx,
  { nameContains, isRevoked, userId }: ServerTokenFilter,
): NestedSource {
  const conditions = [
    sql`server_token.account_id = ${tx.accountId} and server_token.server_id = parent.id`,
  ]
  if (nameContains !== undefined) {
    conditions.push(sql`strpos(lower(server_token.name), lower(${nameContains})) > 0`)
  }
  if (isRevoked !== undefined) {
    conditions.push(sql`(server_token.revoked_at is not null) = ${isRevoked}`)
  }
  if (userId !== undefined) conditions.push(sql`server_token.person_id = ${userId}`)
  return { table: 'server_token', conditions }
}

/**
 * The token, revoked from now on; one that was revoked before keeps its first time.
 * @throws {NotFoundError} NOT_FOUND when the account has no such token
 */
export async function revokeServerToken(tx: Tx, id: string): Promise<ServerToken> {
  const row = await tx.trx
    .updateTable('server_token')
    .set({ revoked_at: sql<Date>`coalesce(revoked_at, now())` })
    .where('account_id', '=', tx.accountId)
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirst()
  if (row === undefined) throw new NotFoundError(`No server token ${id}`)
  tx.publish({ noun: 'server-token', accountId: tx.accountId, id })
  return row
}

/**
 * The token with that hash, of whichever account; whether it still holds is for the caller to
 * judge.
 * @throws {UnavailableError} UNAVAILABLE when no connection is to be had
 */
export async function findServerTokenByHash(
  db: Database,
  hash: Buffer,
): Promise<ServerTokenRecord | undefined> {
  return await withGate(db, (trx) =>
    trx
      .selectFrom('server_token')
      .innerJoin('account', 'account.id', 'server_token.account_id')
      .select([
        'server_token.id',
        'server_token.account_id',
        'server_token.server_id',
        'server_token.is_url_allowed',
        'server_token.expires_at',
        'server_token.revoked_at',
        'account.suspended_at as account_suspended_at',
      ])
      .where('server_token.hash', '=', hash)
      .executeTakeFirst(),
  )
}

// What members may do with single servers, beyond what their role lets them.
import { sql, type Selectable } from 'kysely'

import { NotFoundError } from './errors.ts'
import type { GrantLevel, ServerGrantTable } from './identity-tables.ts'
import { toJsonb } from './jsonb.ts'
import { deleteSessionsOfMember } from './session-of-member.ts'
import type { Tx } from './transaction.ts'

/** A grant as a query answers it. */
export type ServerGrant = Selectable<ServerGrantTable>

/** For `select`, where `membership` is joined: a member's grants, as pairs of a server's id and a level. */
export const grantsOfMember = sql<readonly (readonly [string, GrantLevel])[]>`(
  select coalesce(jsonb_agg(jsonb_build_array(server_id, level)), '[]') from server_grant
  where server_grant.account_id = membership.account_id
    and server_grant.membership_id = membership.id)`

/** Which grant. */
export interface ServerGrantKey {
  readonly serverId: string
  readonly membershipId: string
}

/**
 * The grant, at that level from now on. The member's sessions in the account end, as their rights
 * have changed.
 * @throws {NotFoundError} NOT_FOUND when the account has no such server or membership
 */
export async function upsertServerGrant(
  tx: Tx,
  { serverId, membershipId, level }: ServerGrantKey & { readonly level: GrantLevel },
): Promise<ServerGrant> {
  const row = await tx.trx
    .insertInto('server_grant')
    .values({
      account_id: tx.accountId,
      server_id: serverId,
      membership_id: membershipId,
      level,
    })
    .onConflict((conflict) =>
      conflict.columns(['account_id', 'membership_id', 'server_id']).doUpdateSet({ level }),
    )
    .returningAll()
    .executeTakeFirstOrThrow()
  await endSessions(tx, membershipId)
  tx.publish({ noun: 'membership', accountId: tx.accountId, id: membershipId })
  return row
}

/**
 * The grant that is no more; unless they are kept, so are the tokens that its member made for the
 * server.
 * @throws {NotFoundError} NOT_FOUND when there is no such grant
 */
export async function deleteServerGrant(
  tx: Tx,
  { serverId, membershipId, keepsTokens }: ServerGrantKey & { readonly keepsTokens: boolean },
): Promise<ServerGrant> {
  const row = await tx.trx
    .deleteFrom('server_grant')
    .where('account_id', '=', tx.accountId)
    .where('membership_id', '=', membershipId)
    .where('server_id', '=', serverId)
    .returningAll()
    .executeTakeFirst()
  if (row === undefined) {
    throw new NotFoundError(`No grant of ${membershipId} for ${serverId}`)
  }
  await endSessions(tx, membershipId)
  tx.publish({ noun: 'membership', accountId: tx.accountId, id: membershipId })
  if (keepsTokens) return row
  const tokens = await tx.trx
    .deleteFrom('server_token')
    .where('account_id', '=', tx.accountId)
    .where('server_id', '=', serverId)
    .where('person_id', '=', (eb) =>
      eb
        .selectFrom('membership')
        .select('person_id')
        .where('account_id', '=', tx.accountId)
        .where('id', '=', membershipId),
    )
    .returning('id')
    .execute()
  for (const { id } of tokens) tx.publish({ noun: 'server-token', accountId: tx.accountId, id })
  return row
}

async function endSessions(tx: Tx, membershipId: string): Promise<void> {
  const member = await tx.trx
    .selectFrom('membership')
    .select('person_id')
    .where('account_id', '=', tx.accountId)
    .where('id', '=', membershipId)
    .executeTakeFirst()
  if (member !== undefined) await deleteSessionsOfMember(tx, member.person_id)
}

/** The grants of each of these members, by the membership's id. */
export async function listServerGrants(
  tx: Tx,
  membershipIds: readonly string[],
): Promise<ReadonlyMap<string, readonly ServerGrant[]>> {
  const rows = await tx.trx
    .selectFrom('server_grant')
    .selectAll()
    .where('account_id', '=', tx.accountId)
    .where(
      sql<boolean>`membership_id in (select jsonb_array_elements_text(${toJsonb(membershipIds)}))`,
    )
    .orderBy('server_id')
    .execute()
  return Map.groupBy(rows, (row) => row.membership_id)
}

// Whom an account asks to join. An invitation is for one address, for seven days and for once; the link
// is not kept. A later one for the same address takes the place of an earlier one.
import { sql, type Selectable } from 'kysely'

import type { Database } from './client.ts'
import { ConflictError, NotFoundError } from './errors.ts'
import { newId } from './id.ts'
import type { InvitationTable, Role } from './identity-tables.ts'
import { toJsonb } from './jsonb.ts'
import { isAfter, orderOf, toPageResult, type Page, type PageResult } from './page.ts'
import { withIdentity, withPurge, type Tx } from './transaction.ts'

/** An invitation as a query answers it. */
export type Invitation = Selectable<InvitationTable>

/** How long it can be accepted. */
export const INVITATION_DAYS = 7

// A mail each, to addresses of somebody's choosing.
const MAX_INVITATIONS_PER_DAY = 100

/**
 * The new invitation; a pending one for the same address is revoked.
 * @throws {ConflictError} CONFLICT when the account made 100 within a day, or the address is a member's
 */
export async function insertInvitation(
  tx: Tx,
  input: {
    /** Default: a new one. */
    readonly id?: string
    readonly email: string
    readonly emailKey: string
    readonly role: Role
    readonly invitedBy: string | null
  },
): Promise<Invitation> {
  // One after another: of two for one address, the later one is the one that counts.
  await sql`select from account where id = ${tx.accountId} for update`.execute(tx.trx)
  await refuseFlood(tx)
  await refuseMember(tx, input.emailKey)
  await tx.trx
    .updateTable('invitation')
    .set({ revoked_at: sql<Date>`now()` })
    .where('account_id', '=', tx.accountId)
    .where('email_key', '=', input.emailKey)
    .where(isPending)
    .execute()
  const row = await tx.trx
    .insertInto('invitation')
    .values({
      id: input.id ?? newId('inv'),
      account_id: tx.accountId,
      email: input.email,
      email_key: input.emailKey,
      role: input.role,
      invited_by: input.invitedBy,
      expires_at: sql<Date>`now() + make_interval(days => ${INVITATION_DAYS})`,
    })
    .returningAll()
    .executeTakeFirstOrThrow()
  tx.publish({ noun: 'invitation', accountId: tx.accountId, id: row.id })
  return row
}

async function refuseFlood(tx: Tx): Promise<void> {
  const { count } = await tx.trx
    .selectFrom('invitation')
    .select((eb) => eb.fn.countAll<string>().as('count'))
    .where('account_id', '=', tx.accountId)
    .where('created_at', '>', sql<Date>`now() - interval '1 day'`)
    .executeTakeFirstOrThrow()
  if (Number(count) < MAX_INVITATIONS_PER_DAY) return
  throw new ConflictError(
    `The account invited ${count} people within a day, the limit is ${MAX_INVITATIONS_PER_DAY}; go on tomorrow`,
  )
}

async function refuseMember(tx: Tx, emailKey: string): Promise<void> {
  const member = await tx.trx
    .selectFrom('membership')
    .innerJoin('person', 'person.id', 'membership.person_id')
    .select('membership.id')
    .where('membership.account_id', '=', tx.accountId)
    .where('person.email_key', '=', emailKey)
    .executeTakeFirst()
  if (member === undefined) return
  throw new ConflictError(
    `Whoever has this address belongs to the account already, as ${member.id}; updateMembership changes the role`,
  )
}

const isPending = sql<boolean>`accepted_at is null and revoked_at is null and expires_at > now()`

/**
 * The invitation, whatever became of it.
 * @throws {NotFoundError} NOT_FOUND when the account has no such invitation
 */
export async function getInvitation(tx: Tx, id: string): Promise<Invitation> {
  const row = await tx.trx
    .selectFrom('invitation')
    .selectAll()
    .where('account_id', '=', tx.accountId)
    .where('id', '=', id)
    .executeTakeFirst()
  if (row === undefined) throw new NotFoundError(`No invitation ${id}`)
  return row
}

/** The invitation of the account that whoever has that address can accept now, if there is one. */
export async function findPendingInvitation(
  tx: Tx,
  emailKey: string,
): Promise<Invitation | undefined> {
  return await tx.trx
    .selectFrom('invitation')
    .selectAll()
    .where('account_id', '=', tx.accountId)
    .where('email_key', '=', emailKey)
    .where(isPending)
    .executeTakeFirst()
}

/** Which invitations. */
export interface InvitationFilter {
  /** Those that can, or cannot, be accepted now. */
  readonly isPending?: boolean | undefined
}

/** How many invitations of the account the filter names. */
export async function countInvitations(tx: Tx, filter: InvitationFilter = {}): Promise<number> {
  const row = await selectInvitations(tx, filter)
    .select((eb) => eb.fn.countAll<string>().as('count'))
    .executeTakeFirstOrThrow()
  return Number(row.count)
}

/** The account's invitations that the filter names. */
export async function listInvitations(
  tx: Tx,
  page: Page & InvitationFilter,
): Promise<PageResult<Invitation>> {
  const query = selectInvitations(tx, page)
    .selectAll()
    .where(isAfter('invitation', page))
    .orderBy(orderOf('invitation', page))
    .limit(page.first + 1)
  return toPageResult(await query.execute(), page)
}

function selectInvitations(tx: Tx, filter: InvitationFilter) {
  const query = tx.trx.selectFrom('invitation').where('account_id', '=', tx.accountId)
  if (filter.isPending === undefined) return query
  return query.where(filter.isPending ? isPending : sql<boolean>`not (${isPending})`)
}

/**
 * The invitation, revoked from now on; one that was accepted or revoked before stays as it is.
 * @throws {NotFoundError} NOT_FOUND when the account has no such invitation
 */
export async function revokeInvitation(tx: Tx, id: string): Promise<Invitation> {
  const row = await tx.trx
    .updateTable('invitation')
    .set({ revoked_at: sql<Date>`now()` })
    .where('account_id', '=', tx.accountId)
    .where('id', '=', id)
    .where('accepted_at', 'is', null)
    .where('revoked_at', 'is', null)
    .returningAll()
    .executeTakeFirst()
  if (row === undefined) return await getInvitation(tx, id)
  tx.publish({ noun: 'invitation', accountId: tx.accountId, id })
  return row
}

/**
 * Revokes what a member has asked others to, but for these roles, and what they were asked to
 * themselves: no link that was made before leads back to more than they have now.
 */
export async function revokeInvitations(
  tx: Tx,
  userId: string,
  keptRoles: readonly Role[],
): Promise<void> {
  await sql`update invitation set revoked_at = now()
    where account_id = ${tx.accountId} and ${isPending} and (
      (invited_by = ${userId}
        and role not in (select jsonb_array_elements_text(${toJsonb(keptRoles)})))
      or email_key = (select email_key from person where id = ${userId}))`.execute(tx.trx)
}

/** The invitation if it was pending and for that address; it is accepted now, and by nobody else. */
export async function acceptInvitation(
  tx: Tx,
  id: string,
  emailKey: string,
): Promise<Invitation | undefined> {
  const row = await tx.trx
    .updateTable('invitation')
    .set({ accepted_at: sql<Date>`now()` })
    .where('account_id', '=', tx.accountId)
    .where('id', '=', id)
    .where('email_key', '=', emailKey)
    .where(isPending)
    .returningAll()
    .executeTakeFirst()
  if (row !== undefined) tx.publish({ noun: 'invitation', accountId: tx.accountId, id })
  return row
}

/** Deletes invitations that ended more than 30 days ago, with the addresses in them. How many. */
export async function deleteExpiredInvitations(db: Database): Promise<number> {
  return await withPurge(db, async (trx) => {
    // Their age is the policy's, `invitation_purge_policy`.
    const result = await trx.deleteFrom('invitation').executeTakeFirstOrThrow()
    return Number(result.numDeletedRows)
  })
}

/** Whether any account waits for whoever has that address. */
export async function hasInvitation(db: Database, emailKey: string): Promise<boolean> {
  return await withIdentity(db, async ({ trx }) => {
    const row = await trx
      .selectFrom('invitation')
      .select('id')
      .where('email_key', '=', emailKey)
      .where(isPending)
      .executeTakeFirst()
    return row !== undefined
  })
}

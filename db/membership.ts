// Who belongs to an account, and as what. The account's row is locked before the last owner could be
// lost, so that two owners who leave at once do not both get through.
import { sql, type Selectable } from 'kysely'

import { ConflictError, NotFoundError } from './errors.ts'
import { newId } from './id.ts'
import type { MembershipTable, Role } from './identity-tables.ts'
import { revokeInvitations } from './invitation.ts'
import { toJsonb } from './jsonb.ts'
import { isAfter, orderOf, toPageResult, type Page, type PageResult } from './page.ts'
import { deleteSessionsOfMember } from './session-of-member.ts'
import type { OperatorTx, Tx } from './transaction.ts'

/** A membership as a query answers it. */
export type Membership = Selectable<MembershipTable>

/** An account that a person belongs to, and as what. */
export interface MembershipOfUser {
  readonly role: Role
  readonly account: {
    readonly id: string
    readonly name: string
    readonly created_at: Date
    readonly suspended_at: Date | null
  }
}

// Of one account: a company, and no list that somebody fills.
const MAX_MEMBERSHIPS = 2_000

/**
 * The new membership.
 * @throws {ConflictError} CONFLICT when the person belongs to the account already, or 2,000 do
 */
export async function insertMembership(
  tx: Tx,
  input: { readonly userId: string; readonly role: Role },
): Promise<Membership> {
  if ((await countMemberships(tx)) >= MAX_MEMBERSHIPS) {
    throw new ConflictError(`The account has ${MAX_MEMBERSHIPS} members, which is the limit`)
  }
  const row = await tx.trx
    .insertInto('membership')
    .values({
      id: newId('mbr'),
      account_id: tx.accountId,
      person_id: input.userId,
      role: input.role,
    })
    .returningAll()
    .executeTakeFirstOrThrow()
  tx.publish({ noun: 'membership', accountId: tx.accountId, id: row.id })
  return row
}

/**
 * The membership.
 * @throws {NotFoundError} NOT_FOUND when the account has no such membership
 */
export async function getMembership(tx: Tx, id: string): Promise<Membership> {
  const row = await tx.trx
    .selectFrom('membership')
    .selectAll()
    .where('account_id', '=', tx.accountId)
    .where('id', '=', id)
    .executeTakeFirst()
  if (row === undefined) throw new NotFoundError(`No membership ${id}`)
  return row
}

/**
 * The membership, which nobody else changes before this transaction is over.
 * @throws {NotFoundError} NOT_FOUND when the account has no such membership
 */
export async function lockMembership(tx: Tx, id: string): Promise<Membership> {
  await sql`select from membership where account_id = ${tx.accountId} and id = ${id}
    for update`.execute(tx.trx)
  return await getMembership(tx, id)
}

/** The memberships with these ids, by their ids; those that the account lacks are left out. */
export async function listMembershipsById(
  tx: Tx,
  ids: readonly string[],
): Promise<ReadonlyMap<string, Membership>> {
  const rows = await tx.trx
    .selectFrom('membership')
    .selectAll()
    .where('account_id', '=', tx.accountId)
    .where(sql<boolean>`id in (select jsonb_array_elements_text(${toJsonb(ids)}))`)
    .execute()
  return new Map(rows.map((row) => [row.id, row]))
}

/** The person's membership in the account, if they belong to it. */
export async function findMembershipOfUser(
  tx: Tx,
  userId: string,
): Promise<Membership | undefined> {
  return await tx.trx
    .selectFrom('membership')
    .selectAll()
    .where('account_id', '=', tx.accountId)
    .where('person_id', '=', userId)
    .executeTakeFirst()
}

/** Which memberships. */
export interface MembershipFilter {
  /** Whose person has this in their name or address, whatever the case of its letters. */
  readonly contains?: string | undefined
  readonly role?: Role | undefined
}

/** How many memberships of the account the filter names. */
export async function countMemberships(tx: Tx, filter: MembershipFilter = {}): Promise<number> {
  const row = await selectMemberships(tx, filter)
    .select((eb) => eb.fn.countAll<string>().as('count'))
    .executeTakeFirstOrThrow()
  return Number(row.count)
}

/** The account's memberships that the filter names. */
export async function listMemberships(
  tx: Tx,
  page: Page & MembershipFilter,
): Promise<PageResult<Membership>> {
  const query = selectMemberships(tx, page)
    .selectAll('membership')
    .where(isAfter('membership', page))
    .orderBy(orderOf('membership', page))
    .limit(page.first + 1)
  return toPageResult(await query.execute(), page)
}

function selectMemberships(tx: Tx, { contains, role }: MembershipFilter) {
  let query = tx.trx
    .selectFrom('membership')
    .innerJoin('person', 'person.id', 'membership.person_id')
    .where('membership.account_id', '=', tx.accountId)
  if (contains !== undefined) {
    query = query.where(
      sql<boolean>`strpos(lower(person.name || ' ' || person.email), lower(${contains})) > 0`,
    )
  }
  if (role !== undefined) query = query.where('membership.role', '=', role)
  return query
}

/** The accounts that the person belongs to, in the order in which they joined. */
export async function listMembershipsOfUser(
  tx: OperatorTx,
  userId: string,
): Promise<readonly MembershipOfUser[]> {
  const rows = await tx.trx
    .selectFrom('membership')
    .innerJoin('account', 'account.id', 'membership.account_id')
    .select([
      'membership.role',
      'account.id',
      'account.name',
      'account.created_at',
      'account.suspended_at',
    ])
    .where('membership.person_id', '=', userId)
    .orderBy('membership.id')
    .execute()
  return rows.map(({ role, ...account }) => ({ role, account }))
}

/** What a member made that goes on under another role. */
export interface Kept {
  /** Those for servers they have no grant for. */
  readonly keepsTokens: boolean
  /** The roles that they may still invite others to. */
  readonly invitationRoles: readonly Role[]
}

/**
 * The membership with another role. The person's sessions in the account end; so do, unless they
 * are kept, the tokens that they made, and pending invitations by them or of them.
 * @throws {NotFoundError} NOT_FOUND when the account has no such membership
 * @throws {ConflictError} CONFLICT when it is the last owner's
 */
export async function updateMembership(
  tx: Tx,
  id: string,
  role: Role,
  { keepsTokens, invitationRoles }: Kept,
): Promise<Membership> {
  const before = await lockMembership(tx, id)
  if (before.role === role) return before
  if (before.role === 'OWNER') await keepOwner(tx, id)
  const row = await tx.trx
    .updateTable('membership')
    .set({ role, updated_at: sql<Date>`now()` })
    .where('account_id', '=', tx.accountId)
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirstOrThrow()
  await deleteSessionsOfMember(tx, row.person_id)
  if (!keepsTokens) await deleteTokens(tx, row)
  await revokeInvitations(tx, row.person_id, invitationRoles)
  tx.publish({ noun: 'membership', accountId: tx.accountId, id })
  return row
}

/**
 * Ends a membership, and with it the person's sessions in the account, API keys, server tokens
 * and grants, and pending invitations by them or of them.
 * @throws {NotFoundError} NOT_FOUND when the account has no such membership
 * @throws {ConflictError} CONFLICT when it is the last owner's
 */
export async function deleteMembership(tx: Tx, id: string): Promise<Membership> {
  const membership = await lockMembership(tx, id)
  if (membership.role === 'OWNER') await keepOwner(tx, id)
  // With them, the rest would be gone by itself: what is cached of a token has to be told.
  await tx.trx.deleteFrom('server_grant').where('membership_id', '=', id).execute()
  await deleteTokens(tx, membership)
  await revokeInvitations(tx, membership.person_id, [])
  await tx.trx
    .deleteFrom('membership')
    .where('account_id', '=', tx.accountId)
    .where('id', '=', id)
    .execute()
  tx.publish({ noun: 'membership', accountId: tx.accountId, id })
  return membership
}

/** Those that the member made for servers without a grant of theirs. */
async function deleteTokens(tx: Tx, { id, person_id: userId }: Membership): Promise<void> {
  const tokens = await tx.trx
    .deleteFrom('server_token')
    .where('account_id', '=', tx.accountId)
    .where('person_id', '=', userId)
    .where('server_id', 'not in', (eb) =>
      eb
        .selectFrom('server_grant')
        .select('server_id')
        .where('account_id', '=', tx.accountId)
        .where('membership_id', '=', id),
    )
    .returning('id')
    .execute()
  for (const token of tokens) {
    tx.publish({ noun: 'server-token', accountId: tx.accountId, id: token.id })
  }
}

/** Others must be owners besides this one. */
async function keepOwner(tx: Tx, id: string): Promise<void> {
  await sql`select from account where id = ${tx.accountId} for update`.execute(tx.trx)
  const other = await tx.trx
    .selectFrom('membership')
    .select('id')
    .where('account_id', '=', tx.accountId)
    .where('role', '=', 'OWNER')
    .where('id', '!=', id)
    .executeTakeFirst()
  if (other !== undefined) return
  throw new ConflictError(
    'This is the last owner of the account; make somebody else an OWNER first',
  )
}

// Browsers that are signed in. Only a hash of the cookie is kept; there is no address and no name of a
// device. A session ends 14 days after it began, 12 hours after its last use, with its membership, or
// when somebody revokes it, which deletes the row: the next request finds none.
import { sql, type Selectable } from 'kysely'

import type { Database } from './client.ts'
import { NotFoundError } from './errors.ts'
import { newId } from './id.ts'
import type { GrantLevel, PersonTable, Role, SessionTable } from './identity-tables.ts'
import { grantsOfMember } from './server-grant.ts'
import { withIdentity, withPurge, type OperatorTx } from './transaction.ts'

/** A session as a query answers it. */
export type Session = Selectable<SessionTable>

/** A session that holds, its person, and what they are in the account that it acts in. */
export interface SessionRecord {
  readonly session: Session
  readonly user: Selectable<PersonTable>
  /** Null where the session acts in no account. */
  readonly role: Role | null
  readonly account_suspended_at: Date | null
  readonly grants: readonly (readonly [serverId: string, level: GrantLevel])[]
}

/** From the sign-in on, however busy it is. */
export const SESSION_DAYS = 14
/** From the last use on. */
export const SESSION_IDLE_HOURS = 12

// A use is written down once a minute: what is idle for hours needs no more, and a page's burst of
// requests writes nothing.
const USE_SECONDS = 60
// Twenty browsers and devices; the oldest makes room.
const MAX_SESSIONS_PER_USER = 20

/** The new session; the oldest of a person who has too many ends. */
export async function insertSession(
  tx: OperatorTx,
  input: { readonly userId: string; readonly accountId: string | null; readonly hash: Buffer },
): Promise<Session> {
  await sql`delete from session where person_id = ${input.userId} and id not in (
    select id from session where person_id = ${input.userId}
    order by id desc limit ${MAX_SESSIONS_PER_USER - 1})`.execute(tx.trx)
  return await tx.trx
    .insertInto('session')
    .values({
      id: newId('ses'),
      person_id: input.userId,
      account_id: input.accountId,
      hash: input.hash,
    })
    .returningAll()
    .executeTakeFirstOrThrow()
}

/**
 * The session with that hash, if it still holds; it has been used now.
 * @throws {UnavailableError} UNAVAILABLE when no connection is to be had
 */
export async function findSessionByHash(
  db: Database,
  hash: Buffer,
): Promise<SessionRecord | undefined> {
  return await withIdentity(db, async ({ trx }) => {
    const found = await trx
      .selectFrom('session')
      .innerJoin('person', 'person.id', 'session.person_id')
      .leftJoin('membership', (join) =>
        join
          .onRef('membership.account_id', '=', 'session.account_id')
          .onRef('membership.person_id', '=', 'session.person_id'),
      )
      .leftJoin('account', 'account.id', 'session.account_id')
      .select([
        sql<Session>`to_jsonb(session) - 'hash'`.as('session'),
        sql<Selectable<PersonTable>>`to_jsonb(person)`.as('person'),
        'membership.role',
        'account.suspended_at as account_suspended_at',
        sql<boolean>`session.last_used_at < now() - make_interval(secs => ${USE_SECONDS})`.as(
          'is_use_due',
        ),
        grantsOfMember.as('grants'),
      ])
      .where('session.hash', '=', hash)
      .where(isAlive)
      .executeTakeFirst()
    if (found === undefined) return undefined
    const { session, person, is_use_due: isUseDue, ...rest } = found
    if (isUseDue) {
      await sql`update session set last_used_at = now() where id = ${session.id}`.execute(trx)
    }
    return { session: withDates(session), user: withDates(person), ...rest }
  })
}

const isAlive = sql<boolean>`session.created_at > now() - make_interval(days => ${SESSION_DAYS})
  and session.last_used_at > now() - make_interval(hours => ${SESSION_IDLE_HOURS})`

/** JSON has no dates. */
function withDates<Row extends object>(row: Row): Row {
  const entries = Object.entries(row).map(([key, value]) => [
    key,
    key.endsWith('_at') && typeof value === 'string' ? new Date(value) : (value as unknown),
  ])
  return Object.fromEntries(entries) as Row
}

/** The person's sessions that hold, oldest first. */
export async function listSessions(tx: OperatorTx, userId: string): Promise<readonly Session[]> {
  return await tx.trx
    .selectFrom('session')
    .selectAll()
    .where('person_id', '=', userId)
    .where(isAlive)
    .orderBy('id')
    .execute()
}

/**
 * Gives the session another account and another secret: what was stolen before a change of rights is
 * of no use after it. Its 14 days go on.
 * @throws {NotFoundError} NOT_FOUND when it has ended meanwhile
 */
export async function updateSession(
  tx: OperatorTx,
  id: string,
  input: { readonly accountId: string | null; readonly hash: Buffer },
): Promise<Session> {
  const row = await tx.trx
    .updateTable('session')
    .set({ account_id: input.accountId, hash: input.hash })
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirst()
  if (row === undefined) throw new NotFoundError(`No session ${id}`)
  return row
}

/**
 * Ends one of the person's sessions.
 * @throws {NotFoundError} NOT_FOUND when they have no such session
 */
export async function deleteSession(tx: OperatorTx, userId: string, id: string): Promise<Session> {
  const row = await tx.trx
    .deleteFrom('session')
    .where('person_id', '=', userId)
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirst()
  if (row === undefined) throw new NotFoundError(`No session ${id}`)
  return row
}

/** Ends the session with that hash, if there is one. */
export async function deleteSessionByHash(tx: OperatorTx, hash: Buffer): Promise<void> {
  await tx.trx.deleteFrom('session').where('hash', '=', hash).execute()
}

/** Deletes sessions that have ended by themselves. How many. */
export async function deleteExpiredSessions(db: Database): Promise<number> {
  return await withPurge(db, async (trx) => {
    // Their age is the policy's, `session_purge_policy`.
    const result = await trx.deleteFrom('session').executeTakeFirstOrThrow()
    return Number(result.numDeletedRows)
  })
}

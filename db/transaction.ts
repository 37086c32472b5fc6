// The only doors to the tables of tenants. A door is one transaction that first steps down to a
// role without ownership and, for a tenant, names it: row-level security then refuses whatever a
// forgotten `where` would leak. Both settings end with the transaction, so nothing is left for the
// connection's next user.
import { sql, type RawBuilder, type Transaction } from 'kysely'

import { currentSignal, refuseAborted, runDetached } from './abort.ts'
import type { Database } from './client.ts'
import { isRetriable, toDatabaseError } from './database-error.ts'
import { UnavailableError } from './errors.ts'
import type { DbEvent } from './events.ts'
import type { Tables } from './tables.ts'

// A deadlock or a serialization failure has a winner each time: two more tries are enough for the
// three writers at most that touch one provider at once.
const MAX_TRIES = 3

/** One transaction that tells of what it changes. */
export interface OperatorTx {
  readonly trx: Transaction<Tables>
  /** Tells listeners of this and of other processes about a change, once it is committed. */
  publish(event: DbEvent): void
}

/** One transaction of one account. */
export interface Tx extends OperatorTx {
  readonly accountId: string
}

/**
 * Runs `work` as one transaction of the account and answers what it answers. `work` may run again
 * after a deadlock: it must have no effect but on the database. Not to be nested: where the
 * database is embedded there is one connection.
 *
 * @throws {UnavailableError} UNAVAILABLE when no connection is to be had
 * @throws {StoppedError} TIMEOUT when the signal that it runs under (`abort.ts`) is aborted before
 *   the commit begins
 * @throws {ConflictError} CONFLICT, {InvalidError} INVALID, {NotFoundError} NOT_FOUND when a
 *   constraint refuses a row
 */
export async function withAccount<T>(
  db: Database,
  accountId: string,
  work: (tx: Tx) => Promise<T>,
): Promise<T> {
  const enter = sql`select set_config('role', 'hasmcp_tenant', true),
    set_config('hasmcp.account_id', ${accountId}, true)`
  return await publishing(db, enter, (tx) => work({ accountId, ...tx }))
}

/**
 * Runs `work` as one transaction that sees the rows of all accounts, nothing that is theirs, and can
 * change no more than whether they are suspended. `work` may run again after a deadlock.
 *
 * @throws {UnavailableError} UNAVAILABLE when no connection is to be had
 */
export async function withOperator<T>(
  db: Database,
  work: (tx: OperatorTx) => Promise<T>,
): Promise<T> {
  return await publishing(db, sql`select set_config('role', 'hasmcp_operator', true)`, work)
}

async function publishing<T>(
  db: Database,
  enter: RawBuilder<unknown>,
  work: (tx: OperatorTx) => Promise<T>,
): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await runPublishing(db, enter, work)
    } catch (error) {
      if (!isRetriable(error) || tries === MAX_TRIES) throw toDatabaseError(error)
    }
  }
}

async function runPublishing<T>(
  db: Database,
  enter: RawBuilder<unknown>,
  work: (tx: OperatorTx) => Promise<T>,
): Promise<T> {
  const pending = new Map<string, DbEvent>()
  let isWorkDone = false
  const publish = (event: DbEvent): void => {
    pending.set(`${event.noun} ${event.id}`, event)
  }
  // A listener that reads does so for all, not for whoever made the change.
  const deliver = (): void => {
    runDetached(() => {
      db.events.deliver([...pending.values()])
    })
  }
  try {
    const result = await db.kysely.transaction().execute(async (trx) => {
      await enter.execute(trx)
      const value = await work({ trx, publish })
      await db.events.notify(trx, [...pending.values()])
      refuseAborted(currentSignal())
      isWorkDone = true
      return value
    })
    deliver()
    return result
  } catch (error) {
    // A connection lost during COMMIT leaves open whether it took place. An event too many only
    // makes a listener read again; one too few would leave it with what is no longer true.
    if (isWorkDone && toDatabaseError(error) instanceof UnavailableError) {
      deliver()
    }
    throw error
  }
}

/**
 * Runs `work` as one transaction that sees no tenant's tables but the columns of credentials that
 * authentication needs, those of every account.
 *
 * @throws {UnavailableError} UNAVAILABLE when no connection is to be had
 */
export async function withGate<T>(
  db: Database,
  work: (trx: Transaction<Tables>) => Promise<T>,
): Promise<T> {
  return await withRole(db, 'hasmcp_gate', work)
}

/**
 * Runs `work` as one transaction that sees who people are, their sessions and which accounts they
 * belong to, and nothing that is in an account. `work` may run again after a deadlock.
 *
 * @throws {UnavailableError} UNAVAILABLE when no connection is to be had
 */
export async function withIdentity<T>(
  db: Database,
  work: (tx: OperatorTx) => Promise<T>,
): Promise<T> {
  return await publishing(db, sql`select set_config('role', 'hasmcp_identity', true)`, work)
}

/**
 * Runs `work` as one transaction that can delete what has expired, whoever's it is, and read no
 * more of it than that it has.
 *
 * @throws {UnavailableError} UNAVAILABLE when no connection is to be had
 */
export async function withPurge<T>(
  db: Database,
  work: (trx: Transaction<Tables>) => Promise<T>,
): Promise<T> {
  return await withRole(db, 'hasmcp_purge', work)
}

async function withRole<T>(
  db: Database,
  role: 'hasmcp_gate' | 'hasmcp_purge',
  work: (trx: Transaction<Tables>) => Promise<T>,
): Promise<T> {
  try {
    return await db.kysely.transaction().execute(async (trx) => {
      await sql`select set_config('role', ${role}, true)`.execute(trx)
      return await work(trx)
    })
  } catch (error) {
    throw toDatabaseError(error)
  }
}

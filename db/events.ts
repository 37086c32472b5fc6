// Who changed what, told to the caches of every process. An event is a hint to read again, never
// data, so that it may come twice; that it may also be missed is said by `isTrusted`.
import type { Kysely, Transaction } from 'kysely'

import type { Tables } from './tables.ts'

/** A row that was inserted, updated or deleted. */
export interface DbEvent {
  readonly noun:
    | 'account'
    | 'api-key'
    | 'provider'
    | 'tool'
    | 'server'
    | 'server-token'
    | 'variable'
    | 'interceptor'
    | 'prompt'
    | 'resource'
    | 'membership'
    | 'invitation'
  readonly accountId: string
  /** The row's id; for `tool`, the provider's, as an import changes many at once. */
  readonly id: string
}

/** The changes of this process and, on PostgreSQL, of every other one. */
export interface Events {
  /** Calls `listener` after the commit of each change; answers the function that ends it. */
  subscribe(listener: (event: DbEvent) => void): () => void
  /**
   * False while events may be missed: a cache must then ask the database. Always true where the
   * database is embedded, which has one process.
   */
  isTrusted(): boolean
  /**
   * Calls `listener` when events may have been missed: at once when the connection is lost, and
   * again when it is back. Answers the function that ends it.
   */
  onDistrust(listener: () => void): () => void
}

/** {@link Events} with the side of the database itself. */
export interface EventBus extends Events {
  /** Tells other processes, if there can be any, when the transaction commits. */
  notify(trx: Transaction<Tables> | Kysely<Tables>, events: readonly DbEvent[]): Promise<void>
  /** Tells the listeners of this process. */
  deliver(events: readonly DbEvent[]): void
  close(): Promise<void>
}

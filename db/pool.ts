// Connections of `postgres`, one driver each, behind the interface that Kysely's dialect for
// PostgreSQL takes. The driver's own pool is not used: what its `reserve()` hands out survives the
// connection, so that after a restart of the database a statement of a broken transaction can
// reach the transaction of whoever has that connection next, of another tenant perhaps.
import type { PostgresPool, PostgresPoolClient } from 'kysely'

import {
  CONNECT_TIMEOUT_MS,
  QueryError,
  closeConnection,
  createConnection,
  execute,
  type Connection,
  type ConnectionOptions,
} from './connection.ts'

/** What a pool connects to, and how many times. */
export interface PoolOptions extends ConnectionOptions {
  readonly max: number
}

// From asking for a connection to the answer to its first statement, wherever the time goes:
// waiting for a turn, connecting, or a server that does not answer.
const ACQUIRE_TIMEOUT_MS = CONNECT_TIMEOUT_MS
// What a connection that was had late still gets: one round trip.
const MIN_FIRST_ANSWER_MS = 250
// Beyond the statement's own time-out: a server that has not said a word by then is gone, whatever
// the socket believes; a partition would keep it open for a quarter of an hour.
const ANSWER_MARGIN_MS = 3_000

/** An error of the pool itself, told apart by `code` like those of the driver. */
class PoolError extends Error {
  override readonly name = 'PoolError'
  readonly code: 'POOL_TIMEOUT' | 'CONNECT_TIMEOUT' | 'CONNECTION_CLOSED' | 'CONNECTION_ENDED'

  constructor(code: PoolError['code'], message: string) {
    super(message)
    this.code = code
  }
}

interface Waiter {
  readonly resolve: (connection: Connection) => void
  readonly reject: (error: Error) => void
  readonly timer: NodeJS.Timeout
}

/** A pool; it connects when first asked. `end` waits for nobody and leaves no timer. */
export function createPool(options: PoolOptions): PostgresPool {
  const idle: Connection[] = []
  const all = new Set<Connection>()
  const waiters: Waiter[] = []
  let isEnded = false

  async function take(): Promise<Connection> {
    if (isEnded) throw new PoolError('CONNECTION_ENDED', 'The pool is closed')
    const connection = idle.pop()
    if (connection !== undefined) return connection
    return all.size < options.max ? add() : await waitForTurn(waiters)
  }

  function add(): Connection {
    const connection = createConnection(options)
    all.add(connection)
    return connection
  }

  function giveBack(connection: Connection, isBroken: boolean): void {
    connection.onLost = undefined
    if (isBroken) {
      all.delete(connection)
      void closeConnection(connection)
    }
    const waiter = waiters.shift()
    if (waiter !== undefined) {
      clearTimeout(waiter.timer)
      waiter.resolve(isBroken ? add() : connection)
    } else if (!isBroken) {
      idle.push(connection)
    }
  }

  return {
    options: {},
    async connect() {
      const answerBefore = performance.now() + ACQUIRE_TIMEOUT_MS
      const connection = await take()
      const timeoutMs = options.statementTimeoutMs + ANSWER_MARGIN_MS
      return lease(connection, answerBefore, timeoutMs, (isBroken) => {
        giveBack(connection, isBroken)
      })
    },
    async end() {
      isEnded = true
      for (const waiter of waiters.splice(0)) {
        clearTimeout(waiter.timer)
        waiter.reject(new PoolError('CONNECTION_ENDED', 'The pool is closed'))
      }
      await Promise.all([...all].map(closeConnection))
    },
  }
}

async function waitForTurn(waiters: Waiter[]): Promise<Connection> {
  return await new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      waiters.splice(waiters.indexOf(waiter), 1)
      reject(new PoolError('POOL_TIMEOUT', `No connection within ${ACQUIRE_TIMEOUT_MS} ms`))
    }, ACQUIRE_TIMEOUT_MS)
    const waiter = { resolve, reject, timer }
    waiters.push(waiter)
  })
}

/** What one caller holds: it dies with the connection that its first statement went over. */
function lease(
  connection: Connection,
  answerBefore: number,
  answerTimeoutMs: number,
  release: (isBroken: boolean) => void,
): PostgresPoolClient {
  let state: 'new' | 'used' | 'lost' | 'released' = 'new'
  connection.onLost = () => {
    if (state === 'used') state = 'lost'
  }

  async function query(text: string, parameters: readonly unknown[]): Promise<unknown> {
    if (state === 'lost' || state === 'released') {
      throw new PoolError('CONNECTION_CLOSED', 'The connection of this transaction is gone')
    }
    const timeoutMs =
      state === 'new'
        ? Math.max(MIN_FIRST_ANSWER_MS, answerBefore - performance.now())
        : answerTimeoutMs
    state = 'used'
    const { promise: silence, reject } = Promise.withResolvers<never>()
    const timer = setTimeout(() => {
      const reason = `No answer within ${Math.round(timeoutMs)} ms`
      reject(new PoolError('CONNECT_TIMEOUT', reason))
    }, timeoutMs)
    try {
      return await Promise.race([execute(connection, text, parameters), silence])
    } catch (error) {
      // The driver tells of an error first and of the close it comes with later: by then the
      // connection could be somebody else's, so it is given up here.
      if (!(error instanceof QueryError) || error.isFatal) state = 'lost'
      throw error
    } finally {
      clearTimeout(timer)
    }
  }

  return {
    // Kysely's driver asks for text and parameters only; the overload for cursors is not ours.
    query: query as PostgresPoolClient['query'],
    release(isBroken = false) {
      if (state === 'released') return
      const wasLost = state === 'lost'
      state = 'released'
      release(isBroken || wasLost)
    },
  }
}

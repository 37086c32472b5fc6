// Connections of `postgres`, one driver each, behind the interface that Kysely's dialect for
// PostgreSQL takes. The driver's own pool is not used: what its `reserve()` hands out survives the
// connection, so that after a restart of the database a statement of a broken transaction can
// reach the transaction of whoever has that connection next, of another tenant perhaps.
import type { PostgresPool, PostgresPoolClient } from 'kysely'

import { currentSignal, refuseAborted, toStoppedError } from './abort.ts'
import {
  CONNECT_TIMEOUT_MS,
  QueryError,
  cancelStatement,
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
  /** It is not among those that wait any more. */
  readonly resolve: (connection: Connection) => void
  readonly reject: (error: Error) => void
}

/** A pool; it connects when first asked. `end` waits for nobody and leaves no timer. */
export function createPool(options: PoolOptions): PostgresPool {
  const idle: Connection[] = []
  const all = new Set<Connection>()
  const waiters: Waiter[] = []
  let isEnded = false

  async function take(signal: AbortSignal | undefined): Promise<Connection> {
    refuseAborted(signal)
    if (isEnded) throw new PoolError('CONNECTION_ENDED', 'The pool is closed')
    const connection = idle.pop()
    if (connection !== undefined) return connection
    return all.size < options.max ? add() : await waitForTurn(waiters, signal)
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
      waiter.resolve(isBroken ? add() : connection)
    } else if (!isBroken) {
      idle.push(connection)
    }
  }

  return {
    options: {},
    async connect() {
      const answerBefore = performance.now() + ACQUIRE_TIMEOUT_MS
      const signal = currentSignal()
      const connection = await take(signal)
      return lease({
        connection,
        answerBefore,
        answerTimeoutMs: options.statementTimeoutMs + ANSWER_MARGIN_MS,
        signal,
        // What runs in the embedded database cannot be stopped: the next connection waits for its
        // end and rolls back. Whoever asked is answered all the same.
        canCancel: options.url !== undefined,
        release(isBroken) {
          giveBack(connection, isBroken)
        },
      })
    },
    async end() {
      isEnded = true
      for (const waiter of waiters.splice(0)) {
        waiter.reject(new PoolError('CONNECTION_ENDED', 'The pool is closed'))
      }
      await Promise.all([...all].map(closeConnection))
    },
  }
}

async function waitForTurn(
  waiters: Waiter[],
  signal: AbortSignal | undefined,
): Promise<Connection> {
  const turn = Promise.withResolvers<Connection>()
  const leave = (error: Error): void => {
    const at = waiters.indexOf(turn)
    if (at !== -1) waiters.splice(at, 1)
    turn.reject(error)
  }
  const timer = setTimeout(() => {
    leave(new PoolError('POOL_TIMEOUT', `No connection within ${ACQUIRE_TIMEOUT_MS} ms`))
  }, ACQUIRE_TIMEOUT_MS)
  const stop = onAbort(signal, leave)
  waiters.push(turn)
  try {
    return await turn.promise
  } finally {
    clearTimeout(timer)
    stop()
  }
}

/** Calls `stop` when the signal is aborted; answers the function that ends that. */
function onAbort(signal: AbortSignal | undefined, stop: (error: Error) => void): () => void {
  if (signal === undefined) return () => {}
  const listener = (): void => {
    stop(toStoppedError(signal))
  }
  signal.addEventListener('abort', listener)
  return () => {
    signal.removeEventListener('abort', listener)
  }
}

interface LeaseOptions {
  readonly connection: Connection
  readonly answerBefore: number
  readonly answerTimeoutMs: number
  readonly signal: AbortSignal | undefined
  readonly canCancel: boolean
  readonly release: (isBroken: boolean) => void
}

// A commit that has begun is not broken off, as nobody would know what came of it, and a rollback is
// what an aborted signal asks for.
const ENDS: ReadonlySet<string> = new Set(['commit', 'rollback'])

const ROLLED_BACK = { command: 'ROLLBACK', rowCount: 0, rows: [] } as const

/** What one caller holds: it dies with the connection that its first statement went over. */
function lease(options: LeaseOptions): PostgresPoolClient {
  const { connection, answerBefore, answerTimeoutMs, release } = options
  let state: 'new' | 'used' | 'lost' | 'released' = 'new'
  connection.onLost = () => {
    if (state === 'used') state = 'lost'
  }

  async function query(text: string, parameters: readonly unknown[]): Promise<unknown> {
    const signal = ENDS.has(text) ? undefined : options.signal
    refuseAborted(signal)
    // The server rolls back what a connection leaves behind; why it was lost is the error to tell.
    if (state === 'lost' && text === 'rollback') return ROLLED_BACK
    if (state === 'lost' || state === 'released') {
      throw new PoolError('CONNECTION_CLOSED', 'The connection of this transaction is gone')
    }
    const timeoutMs =
      state === 'new'
        ? Math.max(MIN_FIRST_ANSWER_MS, answerBefore - performance.now())
        : answerTimeoutMs
    state = 'used'
    const { promise: broken, reject } = Promise.withResolvers<never>()
    const timer = setTimeout(() => {
      const reason = `No answer within ${Math.round(timeoutMs)} ms`
      reject(new PoolError('CONNECT_TIMEOUT', reason))
    }, timeoutMs)
    const stop = onAbort(signal, (error) => {
      if (options.canCancel) cancelStatement(connection)
      reject(error)
    })
    try {
      return await Promise.race([execute(connection, text, parameters), broken])
    } catch (error) {
      // The driver tells of an error first and of the close it comes with later: by then the
      // connection could be somebody else's, so it is given up here.
      if (!(error instanceof QueryError) || error.isFatal || connection.isGivenUp) state = 'lost'
      throw error
    } finally {
      clearTimeout(timer)
      stop()
    }
  }

  return {
    // Kysely's driver asks for text and parameters only; the overload for cursors is not ours.
    query: query as PostgresPoolClient['query'],
    release(isBroken = false) {
      if (state === 'released') return
      const wasLost = state === 'lost'
      state = 'released'
      release(isBroken || wasLost || connection.isGivenUp)
    },
  }
}

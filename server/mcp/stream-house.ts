// All streams that are open for long: how many there may be, that they stay alive, and that each ends
// when its token does.
import { BusyError } from '../../workers/error.ts'
import { type AccountBudget, createAccountBudget } from './account-budget.ts'
import type { Caller } from './era.ts'
import type { ChangeHub, Watcher } from './change-hub.ts'
import { createEventStream, type EventStream } from './event-stream.ts'
import type { RouteStore } from './route.ts'

/** Opens streams. */
export interface StreamHouse {
  /**
   * A stream for the caller, which ends with the connection, with the token, and when the process stops;
   * `onEnd` is then called.
   *
   * @throws {BusyError} BUSY when there are too many.
   */
  open(caller: Caller, options: StreamOptions): EventStream
  /** How many are open. */
  readonly count: () => number
  /** Ends all of them. */
  readonly close: () => void
}

/** What differs between streams. */
export interface StreamOptions {
  readonly onChange: Watcher['onChange']
  readonly onEnd?: () => void
  /** Of the URIs that it watches. Default: none. */
  readonly watchedCharacters?: number
  /** Before it ends because the process stops, or the token was taken back. */
  readonly onFarewell?: () => void
}

/** At about 50 KB each. */
export const MAX_STREAMS = 10_000
/** Of one account, so that others find a place. */
export const MAX_ACCOUNT_STREAMS = 5_000
/** Shorter than the idle limit of common proxies, 60 s; each time it is asked whether the token holds. */
export const BEAT_MS = 15_000
const TURNS = 100

/** None open. */
export function createStreamHouse(
  hub: ChangeHub,
  routes: RouteStore,
  interest: AccountBudget,
): StreamHouse {
  const open = new Set<Resident>()
  const places = createAccountBudget(MAX_STREAMS, MAX_ACCOUNT_STREAMS)
  const timer = beatInTurns(open)
  let isClosed = false
  return {
    open(caller, { onChange, onEnd, onFarewell, watchedCharacters = 0 }) {
      const { route, signal } = caller
      const { accountId } = route
      if (isClosed) throw new BusyError('The server is shutting down; try again in a moment')
      if (!places.take(accountId, 1)) {
        throw new BusyError('Too many streams are open; close one, or try again later')
      }
      if (!interest.take(accountId, watchedCharacters)) {
        places.give(accountId, 1)
        throw new BusyError('The account watches too many resources; close some streams')
      }
      const stream = createEventStream(() => {
        open.delete(resident)
        places.give(accountId, 1)
        interest.give(accountId, watchedCharacters)
        signal.removeEventListener('abort', stream.end)
        unwatch()
        onEnd?.()
      })
      const farewell = () => {
        onFarewell?.()
        stream.end()
      }
      const doubt = () => void endIfRefused(routes, caller, stream, farewell)
      const unwatch = hub.watch(route, { onChange, onDoubt: doubt })
      const resident: Resident = { stream, doubt, farewell }
      open.add(resident)
      signal.addEventListener('abort', stream.end, { once: true })
      if (signal.aborted) stream.end()
      return stream
    },
    count: () => open.size,
    close() {
      isClosed = true
      clearInterval(timer)
      hub.close()
      for (const { farewell } of open) farewell()
    },
  }
}

/** A few at a time, so that thousands of them never hold the event loop up together. */
function beatInTurns(open: ReadonlySet<Resident>): NodeJS.Timeout {
  let turn = open.values()
  const timer = setInterval(() => {
    for (let left = Math.ceil(open.size / TURNS); left > 0; left -= 1) {
      const { done, value } = turn.next()
      if (done === true) {
        turn = open.values()
        return
      }
      value.stream.beat()
      value.doubt()
    }
  }, BEAT_MS / TURNS)
  return timer.unref()
}

interface Resident {
  readonly stream: EventStream
  readonly doubt: () => void
  readonly farewell: () => void
}

/**
 * While nobody can tell, the stream stays: a call would be served from memory, too. It never rejects.
 */
async function endIfRefused(
  routes: RouteStore,
  { route, token, isTokenInUrl, toRpcError }: Caller,
  stream: EventStream,
  farewell: () => void,
): Promise<void> {
  try {
    const opening = await routes.open(route.serverId, token, isTokenInUrl)
    if (opening.type !== 'opened' && !stream.isOver) farewell()
  } catch (error) {
    // Nobody is told, but what is our own fault is logged.
    toRpcError(error)
  }
}

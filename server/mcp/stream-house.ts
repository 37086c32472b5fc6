// All streams that are open for long: how many there may be, that they stay alive, and that each ends
// when its token does.
import { UnavailableError } from '../../db/errors.ts'
import { BusyError } from '../../workers/error.ts'
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
  /** Ends all of them. */
  readonly close: () => void
}

/** What differs between streams. */
export interface StreamOptions {
  readonly onChange: Watcher['onChange']
  readonly onEnd: () => void
  /** Before it ends because the process stops, or the token was taken back. */
  readonly onFarewell?: () => void
}

/** At about 50 KB each. */
export const MAX_STREAMS = 10_000
/** Of one account, so that others find a place. */
export const MAX_ACCOUNT_STREAMS = 5_000
/** Shorter than the idle limit of common proxies, 60 s; each time it is asked whether the token holds. */
export const BEAT_MS = 15_000

/** None open. */
export function createStreamHouse(hub: ChangeHub, routes: RouteStore): StreamHouse {
  const open = new Set<Resident>()
  const perAccount = new Map<string, number>()
  const count = (accountId: string, by: number) => {
    const next = (perAccount.get(accountId) ?? 0) + by
    if (next === 0) perAccount.delete(accountId)
    else perAccount.set(accountId, next)
  }
  const timer = setInterval(() => {
    for (const { stream, doubt } of open) {
      stream.beat()
      doubt()
    }
  }, BEAT_MS)
  timer.unref()
  return {
    open(caller, { onChange, onEnd, onFarewell }) {
      const { route, signal } = caller
      const { accountId } = route
      if (open.size >= MAX_STREAMS || (perAccount.get(accountId) ?? 0) >= MAX_ACCOUNT_STREAMS) {
        throw new BusyError('Too many streams are open; close one, or try again later')
      }
      const stream = createEventStream(() => {
        open.delete(resident)
        count(accountId, -1)
        signal.removeEventListener('abort', stream.end)
        unwatch()
        onEnd()
      })
      const farewell = () => {
        onFarewell?.()
        stream.end()
      }
      const doubt = () => void endIfRefused(routes, caller, stream, farewell)
      const unwatch = hub.watch(route, { onChange, onDoubt: doubt })
      const resident: Resident = { stream, doubt, farewell }
      open.add(resident)
      count(accountId, 1)
      signal.addEventListener('abort', stream.end, { once: true })
      if (signal.aborted) stream.end()
      return stream
    },
    close() {
      clearInterval(timer)
      hub.close()
      for (const { farewell } of open) farewell()
    },
  }
}

interface Resident {
  readonly stream: EventStream
  readonly doubt: () => void
  readonly farewell: () => void
}

/** While nobody can tell, the stream stays: a call would be served from memory, too. */
async function endIfRefused(
  routes: RouteStore,
  { route, token, isTokenInUrl }: Caller,
  stream: EventStream,
  farewell: () => void,
): Promise<void> {
  try {
    const opening = await routes.open(route.serverId, token, isTokenInUrl)
    if (opening.type !== 'opened' && !stream.isOver) farewell()
  } catch (error) {
    if (!(error instanceof UnavailableError)) throw error
  }
}

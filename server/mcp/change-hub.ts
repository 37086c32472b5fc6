// Tells open streams what changed in their server. Whatever the control plane changes, in whichever
// process, drops routes; here the routes that somebody watches are read again and compared, once for all
// of a server's streams.
import { setTimeout as pause } from 'node:timers/promises'
import type { DbEvent, Events } from '../../db/events.ts'
import type { Route } from './build-route.ts'
import { compareLooks, lookAt, type ListChange, type Look } from './list-change.ts'

/** Who is told. */
export interface Watcher {
  onChange(change: ListChange, route: Route): void
  /** The server is gone, or may not be used now: whoever watches it asks again for leave. */
  onDoubt(): void
}

/** Watches servers. */
export interface ChangeHub {
  /** From now on the watcher is told; answers the function that ends it. */
  watch(route: Route, watcher: Watcher): () => void
  close(): void
}

/** What the hub needs of its world. */
export interface ChangeHubDeps {
  readonly events: Pick<Events, 'subscribe' | 'onDistrust' | 'isTrusted'>
  /** The route as it is now; undefined where the server is gone. */
  readonly findRoute: (accountId: string, serverId: string) => Promise<Route | undefined>
  readonly onError: (error: unknown) => void
}

/** 100 ms: a burst of changes is one notice, and a notice comes well within a second. */
export const QUIET_MS = 100
// After a failure, such as a database that is away.
const RETRY_MS = 1_000

interface Watched {
  readonly accountId: string
  readonly serverId: string
  readonly watchers: Set<Watcher>
  look: Look
  isDirty: boolean
  isChecking: boolean
}

/** Watches nothing yet; it listens to the database's events until it is closed. */
export function createChangeHub({ events, findRoute, onError }: ChangeHubDeps): ChangeHub {
  const servers = new Map<string, Watched>()
  const closing = new AbortController()
  const check = async (watched: Watched): Promise<void> => {
    if (watched.isChecking) return
    watched.isChecking = true
    let waitMs = QUIET_MS
    while (watched.isDirty && watched.watchers.size > 0 && !closing.signal.aborted) {
      try {
        await pause(waitMs, undefined, { ref: false, signal: closing.signal })
        watched.isDirty = false
        tell(watched, await findRoute(watched.accountId, watched.serverId))
        waitMs = QUIET_MS
      } catch (error) {
        if (closing.signal.aborted) return
        watched.isDirty = true
        waitMs = RETRY_MS
        onError(error)
      }
    }
    watched.isChecking = false
  }
  const markAll = (isMeant: (watched: Watched) => boolean) => {
    for (const watched of servers.values()) {
      if (!isMeant(watched)) continue
      watched.isDirty = true
      void check(watched)
    }
  }
  const doubtAll = (event: DbEvent) => {
    for (const { accountId, watchers } of servers.values()) {
      if (accountId === event.accountId) for (const watcher of watchers) watcher.onDoubt()
    }
  }
  const unsubscribe = events.subscribe((event) => {
    if (event.noun === 'server-token' || event.noun === 'account') doubtAll(event)
    else if (event.noun !== 'api-key') markAll(({ accountId }) => accountId === event.accountId)
  })
  const untrust = events.onDistrust(() => {
    // What was changed in between is found when events come again.
    if (events.isTrusted()) markAll(() => true)
  })
  return {
    watch(route, watcher) {
      const key = `${route.accountId} ${route.serverId}`
      const watched = servers.get(key) ?? start(route)
      servers.set(key, watched)
      watched.watchers.add(watcher)
      return () => {
        watched.watchers.delete(watcher)
        if (watched.watchers.size === 0 && servers.get(key) === watched) servers.delete(key)
      }
    },
    close() {
      unsubscribe()
      untrust()
      closing.abort()
    },
  }
}

function start(route: Route): Watched {
  const { accountId, serverId } = route
  const look = lookAt(route)
  return { accountId, serverId, watchers: new Set(), look, isDirty: false, isChecking: false }
}

function tell(watched: Watched, route: Route | undefined): void {
  if (route === undefined) {
    for (const watcher of watched.watchers) watcher.onDoubt()
    return
  }
  const look = lookAt(route)
  const change = compareLooks(watched.look, look)
  watched.look = look
  if (change.lists.length === 0 && change.uris.length === 0) return
  for (const watcher of watched.watchers) watcher.onChange(change, route)
}

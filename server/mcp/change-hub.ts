// Tells open streams what changed in their server. Whatever the control plane changes, in whichever
// process, drops routes; here the routes that somebody watches are read again and compared, once for all
// of a server's streams.
import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises'
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
/** Of routes that are read again at once: an account may have thousands of servers that are watched. */
const MAX_CHECKS = 8
// Telling one takes some microseconds, and a watcher of many resources more.
const WATCHERS_PER_TURN = 50

interface Watched {
  readonly accountId: string
  readonly serverId: string
  readonly watchers: Set<Watcher>
  look: Look
}

/** Who may do what changes no list of a server. */
const NO_CONTENT: readonly DbEvent['noun'][] = ['api-key', 'membership', 'invitation']

/** Watches nothing yet; it listens to the database's events until it is closed. */
export function createChangeHub({ events, findRoute, onError }: ChangeHubDeps): ChangeHub {
  const servers = new Map<string, Watched>()
  const checker = createChecker(findRoute, onError)
  const mark = (isMeant: (watched: Watched) => boolean) => {
    for (const watched of servers.values()) if (isMeant(watched)) checker.check(watched)
  }
  const doubt = (event: DbEvent) => {
    for (const { accountId, watchers } of servers.values()) {
      if (accountId === event.accountId) for (const watcher of watchers) watcher.onDoubt()
    }
  }
  const unsubscribe = events.subscribe((event) => {
    const { noun, accountId, id } = event
    if (noun === 'server-token' || noun === 'account') doubt(event)
    else if (noun === 'server') mark((one) => one.accountId === accountId && one.serverId === id)
    else if (!NO_CONTENT.includes(noun)) mark((one) => one.accountId === accountId)
  })
  const untrust = events.onDistrust(() => {
    // What was changed in between is found when events come again.
    if (events.isTrusted()) mark(() => true)
  })
  return {
    watch(route, watcher) {
      const key = `${route.accountId} ${route.serverId}`
      const present = servers.get(key)
      const watched = present ?? start(route)
      servers.set(key, watched)
      watched.watchers.add(watcher)
      // The route was read a moment ago: what was changed since is found at once.
      if (present === undefined) checker.check(watched)
      return () => {
        watched.watchers.delete(watcher)
        if (watched.watchers.size === 0 && servers.get(key) === watched) servers.delete(key)
      }
    },
    close() {
      checker.close()
      unsubscribe()
      untrust()
    },
  }
}

/** Reads servers again, a while after they were marked, and tells their watchers. */
function createChecker(
  findRoute: ChangeHubDeps['findRoute'],
  onError: ChangeHubDeps['onError'],
): { readonly check: (watched: Watched) => void; readonly close: () => void } {
  const dirty = new Set<Watched>()
  const closing = new AbortController()
  let isRunning = false
  const run = async () => {
    let waitMs = QUIET_MS
    while (dirty.size > 0) {
      await pause(waitMs, undefined, { ref: false, signal: closing.signal })
      const queue = [...dirty]
      dirty.clear()
      waitMs = QUIET_MS
      const work = async () => {
        for (let one = queue.pop(); one !== undefined; one = queue.pop()) {
          try {
            // Whoever watched it may be gone.
            if (one.watchers.size > 0) await tell(one, await findRoute(one.accountId, one.serverId))
          } catch (error) {
            waitMs = RETRY_MS
            dirty.add(one)
            onError(error)
          }
        }
      }
      await Promise.all(Array.from({ length: MAX_CHECKS }, work))
    }
    isRunning = false
  }
  return {
    check(watched) {
      dirty.add(watched)
      if (isRunning) return
      isRunning = true
      run().catch(onClosed)
    },
    close() {
      closing.abort()
    },
  }
}

/** Only a pause that was cut short rejects. */
function onClosed(): void {}

function start(route: Route): Watched {
  const { accountId, serverId } = route
  return { accountId, serverId, watchers: new Set(), look: lookAt(route) }
}

async function tell(watched: Watched, route: Route | undefined): Promise<void> {
  if (route === undefined) {
    for (const watcher of watched.watchers) watcher.onDoubt()
    return
  }
  const look = lookAt(route)
  const change = compareLooks(watched.look, look)
  watched.look = look
  if (change.lists.length === 0 && change.uris.length === 0) return
  let told = 0
  for (const watcher of watched.watchers) {
    watcher.onChange(change, route)
    told += 1
    if (told % WATCHERS_PER_TURN === 0) await nextTurn()
  }
}

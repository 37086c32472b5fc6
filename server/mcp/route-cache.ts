// Routes by server id, so that a warm call reads no database. Any change but one of credentials drops
// all routes of its account: working out which ones it touches would cost a query.
import type { Database } from '../../db/client.ts'
import { NotFoundError } from '../../db/errors.ts'
import { getRoute } from '../../db/route.ts'
import { withAccount } from '../../db/transaction.ts'
import { type Route, buildRoute } from './build-route.ts'
import { loadContent, loadParts } from './load-parts.ts'
import { type CheckedCacheOptions, createCheckedCache } from './checked-cache.ts'

/** The routes of servers that were used lately. */
export interface RouteCache {
  /**
   * The account's server with its tools; undefined when the account has none of that id.
   *
   * @throws {UnavailableError} UNAVAILABLE when nobody can tell now.
   */
  find(accountId: string, serverId: string): Promise<Route | undefined>
}

const MAX_ROUTES = 1_000
// 256 MiB: 1,200 tools with schemas of 8 KB are counted as 29 MB.
const MAX_ROUTE_BYTES = 256 * 1024 * 1024

/** Empty at first; it listens to the database's events. */
export function createRouteCache(
  db: Database,
  options: Omit<CheckedCacheOptions<Route>, 'events' | 'maxEntries'>,
): RouteCache {
  const cache = createCheckedCache<Route>({
    ...options,
    events: db.events,
    maxEntries: MAX_ROUTES,
    maxWeight: MAX_ROUTE_BYTES,
    weigh: (route) => route.byteCount,
  })
  db.events.subscribe((event) => {
    switch (event.noun) {
      case 'account':
      case 'provider':
      case 'tool':
      case 'server':
      case 'variable':
      case 'interceptor':
      case 'prompt':
      case 'resource':
        cache.drop((route) => route.accountId === event.accountId)
        break
      case 'api-key':
      case 'membership':
      case 'invitation':
      case 'server-token':
        break
    }
  })
  return {
    find: (accountId, serverId) =>
      cache.get(`${accountId} ${serverId}`, () => loadRoute(db, accountId, serverId)),
  }
}

async function loadRoute(
  db: Database,
  accountId: string,
  serverId: string,
): Promise<Route | undefined> {
  try {
    return await withAccount(db, accountId, async (tx) => {
      const route = await getRoute(tx, serverId)
      const content = await loadContent(tx, serverId)
      const tools = [...route.tools, ...content.tools]
      return buildRoute(route, await loadParts(tx, tools, serverId), content)
    })
  } catch (error) {
    if (error instanceof NotFoundError) return undefined
    throw error
  }
}

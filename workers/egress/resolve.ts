// Turns a name into addresses that have all been checked. The check is part of the connection's own
// look-up, so that no second resolution can answer differently (DNS rebinding).
import { lookup } from 'node:dns/promises'
import { createUnreachableError, EgressError } from './error.ts'
import { createDeniedError, isAddressAllowed, type Target } from './guard.ts'

/** One answer of a resolver. */
export interface ResolvedAddress {
  readonly address: string
  readonly family: number
}

/** All addresses of a name; rejects where there are none. */
export type Resolve = (host: string) => Promise<readonly ResolvedAddress[]>

/** A resolver's first retry is after 5 s (resolv.conf(5)), too late for a caller that waits. */
const RESOLVE_TIMEOUT_MS = 2_000

/** What a connection tries in turn, 250 ms each (`autoSelectFamily`), fits its time-out of 3 s. */
const MAX_ADDRESSES = 8

/** The operating system's resolver. */
export const resolveName: Resolve = (host) => lookup(host, { all: true })

/**
 * Addresses to connect to, at most 8, in the resolver's order.
 * @throws {EgressError} EGRESS_DENIED when any address of the name is not allowed;
 *   UPSTREAM_UNREACHABLE when there is none within 2 s.
 */
export async function resolveTarget(
  target: Target,
  resolve: Resolve,
): Promise<readonly ResolvedAddress[]> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(reject, RESOLVE_TIMEOUT_MS, createUnreachableError(target.origin))
  })
  let addresses: readonly ResolvedAddress[]
  try {
    addresses = await Promise.race([resolve(target.host), timeout])
  } catch (error) {
    throw error instanceof EgressError ? error : createUnreachableError(target.origin, error)
  } finally {
    clearTimeout(timer)
  }
  if (addresses.length === 0) throw createUnreachableError(target.origin)
  // One private address among public ones is how a name is made to pass and then to rebind.
  if (!addresses.every(({ address }) => isAddressAllowed(target, address))) {
    throw createDeniedError(target)
  }
  return addresses.slice(0, MAX_ADDRESSES)
}

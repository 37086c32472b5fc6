// Requests a minute from one IP address, counted in memory and in no other place. The limit defends
// the process against floods; it is never tied to an account and an address is never logged.
import { isIPv6 } from 'node:net'
import ipaddr from 'ipaddr.js'
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'

const WINDOW_SECONDS = 60

/** Where an address stands after this request. */
export interface RateLimitVerdict {
  readonly isAllowed: boolean
  /** Whole seconds until requests are taken again; 0 where allowed. */
  readonly retryAfterSeconds: number
}

/** Counts one request of an address and says whether it may pass. */
export type RateLimit = (ip: string) => Promise<RateLimitVerdict>

const ALLOWED: RateLimitVerdict = { isAllowed: true, retryAfterSeconds: 0 }

/** Counts in fixed windows of a minute. `requestsPerMinute` 0 allows everything. */
export function createRateLimit(requestsPerMinute: number): RateLimit {
  if (requestsPerMinute === 0) return () => Promise.resolve(ALLOWED)
  const limiter = new RateLimiterMemory({ points: requestsPerMinute, duration: WINDOW_SECONDS })
  return async (ip) => {
    try {
      await limiter.consume(networkOf(ip))
      return ALLOWED
    } catch (refusal) {
      if (!(refusal instanceof RateLimiterRes)) throw refusal
      return { isAllowed: false, retryAfterSeconds: Math.ceil(refusal.msBeforeNext / 1000) }
    }
  }
}

/** An IPv6 customer owns a /64: counting single addresses would give everyone 2^64 allowances. */
function networkOf(ip: string): string {
  if (!isIPv6(ip)) return ip
  const address = ipaddr.parse(ip)
  if ('isIPv4MappedAddress' in address) {
    if (address.isIPv4MappedAddress()) return address.toIPv4Address().toString()
    return address.parts.slice(0, 4).join(':')
  }
  return ip
}

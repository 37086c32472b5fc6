// Decides what may be called, by origin before anything is resolved and by address before anything
// is connected. Pure: the agent asks, this answers.
import { isInRange, isPublicAddress, parseAddress } from './address.ts'
import { type Allow, normalizeHost } from './allow.ts'
import { EgressError } from './error.ts'

/** An origin that may be called, under one list. Made once, shared by all its requests. */
export interface Target {
  readonly allow: Allow
  readonly scheme: 'http' | 'https'
  /** A name or an address, without brackets. */
  readonly host: string
  readonly port: number
  /** As a URL prints it: `https://api.example.com`. */
  readonly origin: string
  /** True where the operator named the host: its addresses are not checked. */
  readonly isTrusted: boolean
}

/** Names that are never public, denied before a resolver hears of them (RFC 6761, 6762, 8375; ICANN's `internal`). */
const PRIVATE_NAME = /(^|\.)(localhost|localdomain|local|internal|home\.arpa)$/

/** A thread calls the origins of its tenants' providers; one beyond this number costs 2 µs more. */
const MAX_TARGETS = 1_000

const targets = new Map<string, Target>()

/**
 * The URL's origin as something to call. A name's addresses are still to be checked.
 * @throws {EgressError} EGRESS_DENIED when the URL has user information or another scheme, or
 *   when neither the default rule nor an entry of the list allows the origin.
 */
export function getTarget(url: URL, allow: Allow): Target {
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw new EgressError('EGRESS_DENIED', `Cannot call a ${url.protocol} URL: expected https`)
  }
  if (url.username !== '' || url.password !== '') {
    throw new EgressError('EGRESS_DENIED', 'Cannot call a URL with a user name or password in it')
  }
  const key = `${allow.key} ${url.origin}`
  const known = targets.get(key)
  if (known !== undefined) return known
  const target = createTarget(url, allow)
  if (targets.size >= MAX_TARGETS) targets.clear()
  targets.set(key, target)
  return target
}

function createTarget(url: URL, allow: Allow): Target {
  const scheme = url.protocol === 'https:' ? 'https' : 'http'
  const port = url.port === '' ? (scheme === 'https' ? 443 : 80) : Number(url.port)
  const host = normalizeHost(url.hostname)
  const isTrusted = allow.entries.some(
    (entry) => entry.host === host && entry.scheme === scheme && entry.port === port,
  )
  const target = { allow, scheme, host, port, origin: url.origin, isTrusted } as const
  if (isTrusted) return target
  const isAddress = parseAddress(host) !== undefined
  const mayPass = isAddress ? isAddressAllowed(target, host) : isNameWorthResolving(target)
  if (!mayPass) throw createDeniedError(target)
  return target
}

function isNameWorthResolving(target: Target): boolean {
  const { allow, scheme, port, host } = target
  // A range covers names that resolve into it; without one only the default rule is left.
  const hasRange = allow.entries.some(
    (entry) => entry.range !== undefined && entry.scheme === scheme && entry.port === port,
  )
  if (hasRange) return true
  return isDefaultPort(target) && !PRIVATE_NAME.test(host)
}

function isDefaultPort(target: Target): boolean {
  return target.scheme === 'https' && target.port === 443
}

/** True where a connection to this address may be made for the target. */
export function isAddressAllowed(target: Target, addressText: string): boolean {
  if (target.isTrusted) return true
  const address = parseAddress(addressText)
  if (address === undefined) return false
  if (isDefaultPort(target) && isPublicAddress(address)) return true
  return target.allow.entries.some(
    (entry) =>
      entry.range !== undefined &&
      entry.scheme === target.scheme &&
      entry.port === target.port &&
      isInRange(address, entry.range),
  )
}

/** Says which entry is missing: the origin is the caller's own, so nothing is given away. */
export function createDeniedError(target: Target): EgressError {
  const host = target.host.includes(':') ? `[${target.host}]` : target.host
  const entry = `${target.scheme}://${host}:${target.port}`
  return new EgressError(
    'EGRESS_DENIED',
    `Requests to ${target.origin} are not allowed: only https on port 443 of public addresses is, ` +
      `and what the operator lists; the entry for EGRESS_ALLOW would be ${entry}`,
  )
}

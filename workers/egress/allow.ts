// EGRESS_ALLOW: the operator's list of what may be called beside the public Internet on https and
// 443. An entry always names a port: "this host" without one would open its databases too.
import { type Address, parseAddress } from './address.ts'

/** One entry: a scheme and a port, and either a host name or a range of addresses. */
export interface AllowEntry {
  readonly scheme: 'http' | 'https'
  readonly port: number
  /** Lower case, without a trailing dot. Trusted whatever it resolves to. */
  readonly host?: string
  /** Base address and prefix length in bits. A single address is a range of one. */
  readonly range?: readonly [Address, number]
}

/** A parsed EGRESS_ALLOW. */
export interface Allow {
  /** Different for every list: connections made under one list are never used under another. */
  readonly key: number
  readonly entries: readonly AllowEntry[]
}

/** Every problem of a list at once, so that an operator mends it in one go. */
export class AllowError extends Error {
  override readonly name = 'AllowError'
  readonly code = 'EGRESS_ALLOW_INVALID'
  /** A sentence each. */
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(problems.join('; '))
    this.problems = problems
  }
}

const ENTRY =
  /^(https?):\/\/(?:\[([0-9a-f:.]+)(?:\/(\d{1,3}))?\]|([^\s/:@[\]?#*]+)(?:\/(\d{1,2}))?):(\d{1,5})$/i

const EXPECTED =
  'expected scheme://host:port, scheme://address/bits:port or scheme://[address/bits]:port'

const MAX_PORT = 65_535

/** A process has one list; tests have a few. */
const MAX_PARSED = 100

const parsed = new Map<string, Allow>()
let lastKey = 0

/**
 * The list, parsed once for each text. Entries are separated by commas; blank ones are skipped, so
 * the empty text is the empty list.
 * @throws {AllowError} EGRESS_ALLOW_INVALID when an entry cannot be read.
 */
export function parseAllow(text: string): Allow {
  const known = parsed.get(text)
  if (known !== undefined) return known
  const entries: AllowEntry[] = []
  const problems: string[] = []
  for (const part of text.split(',')) {
    const entryText = part.trim()
    if (entryText === '') continue
    const entry = parseEntry(entryText)
    if (typeof entry === 'string') problems.push(`"${entryText}" ${entry}`)
    else entries.push(entry)
  }
  if (problems.length > 0) throw new AllowError(problems)
  if (parsed.size >= MAX_PARSED) parsed.clear()
  lastKey += 1
  const allow = { key: lastKey, entries }
  parsed.set(text, allow)
  return allow
}

/** The entry, or what is wrong with it. */
function parseEntry(text: string): AllowEntry | string {
  const match = ENTRY.exec(text)
  if (match === null) return `is no entry: ${EXPECTED}`
  const [, schemeText, ipv6, ipv6Bits, name, nameBits, portText] = match
  const scheme = schemeText?.toLowerCase() === 'http' ? 'http' : 'https'
  const port = Number(portText)
  if (port < 1 || port > MAX_PORT) return `has the port ${port}: expected 1 to ${MAX_PORT}`
  const host = parseHost(ipv6 === undefined ? (name ?? '') : `[${ipv6}]`)
  if (host === undefined) return `has a host that is none: ${EXPECTED}`
  const address = parseAddress(host)
  const bits = ipv6Bits ?? nameBits
  if (address === undefined) {
    return bits === undefined ? { scheme, port, host } : `has bits behind a name: ${EXPECTED}`
  }
  const maxBits = address.kind() === 'ipv4' ? 32 : 128
  const prefixLength = bits === undefined ? maxBits : Number(bits)
  if (prefixLength > maxBits) return `has ${prefixLength} bits: expected 0 to ${maxBits}`
  return { scheme, port, range: [address, prefixLength] }
}

/** The host as a URL spells it, so that `127.1` and `EXAMPLE.com.` mean what they mean there. */
function parseHost(text: string): string | undefined {
  const url = URL.parse(`http://${text}`)
  return url === null ? undefined : normalizeHost(url.hostname)
}

/** A URL's `hostname` without brackets and without the dot that ends a fully qualified name. */
export function normalizeHost(hostname: string): string {
  if (hostname.startsWith('[')) return hostname.slice(1, -1)
  return hostname.endsWith('.') ? hostname.slice(0, -1) : hostname
}

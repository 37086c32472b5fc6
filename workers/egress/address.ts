// Which IP addresses belong to the public Internet. Everything that is not known to be public is
// denied: a list of what to deny would have to be complete, and such lists never are.
import ipaddr from 'ipaddr.js'

/** An address in the only form that ranges are compared in. */
export type Address = ipaddr.IPv4 | ipaddr.IPv6

/** IANA has assigned global unicast addresses from here only (RFC 4291, 2.4). */
const GLOBAL_UNICAST: [ipaddr.IPv6, number] = [ipaddr.IPv6.parse('2000::'), 3]

/** NAT64 writes an IPv4 address into the last 32 bits (RFC 6052, 2.1). */
const NAT64: [ipaddr.IPv6, number] = [ipaddr.IPv6.parse('64:ff9b::'), 96]

/** Azure answers its virtual machines here, on an address that is otherwise a public one. */
const AZURE_WIRE_SERVER = '168.63.129.16'

/**
 * The address, with IPv4 addresses that hide in IPv6 ones (`::ffff:a.b.c.d`, the old `::a.b.c.d`,
 * `64:ff9b::a.b.c.d`) taken out; `undefined` where the text is no address.
 */
export function parseAddress(text: string): Address | undefined {
  if (!ipaddr.isValid(text)) return undefined
  const address = ipaddr.parse(text)
  if (address instanceof ipaddr.IPv4) return address
  const parts = address.parts
  const isMapped = parts.slice(0, 5).every((part) => part === 0)
  const isUnspecifiedOrLoopback = isMapped && parts[5] === 0 && parts[6] === 0
  const isCompatible = isMapped && parts[5] === 0 && !isUnspecifiedOrLoopback
  if (isCompatible || (isMapped && parts[5] === 0xffff) || address.match(NAT64)) {
    return new ipaddr.IPv4(address.toByteArray().slice(12))
  }
  return address
}

/**
 * True for an address that anybody on the Internet can reach. 6to4 and Teredo addresses are none:
 * they carry an IPv4 address of the sender's choice and no API lives there.
 */
export function isPublicAddress(address: Address): boolean {
  if (address.range() !== 'unicast') return false
  if (address instanceof ipaddr.IPv4) return address.toString() !== AZURE_WIRE_SERVER
  return address.match(GLOBAL_UNICAST)
}

/** True where both are of one family and the range holds the address. */
export function isInRange(address: Address, range: readonly [Address, number]): boolean {
  const [base, prefixLength] = range
  if (address instanceof ipaddr.IPv4) {
    return base instanceof ipaddr.IPv4 && address.match(base, prefixLength)
  }
  return base instanceof ipaddr.IPv6 && address.match(base, prefixLength)
}

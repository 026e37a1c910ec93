import ip from 'ipaddr.js'

/** What one subscriber has of IPv6, at least: it can come from any address in there. */
const IPV6_PREFIX = 64

/**
 * Whom a limit by address counts: an IPv4 address, also where it is written inside IPv6, or the /64 of an IPv6 one.
 * Logs and the audit trail have the whole address.
 */
export function toLimitKey(address: string): string {
  if (!address.includes(':') || !ip.isValid(address)) return address
  const plain = ip.process(address)
  if (plain instanceof ip.IPv4) return plain.toString()
  const network = [...plain.parts.slice(0, IPV6_PREFIX / 16), 0, 0, 0, 0]
  return `${new ip.IPv6(network)}/${IPV6_PREFIX}`
}

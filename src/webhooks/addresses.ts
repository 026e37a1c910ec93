import { isIP, type LookupFunction } from 'node:net'
import ip from 'ipaddr.js'
import type { ResolveName } from './dns.ts'

/** Whether a webhook may be sent to an IP address. */
export type AddressRule = (address: string) => boolean

/** The allocated part of IPv6. The rest, such as IPv4 inside IPv6, may lead into private networks. */
const globalUnicast = ip.IPv6.parseCIDR('2000::/3')

/** The public address of the platform's own services on every Azure machine. */
const azurePlatform = ip.parseCIDR('168.63.129.16/32')

/**
 * Allows public addresses and those in `networks` (CIDR). Refuses the special ranges: private, loopback, link-local,
 * shared, multicast, reserved, tunnels, IPv4 inside IPv6, and Azure's platform address.
 */
export function createAddressRule(networks: readonly string[]): AddressRule {
  const allowed = networks.map((network) => ip.parseCIDR(network))
  return (text) => {
    if (!ip.isValid(text)) return false
    const address = ip.parse(text)
    const plain = ip.process(text)
    const isIn = ([base, bits]: (typeof allowed)[number]) =>
      base.kind() === plain.kind() && plain.match(base, bits)
    if (allowed.some(isIn)) return true
    if (isIn(azurePlatform)) return false
    if (address instanceof ip.IPv6 && !address.match(globalUnicast)) return false
    return address.range() === 'unicast'
  }
}

/** The rule refuses every address of the receiver. */
export class AddressRefused extends Error {
  readonly code = 'ADDRESS_REFUSED'
}

/** The address in a URL that has one in place of a name; no look-up checks it. */
export function literalAddress(url: URL): string | undefined {
  const host = url.hostname.replace(/^\[|\]$/g, '')
  return isIP(host) ? host : undefined
}

/**
 * Resolves a name to its allowed addresses, of both families. The connection goes to an address from this very look-up,
 * so a name that changes afterwards gains nothing.
 */
export function createLookup(isAllowed: AddressRule, resolve: ResolveName): LookupFunction {
  return (hostname, { all }, callback) => {
    resolve(hostname).then(
      (addresses) => {
        const [first, ...others] = addresses.filter(({ address }) => isAllowed(address))
        if (!first) callback(new AddressRefused(), '', 0)
        else if (all) callback(null, [first, ...others])
        else callback(null, first.address, first.family)
      },
      (error) => callback(error, '', 0),
    )
  }
}

import { isIP, type LookupFunction } from 'node:net'
import ip from 'ipaddr.js'
import type { ResolveName } from './names.ts'

/** Says whether a webhook may be sent to an IP address. */
export type AddressRule = (address: string) => boolean

/** What IPv6 has given out: all else, such as addresses with an IPv4 one inside, leads who knows where. */
const globalUnicast = ip.IPv6.parseCIDR('2000::/3')

/** A public address at which every machine on Azure finds the platform's own services. */
const azurePlatform = ip.parseCIDR('168.63.129.16/32')

/**
 * Public addresses, and those in `networks` (CIDR). What a table of special ranges knows is refused: private,
 * loopback, link-local, shared, multicast, reserved, tunnels, IPv4 inside IPv6; and what Azure has put among the public.
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

/** No name that resolves, or no address, that a webhook may be sent to. */
export class AddressRefused extends Error {
  readonly code = 'ADDRESS_REFUSED'
}

/** Where a URL names an address itself, no name is looked up. */
export function literalAddress(url: URL): string | undefined {
  const host = url.hostname.replace(/^\[|\]$/g, '')
  return isIP(host) ? host : undefined
}

/**
 * Resolves a name to those of its addresses that the rule lets through; none of our requests asks for one family. The
 * connection is made to what is returned here, so a name that changes meanwhile gains nothing.
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

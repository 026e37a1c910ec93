import type { Context } from 'hono'
import ip from 'ipaddr.js'
import type { HttpEnv } from './env.ts'

/** The smallest IPv6 network that one subscriber gets: it can use every address in there. */
const IPV6_PREFIX = 64

const withPort = /^"?(?:\[([^\]]+)\]|([\d.]+))(?::\d{1,5})?"?$/

/**
 * The address that a request came from: the first hop that is not a trusted proxy. Each of `trustedHops` proxies
 * appends the address of its peer, so what a client forges is further left.
 */
export function clientAddress(c: Context<HttpEnv>, trustedHops: number): string {
  const peer = c.env.incoming?.socket.remoteAddress ?? 'unknown'
  if (trustedHops === 0) return peer
  const forwarded = listItems(c.req.header('x-forwarded-for')).filter((hop) => hop !== '')
  const hops = [...forwarded, peer]
  return toAddress(hops[Math.max(0, hops.length - 1 - trustedHops)] ?? peer)
}

/** Whether the browser came over https. Only a proxy can tell, so without trusted proxies the answer is no. */
export function isOverHttps(c: Context<HttpEnv>, trustedHops: number): boolean {
  if (trustedHops === 0) return false
  const schemes = listItems(c.req.header('x-forwarded-proto'))
  // Each proxy appends its scheme, as with addresses.
  return schemes[Math.max(0, schemes.length - trustedHops)]?.toLowerCase() === 'https'
}

/** Where a request has reached this server, as its client sees it. A browser says so itself. */
export function originOf(c: Context<HttpEnv>, trustedHops: number): string {
  const { host } = new URL(c.req.url)
  const said = c.req.header('origin')
  if (said !== undefined && URL.canParse(said) && new URL(said).host === host) return new URL(said).origin
  return `${isOverHttps(c, trustedHops) ? 'https' : 'http'}://${host}`
}

function listItems(header = ''): string[] {
  return header.split(',').map((item) => item.trim())
}

/** A hop of `X-Forwarded-For` without its brackets and its port, which some proxies add and which changes with each connection. */
export function toAddress(hop: string): string {
  const [, ipv6, ipv4] = withPort.exec(hop) ?? []
  const address = ipv6 ?? ipv4
  return address !== undefined && ip.isValid(address) ? address : hop
}

/**
 * The key under which a limit counts an address: an IPv4 address, also where it is written inside IPv6, or the /64 of
 * an IPv6 address. Logs and the audit trail have the whole address.
 */
export function toLimitKey(address: string): string {
  if (!address.includes(':') || !ip.isValid(address)) return address
  const plain = ip.process(address)
  if (plain instanceof ip.IPv4) return plain.toString()
  const network = [...plain.parts.slice(0, IPV6_PREFIX / 16), 0, 0, 0, 0]
  return `${new ip.IPv6(network)}/${IPV6_PREFIX}`
}

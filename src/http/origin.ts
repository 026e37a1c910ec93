import type { Context } from 'hono'
import type { HttpEnv } from './env.ts'

/** Whether a page of this server asks, or nobody's page: a browser names the origin of what it runs. */
export function isFromHere(c: Context<HttpEnv>): boolean {
  const origin = c.req.header('origin')
  if (origin === undefined) return true
  return URL.canParse(origin) && new URL(origin).host === c.req.header('host')
}

/** Whether the browser came over https: only proxies can tell, and only those that are trusted are believed. */
export function isOverHttps(c: Context<HttpEnv>, trusted_hops: number): boolean {
  if (trusted_hops === 0) return false
  const schemes = (c.req.header('x-forwarded-proto') ?? '').split(',').map((scheme) => scheme.trim())
  // As with addresses: each proxy adds at the right end, so the outermost trusted one stands there.
  return schemes[Math.max(0, schemes.length - trusted_hops)]?.toLowerCase() === 'https'
}

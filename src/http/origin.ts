import type { Context } from 'hono'
import type { HttpEnv } from './env.ts'

/** A browser's origin must be this server's, or one that the operator allows. */
export function isOriginAllowed(c: Context<HttpEnv>, allowed: readonly string[]): boolean {
  return allowed.includes(c.req.header('origin') ?? '') || isFromHere(c)
}

/** Whether a page of this server asks, or no page at all: browsers send the origin of a page. */
export function isFromHere(c: Context<HttpEnv>): boolean {
  const origin = c.req.header('origin')
  if (origin === undefined) return true
  return URL.canParse(origin) && new URL(origin).host === c.req.header('host')
}

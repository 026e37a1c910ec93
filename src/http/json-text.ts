import type { Context } from 'hono'
import type { HttpEnv } from './env.ts'

/** A 200 whose body is JSON already. */
export function jsonText(c: Context<HttpEnv>, json: string): Response {
  return c.body(json, 200, { 'Content-Type': 'application/json' })
}

import type { Context } from 'hono'
import type { Cluster, Redis } from 'ioredis'
import { RateLimiterRes } from 'rate-limiter-flexible'
import { SignalboxError } from '#src/domain/errors.ts'
import { LIMIT_WINDOW_SECONDS } from './bounds.ts'
import { toLimitKey } from './client-address.ts'
import type { HttpEnv } from './env.ts'
import { createLimiter, type LimiterWatch } from './limiter.ts'

/** Counts one request and sets the `RateLimit-*` headers; refuses with `rate_limited`. */
export type RateLimit = (c: Context<HttpEnv>, address: string) => Promise<void>

export type RateLimits = (name: string, a_minute: number) => RateLimit

/** Makes one limiter for each name. Two routes of one name share a budget. */
export function createRateLimits(
  redis: Redis | Cluster | undefined,
  multiplier: number,
  watch: LimiterWatch,
): RateLimits {
  const made = new Map<string, RateLimit>()
  return (name, a_minute) => {
    const known = made.get(name)
    if (known) return known
    const window = {
      name: `limit:${name}`,
      points: a_minute,
      seconds: LIMIT_WINDOW_SECONDS,
      multiplier,
      insured: watch.insured,
    }
    const limiter = createLimiter(redis, window)
    watch.made(name)
    const limit: RateLimit = async (c, address) => {
      const { result, rejected } = await limiter.consume(toLimitKey(address)).then(
        (result) => ({ result, rejected: false }),
        (result: unknown) => {
          if (!(result instanceof RateLimiterRes)) throw result
          return { result, rejected: true }
        },
      )
      const reset = Math.ceil(result.msBeforeNext / 1000)
      c.header('RateLimit-Limit', String(limiter.points))
      c.header('RateLimit-Remaining', String(Math.max(0, result.remainingPoints)))
      c.header('RateLimit-Reset', String(reset))
      if (!rejected) return
      watch.rejected(name)
      const message = `Rate limit exceeded: ${limiter.points} per minute`
      throw new SignalboxError('rate_limited', [{ message, field: null }], Math.max(1, reset))
    }
    made.set(name, limit)
    return limit
  }
}

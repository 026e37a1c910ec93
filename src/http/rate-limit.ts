import type { Context } from 'hono'
import type { Cluster, Redis } from 'ioredis'
import { RateLimiterRes } from 'rate-limiter-flexible'
import { SignalboxError } from '#src/domain/errors.ts'
import type { HttpEnv } from './env.ts'
import { toLimitKey } from './limit-key.ts'
import { createLimiter, type LimiterWatch } from './limiter.ts'

const WINDOW_SECONDS = 60

/** Counts one request; refuses with `rate_limited`. Sets the `RateLimit-*` headers either way. */
export type RateLimit = (c: Context<HttpEnv>, address: string) => Promise<void>

export type RateLimits = (name: string, a_minute: number) => RateLimit

/** One limiter a name, fixed windows of 60 s. Two routes of one name share a budget. */
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
      seconds: WINDOW_SECONDS,
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

/**
 * The address that a request came from: the first hop that is not one of ours. Each of `trusted_hops`
 * proxies adds the address of its peer at the right end, so what a client forges stands further left.
 */
export function clientAddress(c: Context<HttpEnv>, trusted_hops: number): string {
  const peer = c.env.incoming?.socket.remoteAddress ?? 'unknown'
  if (trusted_hops === 0) return peer
  const forwarded = (c.req.header('x-forwarded-for') ?? '')
    .split(',')
    .map((hop) => hop.trim())
    .filter((hop) => hop !== '')
  const hops = [...forwarded, peer]
  return hops[Math.max(0, hops.length - 1 - trusted_hops)] ?? peer
}

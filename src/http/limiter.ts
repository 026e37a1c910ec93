import type { Cluster, Redis } from 'ioredis'
import { type RateLimiterAbstract, RateLimiterMemory, RateLimiterRedis } from 'rate-limiter-flexible'

type Options = { name: string; points: number; seconds: number; multiplier: number }

/**
 * Counts in fixed windows. With Redis the replicas share one budget; a memory limiter with the same limits
 * stands in while Redis does not answer.
 */
export function createLimiter(
  redis: Redis | Cluster | undefined,
  { name, points, seconds, multiplier }: Options,
): RateLimiterAbstract {
  const options = {
    keyPrefix: `signalbox:${name}`,
    points: Math.max(1, Math.floor(points * multiplier)),
    duration: seconds,
  }
  const memory = new RateLimiterMemory(options)
  if (!redis) return memory
  const shared = { storeClient: redis, insuranceLimiter: memory, rejectIfRedisNotReady: true }
  return new RateLimiterRedis({ ...options, ...shared })
}

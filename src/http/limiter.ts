import type { Cluster, Redis } from 'ioredis'
import {
  type RateLimiterAbstract,
  RateLimiterMemory,
  RateLimiterRedis,
  type RateLimiterRes,
} from 'rate-limiter-flexible'

type Options = { name: string; points: number; seconds: number; multiplier: number; insured: () => void }

/** Counts limits for metrics. */
export type LimiterWatch = {
  made(operation: string): void
  rejected(operation: string): void
  /** Redis did not answer, so this process counted a request. */
  insured(): void
}

/**
 * Counts in fixed windows. With Redis the replicas share one budget; while Redis does not answer, each process counts in
 * memory, with the same limits.
 */
export function createLimiter(
  redis: Redis | Cluster | undefined,
  { name, points, seconds, multiplier, insured }: Options,
): RateLimiterAbstract {
  const options = {
    keyPrefix: name,
    points: Math.max(1, Math.floor(points * multiplier)),
    duration: seconds,
  }
  if (!redis) return new RateLimiterMemory(options)
  const insuranceLimiter = new CountingFallback(options, insured)
  const shared = { storeClient: redis, insuranceLimiter, rejectIfRedisNotReady: true }
  return new RateLimiterRedis({ ...options, ...shared })
}

class CountingFallback extends RateLimiterMemory {
  readonly #used: () => void

  constructor(options: ConstructorParameters<typeof RateLimiterMemory>[0], used: () => void) {
    super(options)
    this.#used = used
  }

  override consume(...args: Parameters<RateLimiterMemory['consume']>): Promise<RateLimiterRes> {
    this.#used()
    return super.consume(...args)
  }

  override get(...args: Parameters<RateLimiterMemory['get']>): Promise<RateLimiterRes | null> {
    this.#used()
    return super.get(...args)
  }
}

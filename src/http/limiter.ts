import type { Cluster, Redis } from 'ioredis'
import {
  type RateLimiterAbstract,
  RateLimiterMemory,
  RateLimiterRedis,
  type RateLimiterRes,
} from 'rate-limiter-flexible'

type Options = { name: string; points: number; seconds: number; multiplier: number; insured: () => void }

/** Hears of limits, for metrics. */
export type LimiterWatch = {
  made(operation: string): void
  rejected(operation: string): void
  /** A request was counted here, since Redis did not answer. */
  insured(): void
}

/**
 * Counts in fixed windows. With Redis the replicas share one budget; a memory limiter with the same limits
 * stands in while Redis does not answer.
 */
export function createLimiter(
  redis: Redis | Cluster | undefined,
  { name, points, seconds, multiplier, insured }: Options,
): RateLimiterAbstract {
  const options = {
    keyPrefix: `signalbox:${name}`,
    points: Math.max(1, Math.floor(points * multiplier)),
    duration: seconds,
  }
  if (!redis) return new RateLimiterMemory(options)
  const insuranceLimiter = new Insurance(options, insured)
  const shared = { storeClient: redis, insuranceLimiter, rejectIfRedisNotReady: true }
  return new RateLimiterRedis({ ...options, ...shared })
}

class Insurance extends RateLimiterMemory {
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

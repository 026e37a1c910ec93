import type { RedisOptions } from 'ioredis'

const RECONNECT_MAX_MS = 1_000
/** A socket that owes an answer for so long is closed. */
export const SOCKET_TIMEOUT_MS = 2_000

/** What all connections to Redis have in common. */
export const connectionOptions = {
  lazyConnect: true,
  connectTimeout: 2_000,
  retryStrategy: (attempt: number) => Math.min(50 * attempt, RECONNECT_MAX_MS),
} satisfies RedisOptions

/** News is not kept for when Redis is back. */
export const publisherOptions = {
  ...connectionOptions,
  enableOfflineQueue: false,
  maxRetriesPerRequest: 0,
  enableAutoPipelining: true,
  socketTimeout: SOCKET_TIMEOUT_MS,
} satisfies RedisOptions

/**
 * A command that has no answer in 150 ms counts as refused, and then the limiter's insurance decides. The socket is closed
 * before: so what a request asks next finds it closed, and does not wait as long once more. A process that is itself as
 * late connects anew, and counts by itself meanwhile.
 */
export const limiterOptions = {
  maxRetriesPerRequest: 1,
  commandTimeout: 150,
  socketTimeout: 120,
} satisfies RedisOptions

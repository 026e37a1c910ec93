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
 * A command that has no answer in so long counts as refused, and then the limiter's insurance decides. The socket goes as
 * well, so that what a request asks next does not wait as long once more.
 */
const LIMITER_TIMEOUT_MS = 150
export const limiterOptions = {
  maxRetriesPerRequest: 1,
  commandTimeout: LIMITER_TIMEOUT_MS,
  socketTimeout: LIMITER_TIMEOUT_MS,
} satisfies RedisOptions

import type { RedisOptions } from 'ioredis'
import {
  CONNECT_TIMEOUT_MS,
  LIMITER_SOCKET_TIMEOUT_MS,
  LIMITER_TIMEOUT_MS,
  MAX_RECONNECT_WAIT_MS,
  SOCKET_TIMEOUT_MS,
} from './bounds.ts'

/** The options of every connection to Redis. */
export const connectionOptions = {
  lazyConnect: true,
  connectTimeout: CONNECT_TIMEOUT_MS,
  retryStrategy: (attempt: number) => Math.min(50 * attempt, MAX_RECONNECT_WAIT_MS),
} satisfies RedisOptions

/** News is not queued while Redis is away: the log has it. */
export const publisherOptions = {
  ...connectionOptions,
  enableOfflineQueue: false,
  maxRetriesPerRequest: 0,
  enableAutoPipelining: true,
  socketTimeout: SOCKET_TIMEOUT_MS,
} satisfies RedisOptions

export const limiterOptions = {
  maxRetriesPerRequest: 1,
  commandTimeout: LIMITER_TIMEOUT_MS,
  socketTimeout: LIMITER_SOCKET_TIMEOUT_MS,
} satisfies RedisOptions

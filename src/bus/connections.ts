import { Redis, type RedisOptions } from 'ioredis'

const RECONNECT_MAX_MS = 1_000

const shared = {
  lazyConnect: true,
  connectTimeout: 2_000,
  retryStrategy: (attempt: number) => Math.min(50 * attempt, RECONNECT_MAX_MS),
} satisfies RedisOptions

/** The three connections to Redis, apart, so that a slow one never holds up the others' work. */
export type RedisConnections = { limiter: Redis; publisher: Redis; subscriber: Redis }

/** Opens them in the background: a server starts without Redis, and finds it when it comes. */
export function connectRedis(url: string, onError: (error: Error) => void): RedisConnections {
  const connections = {
    // A command that has no answer in 150 ms counts as refused: then the limiter's insurance decides.
    limiter: new Redis(url, {
      ...shared,
      enableOfflineQueue: false,
      maxRetriesPerRequest: 1,
      commandTimeout: 150,
      socketTimeout: 2_000,
    }),
    publisher: new Redis(url, {
      ...shared,
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      enableAutoPipelining: true,
      socketTimeout: 2_000,
    }),
    // Subscriptions asked for while offline wait for the connection.
    subscriber: new Redis(url, { ...shared, maxRetriesPerRequest: null }),
  }
  for (const connection of Object.values(connections)) {
    connection.on('error', onError)
    connection.connect().catch(() => {})
  }
  return connections
}

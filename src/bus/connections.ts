import { Cluster, Redis } from 'ioredis'
import type { Bus } from './bus.ts'
import { createClusterBus } from './cluster.ts'
import { connectionOptions, limiterOptions, publisherOptions } from './connection-options.ts'
import type { NewsCodec } from './news.ts'
import { createRedisBus } from './redis.ts'
import { type ClusterLocation, parseRedisUrl } from './redis-url.ts'
import { credentialsOf } from './slots.ts'

/** How often the limiter asks a cluster for its slots. */
const SLOTS_REFRESH_MS = 2_000

/** The limiter's connection is apart, so that a slow one never holds up the others' work. */
export type RedisConnections = { limiter: Redis | Cluster; bus: Bus }

type Wiring = { codec: NewsCodec; onError: (error: Error) => void }

/** Opens them in the background: a server starts without Redis, and finds it when it comes. */
export function connectRedis(url: string, wiring: Wiring): RedisConnections {
  const location = parseRedisUrl(url)
  return location.kind === 'cluster' ? connectCluster(location, wiring) : connectServer(location.url, wiring)
}

function connectServer(url: string, { codec, onError }: Wiring): RedisConnections {
  const limiter = new Redis(url, { ...connectionOptions, ...limiterOptions, enableOfflineQueue: false })
  const publisher = new Redis(url, publisherOptions)
  // Subscriptions asked for while offline wait for the connection.
  const subscriber = new Redis(url, { ...connectionOptions, maxRetriesPerRequest: null })
  for (const connection of [limiter, publisher, subscriber]) {
    connection.on('error', onError)
    connection.connect().catch(() => {})
  }
  return { limiter, bus: createRedisBus(publisher, subscriber, codec) }
}

/** Nothing is tried again or waits: what a node does not take at once, the limiter's insurance decides. */
function connectCluster(location: ClusterLocation, { codec, onError }: Wiring): RedisConnections {
  const { nodes, tls } = location
  const limiter = new Cluster([...nodes], {
    redisOptions: {
      ...limiterOptions,
      connectTimeout: connectionOptions.connectTimeout,
      ...credentialsOf(location),
    },
    // A certificate is for a name, not for the address that it stands for.
    ...(tls && { dnsLookup: (host, found) => found(null, host) }),
    clusterRetryStrategy: connectionOptions.retryStrategy,
    slotsRefreshInterval: SLOTS_REFRESH_MS,
    enableOfflineQueue: false,
    enableReadyCheck: false,
    retryDelayOnFailover: 0,
    retryDelayOnClusterDown: 0,
  })
  limiter.on('error', onError)
  return { limiter, bus: createClusterBus(location, { codec, onError }) }
}

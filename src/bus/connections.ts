import { Cluster, Redis } from 'ioredis'
import { LIMITER_SLOTS_REFRESH_MS } from './bounds.ts'
import type { Bus } from './bus.ts'
import { createClusterBus } from './cluster.ts'
import { connectionOptions, limiterOptions, publisherOptions } from './connection-options.ts'
import { MasterWatch } from './master-watch.ts'
import { channelOf, type NewsCodec } from './news.ts'
import { createRedisBus } from './redis.ts'
import { type ClusterLocation, parseRedisUrl } from './redis-url.ts'
import { credentialsOf } from './slots.ts'

/** Written to find out whether a server is a master. */
const ROLE_KEY = 'role'
const keyPrefixOf = ({ deployment }: NewsCodec) => `signalbox:${deployment}:`

/** The limiter and the bus have separate connections, so that neither delays the other. */
export type RedisConnections = { limiter: Redis | Cluster; bus: Bus }

type Context = { codec: NewsCodec; onError: (error: Error) => void }

/** Connects in the background: a server starts without Redis and finds it later. */
export function connectRedis(url: string, context: Context): RedisConnections {
  const location = parseRedisUrl(url)
  return location.kind === 'cluster'
    ? connectCluster(location, context)
    : connectServer(location.url, context)
}

function connectServer(url: string, { codec, onError }: Context): RedisConnections {
  const keyPrefix = keyPrefixOf(codec)
  const offline = { keyPrefix, enableOfflineQueue: false }
  const limiter = new Redis(url, { ...connectionOptions, ...limiterOptions, ...offline })
  const publisher = new Redis(url, publisherOptions)
  // Subscriptions made while offline wait for the connection.
  const subscriber = new Redis(url, { ...connectionOptions, maxRetriesPerRequest: null })
  for (const connection of [limiter, publisher, subscriber]) {
    connection.on('error', onError)
    connection.connect().catch(() => {})
  }
  const watch = new MasterWatch({
    publisher: { connection: publisher, key: `${keyPrefix}${ROLE_KEY}` },
    limiter: { connection: limiter, key: ROLE_KEY },
    subscriber,
    channel: channelOf(codec.deployment, codec.sender),
    onError,
  })
  return { limiter, bus: createRedisBus({ publisher, subscriber, watch }, codec) }
}

/** The limiter never retries or waits: where a node refuses a command, the process counts by itself. */
function connectCluster(location: ClusterLocation, { codec, onError }: Context): RedisConnections {
  const { nodes, tls } = location
  const limiter = new Cluster([...nodes], {
    redisOptions: {
      ...limiterOptions,
      connectTimeout: connectionOptions.connectTimeout,
      ...credentialsOf(location),
    },
    // TLS checks the certificate against the name, so names are not replaced by addresses.
    ...(tls && { dnsLookup: (host, found) => found(null, host) }),
    keyPrefix: keyPrefixOf(codec),
    clusterRetryStrategy: connectionOptions.retryStrategy,
    slotsRefreshInterval: LIMITER_SLOTS_REFRESH_MS,
    enableOfflineQueue: false,
    enableReadyCheck: false,
    retryDelayOnFailover: 0,
    retryDelayOnClusterDown: 0,
  })
  limiter.on('error', onError)
  return { limiter, bus: createClusterBus(location, { codec, onError }) }
}

import { randomUUID } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { Hono } from 'hono'
import type { Logger } from 'pino'
import { createAuthenticate } from './auth/authenticate.ts'
import type { TokenKeys } from './auth/tokens.ts'
import { connectRedis } from './bus/connections.ts'
import { createMemoryBus } from './bus/memory.ts'
import { createNewsCodec } from './bus/news.ts'
import { ensureFirstSuperuser } from './commands/first-superuser.ts'
import { resealWebhooks } from './commands/webhooks.ts'
import { WriteQueue } from './commands/write-queue.ts'
import type { Config } from './config.ts'
import { type WebhookTimings, webhookTimings } from './domain/webhook.ts'
import { createApi } from './http/api.ts'
import type { HttpEnv } from './http/env.ts'
import { createRateLimits } from './http/rate-limit.ts'
import { closeServer, createHttpServer } from './http/server.ts'
import { createSignInLimit } from './http/sign-in-limit.ts'
import { startJobs } from './jobs/job.ts'
import { createMassLossWatch } from './jobs/mass-loss.ts'
import { createPauseJob } from './jobs/pauses.ts'
import { createPresenceJob } from './jobs/presence.ts'
import { createForgettingJob, createRetentionJob } from './jobs/retention.ts'
import { WebhookDeliveries } from './jobs/webhooks.ts'
import { createMetrics } from './metrics/metrics.ts'
import { AccessWatch } from './realtime/access-watch.ts'
import { EventStreams } from './realtime/event-streams.ts'
import { Hub } from './realtime/hub.ts'
import { Realtime } from './realtime/realtime.ts'
import { RuntimeLinks } from './realtime/runtime-links.ts'
import { Snapshots } from './realtime/snapshots.ts'
import { SocketCounts } from './realtime/socket-counts.ts'
import { isInMemory, lockDataDir, readOrCreateSecret } from './store/data-dir.ts'
import { type Database, openDatabase } from './store/database.ts'
import { hasPendingMigrations, migrate } from './store/migrate.ts'
import { type DatabaseLocation, type Orm, openOrm } from './store/orm.ts'
import { renewReplica } from './store/replicas.ts'
import { tracePublishes, traceTransactions } from './tracing/traced-parts.ts'
import { createUpgradeHandler } from './upgrade.ts'
import { version } from './version.ts'
import { createAddressRule } from './webhooks/addresses.ts'

const POOL_SIZE = 10

export type App = {
  /** Answers requests without a port. */
  api: Hono<HttpEnv>
  database: Database
  orm: Orm
  hub: Hub
  realtime: Realtime
  webhooks: WebhookDeliveries
  /** A first superuser that was made with a password of ours: to be shown once. */
  created_superuser: { email: string; password: string } | undefined
  /** Resolves with the address that it listens on. */
  listen(): Promise<{ host: string; port: number }>
  stop(): Promise<void>
}

/** Builds every part by hand, in the order of their needs; `stop` ends them in reverse. */
export async function createApp(
  config: Config,
  log: Logger,
  timings: WebhookTimings = webhookTimings,
): Promise<App> {
  const stops: (() => unknown)[] = []
  const stop = async () => {
    for (const end of stops.splice(0).reverse()) await end()
  }
  try {
    return await build(config, log, { stops, stop, timings })
  } catch (error) {
    await stop()
    throw error
  }
}

type Ending = { stops: (() => unknown)[]; stop: () => Promise<void>; timings: WebhookTimings }

async function build(config: Config, log: Logger, { stops, stop, timings }: Ending): Promise<App> {
  const keys: TokenKeys = config.secret_keys ?? [readOrCreateSecret(config.data_dir)]
  const location = locateDatabase(config)
  if (!config.database_url && !isInMemory(config.data_dir)) stops.push(lockDataDir(config.data_dir))
  const orm = await openOrm(location)
  stops.push(() => orm.close(true))
  const database = traceTransactions(await openDatabase(orm, location))
  await migrate(orm, location)

  const instance = randomUUID()
  const metrics = createMetrics()
  const redis = config.redis_url
    ? connectRedis(config.redis_url, {
        codec: createNewsCodec(keys, instance),
        onError: (error) => log.warn({ error: error.message }, 'redis'),
      })
    : undefined
  const bus = tracePublishes(metrics.events.measure(redis?.bus ?? createMemoryBus()))
  stops.push(
    () => redis?.limiter.disconnect(),
    () => bus.close(),
  )

  const clock = () => new Date().toISOString()
  const isAllowedAddress = createAddressRule(config.webhook_networks)
  const context = { orm, database, bus, clock, keys, writes: new WriteQueue(database, bus, clock) }
  const created_superuser = await ensureFirstSuperuser(orm, {
    email: config.admin_email,
    password: config.admin_password,
  })

  const authenticate = createAuthenticate(database, keys)
  const hub = new Hub(database, bus, metrics.events.delivered)
  stops.push(() => hub.close())
  const onError = (err: unknown) => log.error({ err }, 'a message failed')
  const snapshots = new Snapshots(database)
  const guards = new AccessWatch(database)
  stops.push(() => guards.close())
  const counts = new SocketCounts()
  const streams = new EventStreams({ hub, guards, counts })
  const { writes } = context
  const massLosses = createMassLossWatch(database, (loss) => {
    metrics.countMassLoss()
    log.warn(loss, 'a project lost over half of its runtimes at once')
  })
  const held = { database, writes, replica: instance, onLost: massLosses.note }
  const links = new RuntimeLinks({ ...held, hub })
  stops.push(() => links.close())
  const realtime = new Realtime(
    { authenticate, database, hub, snapshots, links, guards, counts, writes, onError },
    { version, instance },
  )
  await renewReplica(database, instance)
  await resealWebhooks(database, keys)
  const webhooks = new WebhookDeliveries({
    database,
    keys,
    isAllowedAddress,
    timings,
    user_agent: `Signalbox/${version}`,
    onDisabled: (webhook) => log.warn(webhook, 'a webhook is disabled'),
    onError: (err) => log.error({ err }, 'a webhook was not delivered'),
  })
  metrics.readOff({ hub, realtime, streams, links, database, bus, writes, webhooks })
  stops.push(() => webhooks.close())
  const jobs = [
    createRetentionJob(database, config.retention_seconds),
    createForgettingJob(database),
    createPauseJob(context),
    createPresenceJob({ ...held, reconcile: () => links.reconcile() }),
    massLosses.job,
    webhooks.job,
  ]
  const failed = (job: string, err: unknown) => {
    metrics.jobs.failed(job)
    log.error({ err, job }, 'a job failed')
  }
  stops.push(startJobs(jobs, { ...metrics.jobs, failed }))
  let draining = false
  const api = createApi(
    {
      ...context,
      isAllowedAddress,
      limitSignIn: createSignInLimit(redis?.limiter, config.rate_limit_multiplier, metrics.http.limiters),
      openEventStream: (project_id, reader) => streams.open(project_id, reader),
    },
    {
      log,
      onAnswered: metrics.http.answered,
      authenticate,
      rateLimits: createRateLimits(redis?.limiter, config.rate_limit_multiplier, metrics.http.limiters),
      trusted_hops: config.trusted_hops,
      allowed_origins: config.allowed_origins,
    },
    {
      database,
      bus,
      hasPendingMigrations: () => hasPendingMigrations(orm),
      isDraining: () => draining,
      readMetrics: metrics.read,
    },
  )

  const listen = async () => {
    const server = createHttpServer(api)
    server.on('upgrade', createUpgradeHandler(api, realtime, onError))
    stops.push(async () => {
      draining = true
      streams.close()
      await Promise.all([realtime.drain(), closeServer(server)])
    })
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(config.port, config.host, resolve)
    })
    const { address, port } = server.address() as AddressInfo
    return { host: address, port }
  }
  return { api, database, orm, hub, realtime, webhooks, created_superuser, listen, stop }
}

export function locateDatabase(config: Config): DatabaseLocation {
  if (config.database_url) return { url: config.database_url, pool_size: POOL_SIZE }
  return { folder: isInMemory(config.data_dir) ? config.data_dir : join(config.data_dir, 'pglite') }
}

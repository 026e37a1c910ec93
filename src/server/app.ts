import { randomUUID } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Hono } from 'hono'
import type { Logger } from 'pino'
import { createAuthenticate } from '#src/auth/authenticate.ts'
import { loadHashing } from '#src/auth/passwords.ts'
import type { TokenKeys } from '#src/auth/tokens.ts'
import { connectRedis } from '#src/bus/connections.ts'
import { nameDeployment } from '#src/bus/deployment.ts'
import { createMemoryBus } from '#src/bus/memory.ts'
import { createNewsCodec } from '#src/bus/news.ts'
import { renewSetBack } from '#src/commands/epochs.ts'
import { ensureFirstSuperuser } from '#src/commands/first-superuser.ts'
import { ProjectTurns } from '#src/commands/project-turns.ts'
import { WebhookTests } from '#src/commands/webhook-tests.ts'
import { resealWebhooks } from '#src/commands/webhooks.ts'
import { WriteQueue } from '#src/commands/write-queue.ts'
import type { Config } from '#src/config/config.ts'
import { createUnsentBudget } from '#src/domain/unsent-budget.ts'
import { type WebhookTimings, webhookTimings } from '#src/domain/webhook.ts'
import { createApi } from '#src/http/api.ts'
import type { HttpEnv } from '#src/http/env.ts'
import { createRateLimits } from '#src/http/rate-limit.ts'
import { closeServer, createHttpServer } from '#src/http/server.ts'
import { createSignInLimit } from '#src/http/sign-in-limit.ts'
import { createBudgetJob } from '#src/jobs/budgets.ts'
import { createClockJob } from '#src/jobs/clock.ts'
import { createHoldJob } from '#src/jobs/holds.ts'
import { startJobs } from '#src/jobs/job.ts'
import { createMassLossWatch } from '#src/jobs/mass-loss.ts'
import { createOverdueJob } from '#src/jobs/overdue.ts'
import { createPauseJob } from '#src/jobs/pauses.ts'
import { createPresenceJob } from '#src/jobs/presence.ts'
import { createRequestJob } from '#src/jobs/requests.ts'
import { createForgettingJob, createRetentionJob, createUsageRetentionJob } from '#src/jobs/retention.ts'
import { WebhookDeliveries } from '#src/jobs/webhooks.ts'
import { createMetrics } from '#src/metrics/metrics.ts'
import { AccessRecheck } from '#src/realtime/access/access-recheck.ts'
import { SocketCounts } from '#src/realtime/access/socket-counts.ts'
import { Hub } from '#src/realtime/feed/hub.ts'
import { Snapshots } from '#src/realtime/feed/snapshots.ts'
import { LongPolls } from '#src/realtime/polls/long-polls.ts'
import { RuntimeLinks } from '#src/realtime/runtimes/runtime-links.ts'
import { SocketServer } from '#src/realtime/sessions/socket-server.ts'
import { AwakeClock } from '#src/realtime/socket/awake-clock.ts'
import { EventStreams } from '#src/realtime/streams/event-streams.ts'
import { DatabaseClock } from '#src/store/clock.ts'
import { isInMemory, lockDataDir, readOrCreateSecret } from '#src/store/data-dir.ts'
import { type Database, openDatabase } from '#src/store/database.ts'
import { identifyDatabase } from '#src/store/identity.ts'
import { migrate } from '#src/store/migrate.ts'
import { closeOrm, type Orm, openOrm } from '#src/store/orm.ts'
import { renewReplica } from '#src/store/replicas.ts'
import { tracePublishes, traceTransactions } from '#src/tracing/traced-parts.ts'
import { version } from '#src/version.ts'
import { createAddressRule } from '#src/webhooks/addresses.ts'
import { createSender } from '#src/webhooks/sender.ts'
import { locateDatabase } from './locate-database.ts'
import { Troubles, watchJobs } from './troubles.ts'
import { createUpgradeHandler } from './upgrade.ts'

export type App = {
  /** Answers requests without a port. */
  api: Hono<HttpEnv>
  database: Database
  orm: Orm
  hub: Hub
  realtime: SocketServer
  webhooks: WebhookDeliveries
  /** Resolves with the address that it listens on. */
  listen(): Promise<{ host: string; port: number }>
  stop(): Promise<void>
}

/** A failed start waits no longer for its parts to end, since a broken connection may never answer. */
const FAILED_START_MS = 1_000

export type AppOptions = {
  timings?: WebhookTimings
  /** Gets the random password of a new first superuser; nothing else ever shows it. */
  onFirstSuperuser?: (superuser: { email: string; password: string }) => void
  countDroppedLines?: () => number
  /** A dumped data folder that an embedded database in memory begins with, in place of an empty one. */
  databaseImage?: Blob | undefined
}

/** Builds every part by hand, in the order of their dependencies; `stop` ends them in reverse. */
export async function createApp(config: Config, log: Logger, options: AppOptions = {}): Promise<App> {
  const stops: (() => unknown)[] = []
  const stop = async () => {
    for (const end of stops.splice(0).reverse()) await end()
  }
  /** Throws the reason of the failed start, not failures of its clean-up. */
  const orAbandon = async <Result>(step: () => Promise<Result>): Promise<Result> => {
    try {
      return await step()
    } catch (error) {
      await Promise.race([stop().catch(() => {}), sleep(FAILED_START_MS)])
      throw error
    }
  }
  const app = await orAbandon(() => build(config, log, { ...options, stops, stop }))
  return { ...app, listen: () => orAbandon(app.listen) }
}

type Ending = AppOptions & { stops: (() => unknown)[]; stop: () => Promise<void> }

async function build(
  config: Config,
  log: Logger,
  { stops, stop, timings = webhookTimings, ...hooks }: Ending,
): Promise<App> {
  await loadHashing()
  const keys: TokenKeys = config.secretKeys ?? [readOrCreateSecret(config.dataDir)]
  const location = locateDatabase(config, hooks.databaseImage)
  if (!config.databaseUrl && !isInMemory(config.dataDir)) stops.push(lockDataDir(config.dataDir))
  const orm = await openOrm(location)
  stops.push(() => closeOrm(orm))
  const database = traceTransactions(await openDatabase(orm, location))
  await migrate(orm, location, (phase, seconds) => log.info({ seconds }, phase))

  const instance = randomUUID()
  const troubles = new Troubles(log)
  const clock = new DatabaseClock()
  await clock.sync(database)
  const metrics = createMetrics({ clock, countDroppedLines: hooks.countDroppedLines ?? (() => 0) })
  // An embedded database serves this process alone.
  const database_id = config.databaseUrl ? await identifyDatabase(database) : instance
  const redis = config.redisUrl
    ? connectRedis(config.redisUrl, {
        codec: createNewsCodec(keys, {
          sender: instance,
          deployment: nameDeployment(database_id, config.redisUrl),
        }),
        onError: (error) =>
          troubles.failsUntilQuiet('Redis cannot be used', error, { isOver: () => bus.state() === 'up' }),
      })
    : undefined
  const bus = tracePublishes(metrics.events.measure(redis?.bus ?? createMemoryBus()))
  stops.push(
    () => redis?.limiter.disconnect(),
    () => bus.close(),
  )

  const isAllowedAddress = createAddressRule(config.webhookNetworks)
  const turns = new ProjectTurns()
  const writes = new WriteQueue({ database, bus, clock: clock.time, turns })
  const context = { database, bus, clock: clock.time, keys, writes, turns }
  const is_first = await ensureFirstSuperuser(
    context,
    { email: config.adminEmail, password: config.adminPassword },
    hooks.onFirstSuperuser,
  )
  if (!is_first && config.adminPassword !== undefined) {
    log.info(
      'ADMIN_PASSWORD is ignored because users exist; "signalbox users reset-superuser" sets a new one',
    )
  }

  const authenticate = createAuthenticate(database, keys, clock.now)
  const hub = new Hub(database, bus, {
    onWritten: metrics.events.delivered,
    async renewSetBack(place) {
      const renewed = await renewSetBack(turns.share(database, place.project_id), place)
      if (renewed) log.warn({ ...renewed, seq: place.seq }, 'a log was set back: its project has a new epoch')
    },
  })
  stops.push(() => hub.close())
  const onError = (err: unknown) => log.error({ err }, 'a message failed')
  const snapshots = new Snapshots(database)
  const guards = new AccessRecheck(database, clock.now)
  stops.push(() => guards.close())
  const counts = new SocketCounts()
  const budget = createUnsentBudget()
  const streams = new EventStreams({ hub, guards, counts, budget, clock })
  const polls = new LongPolls({ hub, guards, counts, clock })
  const awake = new AwakeClock()
  stops.push(() => awake.close())
  const massLosses = createMassLossWatch(database, (loss) => {
    metrics.countMassLoss()
    log.warn(loss, 'a project lost over half of its runtimes at once')
  })
  const held = { database, writes, replica: instance, onLost: massLosses.note }
  const links = new RuntimeLinks({ ...held, hub, awake })
  stops.push(() => links.close())
  const realtime = new SocketServer(
    { authenticate, database, hub, snapshots, links, guards, counts, budget, writes, clock, awake, onError },
    { version, instance },
  )
  await renewReplica(database, instance)
  await resealWebhooks(database, keys)
  const user_agent = `Signalbox/${version}`
  const { timeout_ms } = timings
  const send = createSender({ keys, isAllowedAddress, timeout_ms, user_agent, now: clock.now })
  const public_url = config.publicUrl
  const webhooks = new WebhookDeliveries({
    database,
    clock,
    send,
    timings,
    public_url,
    onDisabled: (webhook) => log.warn(webhook, 'a webhook is disabled'),
    onError: (err) => troubles.failsUntilQuiet('webhooks cannot be delivered', err, { details: { err } }),
  })
  metrics.observe({ hub, realtime, streams, polls, links, database, bus, writes, turns, webhooks })
  stops.push(() => webhooks.close())
  const jobs = [
    createRetentionJob(database, config.retentionSeconds),
    createUsageRetentionJob(database, config.usageRetentionSeconds),
    createForgettingJob(database, config.requestRetentionSeconds),
    createPauseJob(context),
    createRequestJob(context),
    createBudgetJob(context),
    createHoldJob(context),
    createOverdueJob(context),
    createPresenceJob({ ...held, reconcile: () => links.reconcile() }),
    massLosses.job,
    createClockJob(database, clock, ({ is_too_large, skew_seconds }) => {
      if (is_too_large)
        log.warn(
          { skew_seconds },
          "the clock of this machine differs from the database's, which Signalbox uses",
        )
      else log.info({ skew_seconds }, "the clock of this machine agrees with the database's again")
    }),
    webhooks.job,
  ]
  stops.push(startJobs(jobs, watchJobs(metrics.jobs, troubles)))
  const closing = new AbortController()
  const api = createApi(
    {
      ...context,
      isAllowedAddress,
      webhookTests: new WebhookTests({ database, clock: clock.time, send, public_url }),
      limitSignIn: createSignInLimit(redis?.limiter, config.rateLimitMultiplier, metrics.http.limiters),
      openEventStream: (project_id, reader) => streams.open(project_id, reader),
      runtimes: {
        poll: (poll, ask) => polls.wait(poll, ask),
        sent: (signal) => links.delivery.fetched(signal),
        reported: (outcome) => void links.reports[outcome]++,
      },
    },
    {
      log,
      onAnswered: metrics.http.answered,
      authenticate,
      rateLimits: createRateLimits(redis?.limiter, config.rateLimitMultiplier, metrics.http.limiters),
      budget,
      trustedHops: config.trustedHops,
      allowedOrigins: config.allowedOrigins,
      closing: closing.signal,
    },
    {
      database,
      bus,
      isDraining: () => closing.signal.aborted,
      readMetrics: metrics.read,
    },
  )

  const listen = async () => {
    const server = createHttpServer(api)
    server.on('upgrade', createUpgradeHandler(api, realtime, onError))
    stops.push(async () => {
      closing.abort()
      streams.close()
      polls.close()
      await Promise.all([realtime.drain(), closeServer(server)])
    })
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(config.port, config.host, resolve)
    })
    const { address, port } = server.address() as AddressInfo
    return { host: address, port }
  }
  return { api, database, orm, hub, realtime, webhooks, listen, stop }
}

import type { Bus } from '#src/bus/bus.ts'
import type { ProjectTurns } from '#src/commands/project-turns.ts'
import type { WriteQueue } from '#src/commands/write-queue.ts'
import type { WebhookDeliveries } from '#src/jobs/webhooks.ts'
import type { Database } from '#src/store/database.ts'
import { createDatabaseProbe } from './database-probe.ts'
import type { Instruments } from './instruments.ts'

export type Dependencies = {
  database: Database
  bus: Bus
  writes: WriteQueue
  turns: ProjectTurns
  webhooks: WebhookDeliveries
}

const redisStates = { up: 1, down: 0, none: -1 } as const

/** Metrics of the database, the write queue, Redis and webhooks. */
export function readDependencies(
  instruments: Instruments,
  { database, bus, writes, turns, webhooks }: Dependencies,
): void {
  // Read before the probe, which may open a connection and wait for it.
  const usage = (name: keyof ReturnType<Database['usage']>) => () => database.usage()[name]
  instruments.gauge({ name: 'database_connections', help: 'Open database connections' }, usage('open'))
  instruments.gauge({ name: 'database_connections_idle', help: 'Idle database connections' }, usage('idle'))
  instruments.gauge(
    { name: 'database_connections_max', help: 'Most database connections that this process opens' },
    usage('max'),
  )
  instruments.gauge(
    { name: 'database_waiting', help: 'Requests waiting for a database connection' },
    usage('waiting'),
  )
  const probe = createDatabaseProbe(database)
  instruments.gauge(
    { name: 'database_up', help: '1: the database answered within half a second; 0: it did not' },
    async () => ((await probe()) ? 1 : 0),
  )
  instruments.gauge(
    {
      name: 'open_signals',
      help: 'Signals of all agents that are not acknowledged; overdue: the runtime is connected, or has fetched it over HTTP, and does not answer; every process shows the same, up to 100,000',
    },
    async () => (await probe())?.signals,
    'state',
  )
  instruments.gauge(
    {
      name: 'open_requests',
      help: 'Requests of all agents that wait for an answer; every process shows the same, up to 100,000',
    },
    async () => (await probe())?.requests.open,
  )
  instruments.gauge(
    { name: 'oldest_request_seconds', help: 'How long the oldest open request has waited; 0 without one' },
    async () => (await probe())?.requests.oldest_seconds,
  )
  instruments.gauge(
    {
      name: 'active_holds',
      help: 'Holds that stand, in all projects; every process shows the same, up to 100,000',
    },
    async () => (await probe())?.holds,
  )
  instruments.gauge(
    {
      name: 'budgets_exceeded',
      help: 'Budgets of all projects that are used up; every process shows the same, up to 100,000',
    },
    async () => (await probe())?.exceeded_budgets,
  )
  instruments.gauge(
    { name: 'write_queue_depth', help: 'Changes that wait for a transaction' },
    () => writes.depth,
  )
  instruments.gauge(
    { name: 'locked_projects', help: 'Projects whose changes wait for a lock held by other work' },
    () => turns.locked,
  )
  instruments.counter(
    { name: 'write_batches_total', help: 'Transactions of the write queue' },
    () => writes.counts.batches,
  )
  instruments.counter(
    {
      name: 'write_requests_total',
      help: 'Changes in those transactions; divided by write_batches_total: changes per transaction',
    },
    () => writes.counts.requests,
  )
  instruments.gauge(
    { name: 'redis_up', help: '1: connected; 0: not connected; -1: not configured' },
    () => redisStates[bus.state()],
  )
  instruments.counter(
    {
      name: 'webhook_requests_total',
      help: 'Requests to webhooks; `refused`: the answer was not 2xx; `failed`: no answer',
    },
    () => {
      const { delivered, refused, failed } = webhooks.counts
      return { delivered, refused, failed }
    },
    'outcome',
  )
  instruments.counter(
    { name: 'webhook_events_total', help: 'Events delivered to webhooks' },
    () => webhooks.counts.events,
  )
  instruments.counter(
    {
      name: 'webhooks_disabled_total',
      help: 'Webhooks disabled since they failed for a day or answered 410',
    },
    () => webhooks.counts.disabled,
  )
}

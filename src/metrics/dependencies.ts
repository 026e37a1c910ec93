import type { Bus } from '#src/bus/bus.ts'
import type { WriteQueue } from '#src/commands/write-queue.ts'
import type { WebhookDeliveries } from '#src/jobs/webhooks.ts'
import type { Database } from '#src/store/database.ts'
import { createDatabaseProbe } from './database-probe.ts'
import type { Instruments } from './instruments.ts'

export type Dependencies = { database: Database; bus: Bus; writes: WriteQueue; webhooks: WebhookDeliveries }

const redisStates = { up: 1, down: 0, none: -1 } as const

/** What is read off the database, the queue in front of it, Redis, and deliveries to webhooks. */
export function readDependencies(
  instruments: Instruments,
  { database, bus, writes, webhooks }: Dependencies,
): void {
  // Before the probe, which opens a connection where none is idle, and waits for it.
  const usage = (name: keyof ReturnType<Database['usage']>) => () => database.usage()[name]
  instruments.gauge({ name: 'database_connections', help: 'Open database connections' }, usage('open'))
  instruments.gauge({ name: 'database_connections_idle', help: 'Those that nobody uses' }, usage('idle'))
  instruments.gauge(
    { name: 'database_connections_max', help: 'As many as there may be of them' },
    usage('max'),
  )
  instruments.gauge(
    { name: 'database_waiting', help: 'Requests waiting for a database connection' },
    usage('waiting'),
  )
  const probe = createDatabaseProbe(database)
  instruments.gauge(
    { name: 'database_up', help: '1: the database answered within half a second, 0: not' },
    async () => ((await probe()) ? 1 : 0),
  )
  instruments.gauge(
    {
      name: 'open_signals',
      help: 'Signals of all agents that wait to be acknowledged; the same in each process; counted to 100,000',
    },
    probe,
    'state',
  )
  instruments.gauge(
    { name: 'write_queue_depth', help: 'Changes that wait for the next transaction' },
    () => writes.depth,
  )
  instruments.counter(
    { name: 'write_batches_total', help: 'Transactions of the write queue' },
    () => writes.counts.batches,
  )
  instruments.counter(
    { name: 'write_requests_total', help: 'Changes in them: divided by the batches, their mean size' },
    () => writes.counts.requests,
  )
  instruments.gauge(
    { name: 'redis_up', help: '1: connected, 0: not, -1: not configured' },
    () => redisStates[bus.state()],
  )
  instruments.counter(
    {
      name: 'webhook_requests_total',
      help: 'Requests to webhooks; `refused`: answered, but not with 2xx; `failed`: not answered',
    },
    () => {
      const { delivered, refused, failed } = webhooks.counts
      return { delivered, refused, failed }
    },
    'outcome',
  )
  instruments.counter(
    { name: 'webhook_events_total', help: 'Events that webhooks have taken' },
    () => webhooks.counts.events,
  )
  instruments.counter(
    { name: 'webhooks_disabled_total', help: 'Webhooks that failed for too long, or answered 410' },
    () => webhooks.counts.disabled,
  )
}

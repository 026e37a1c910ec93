import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import type { Bus } from './bus/bus.ts'
import type { Hub } from './realtime/hub.ts'
import type { Realtime } from './realtime/realtime.ts'
import type { RuntimeLinks } from './realtime/runtime-links.ts'
import type { Database } from './store/database.ts'

type Measured = { hub: Hub; realtime: Realtime; links: RuntimeLinks; database: Database; bus: Bus }

export type Metrics = {
  read: () => Promise<{ type: string; text: string }>
  countMassLoss: () => void
}

/** What Prometheus reads at `/metrics`: read off the running parts when it asks. */
export function createMetrics({ hub, realtime, links, database, bus }: Measured): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name: `signalbox_${name}`,
      help,
      registers: [registry],
      collect() {
        this.set(read())
      },
    })
  gauge('websocket_connections', 'Open WebSockets', () => realtime.connections.size)
  gauge('runtime_links', 'Agents whose runtime is attached to this process', () => links.size)
  gauge('signals_sent', 'Signals sent to runtimes since the start', () => links.delivery.counts.sent)
  gauge(
    'signals_resent',
    'Signals sent again for want of an acknowledgement',
    () => links.delivery.counts.resent,
  )
  const massLosses = new Counter({
    name: 'signalbox_mass_losses_total',
    help: 'Times that a project lost over half of its runtimes at once',
    registers: [registry],
  })
  gauge('watched_projects', 'Projects that somebody reads', () => hub.feeds().length)
  gauge('log_queries', 'Pages read from the event log since the start', () => hub.pages.queries)
  gauge(
    'tail_check_finds',
    'Times that the tail check found events that the bus lost',
    () => hub.counts.tail_finds,
  )
  gauge('database_waiting', 'Requests waiting for a database connection', () => database.usage().waiting)
  gauge('database_connections', 'Open database connections', () => database.usage().open)
  gauge(
    'redis_up',
    '1: connected, 0: not, -1: not configured',
    () => ({ up: 1, down: 0, none: -1 })[bus.state()],
  )
  return {
    read: async () => ({ type: registry.contentType, text: await registry.metrics() }),
    countMassLoss: () => massLosses.inc(),
  }
}

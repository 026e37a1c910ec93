import { version } from '#src/version.ts'
import { type Dependencies, readDependencies } from './dependencies.ts'
import { createEventMetrics, type EventMetrics } from './events.ts'
import { createHttpMetrics, type HttpMetrics } from './http.ts'
import { Instruments } from './instruments.ts'
import { createJobMetrics, type JobMetrics } from './jobs.ts'
import { type RealtimeParts, readRealtime } from './realtime.ts'

export type Metrics = {
  http: HttpMetrics
  events: EventMetrics
  jobs: JobMetrics
  countMassLoss: () => void
  /** Adds what is read off the running parts. */
  readOff: (parts: RealtimeParts & Dependencies) => void
  read: () => Promise<{ type: string; text: string }>
}

/**
 * What Prometheus reads at `/metrics` (docs/metrics.md). What happens now and then is told as it happens; what is
 * frequent is counted by its part in plain numbers, and read off when Prometheus asks.
 */
export function createMetrics(): Metrics {
  const instruments = new Instruments()
  const { registry } = instruments
  instruments.gauge(
    { name: 'build_info', help: 'Always 1; its label is the version' },
    () => ({ [version]: 1 }),
    'version',
  )
  const massLosses = instruments.tally(
    { name: 'mass_losses_total', help: 'Times that a project lost over half of its runtimes at once' },
    [],
    [[]],
  )
  return {
    http: createHttpMetrics(instruments),
    events: createEventMetrics(instruments),
    jobs: createJobMetrics(instruments),
    countMassLoss: () => massLosses.add(),
    readOff(parts) {
      readRealtime(instruments, parts)
      readDependencies(instruments, parts)
    },
    read: async () => ({ type: registry.contentType, text: await registry.metrics() }),
  }
}

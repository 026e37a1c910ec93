import type { DatabaseClock } from '#src/store/clock.ts'
import { version } from '#src/version.ts'
import { type Dependencies, readDependencies } from './dependencies.ts'
import { createEventMetrics, type EventMetrics } from './events.ts'
import { createHttpMetrics, type HttpMetrics } from './http.ts'
import { Instruments } from './instruments.ts'
import { createJobMetrics, type JobMetrics } from './jobs.ts'
import { type RealtimeSources, readRealtime } from './realtime.ts'

export type Metrics = {
  http: HttpMetrics
  events: EventMetrics
  jobs: JobMetrics
  countMassLoss: () => void
  /** Adds the metrics that are read from the running server. */
  observe: (sources: RealtimeSources & Dependencies) => void
  read: () => Promise<{ type: string; text: string }>
}

/** `countDroppedLines`: the log lines that were lost since the start. */
type MetricSources = { clock: DatabaseClock; countDroppedLines: () => number }

/**
 * The metrics at `/metrics` (docs/metrics.md). Rare events are counted here as they happen. Frequent ones are counted in
 * plain numbers where they happen, and a scrape reads them.
 */
export function createMetrics({ clock, countDroppedLines }: MetricSources): Metrics {
  const instruments = new Instruments()
  const { registry } = instruments
  instruments.gauge(
    { name: 'build_info', help: 'Always 1; its label is the version' },
    () => ({ [version]: 1 }),
    'version',
  )
  instruments.counter(
    {
      name: 'log_lines_dropped_total',
      help: 'Lost log lines: the disk was full, or the reader was too slow or gone',
    },
    countDroppedLines,
  )
  instruments.gauge(
    { name: 'clock_skew_seconds', help: "How far the machine's clock is ahead of the database's" },
    () => clock.skew_seconds,
  )
  const massLosses = instruments.tally(
    { name: 'mass_losses_total', help: 'Times that a project lost more than half of its runtimes at once' },
    [],
    [[]],
  )
  return {
    http: createHttpMetrics(instruments),
    events: createEventMetrics(instruments, clock),
    jobs: createJobMetrics(instruments),
    countMassLoss: () => massLosses.add(),
    observe(sources) {
      readRealtime(instruments, sources)
      readDependencies(instruments, sources)
    },
    read: async () => ({ type: registry.contentType, text: await registry.metrics() }),
  }
}

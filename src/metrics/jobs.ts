import type { JobWatch } from '#src/jobs/job.ts'
import type { Instruments } from './instruments.ts'

export type JobMetrics = Omit<JobWatch, 'failed'> & { failed: (name: string) => void }

export function createJobMetrics(instruments: Instruments): JobMetrics {
  const inARow: Record<string, number> = {}
  const failures = instruments.tally({ name: 'job_failures_total', help: 'Turns of a job that failed' }, [
    'name',
  ])
  instruments.gauge(
    { name: 'job_failures_in_a_row', help: 'Turns of a job that failed since the last that did not' },
    () => inARow,
    'name',
  )
  return {
    started(name) {
      failures.expect(name)
      inARow[name] = 0
    },
    done(name) {
      inARow[name] = 0
    },
    failed(name) {
      failures.add(name)
      inARow[name] = (inARow[name] ?? 0) + 1
    },
  }
}

import type { JobWatch } from '#src/jobs/job.ts'
import type { Instruments } from './instruments.ts'

export type JobMetrics = Omit<JobWatch, 'failed'> & { failed: (name: string) => void }

export function createJobMetrics(instruments: Instruments): JobMetrics {
  const consecutive: Record<string, number> = {}
  const failures = instruments.tally({ name: 'job_failures_total', help: 'Failed runs of a job' }, ['name'])
  instruments.gauge(
    { name: 'job_failures_in_a_row', help: 'Failed runs of a job since its last success' },
    () => consecutive,
    'name',
  )
  return {
    started(name) {
      failures.expect(name)
      consecutive[name] = 0
    },
    done(name) {
      consecutive[name] = 0
    },
    failed(name) {
      failures.add([name])
      consecutive[name] = (consecutive[name] ?? 0) + 1
    },
  }
}

import type { DatabaseClock } from '#src/store/clock.ts'
import type { Database } from '#src/store/database.ts'
import type { Job } from './job.ts'

/** A larger difference between the machine's clock and the database's is reported (alert: SignalboxClockSkew). */
const MAX_SKEW_SECONDS = 5

/** Calls `report` when the skew becomes too large, and when it is small again. */
export function createClockJob(
  database: Database,
  clock: DatabaseClock,
  report: (skew: { skew_seconds: number; is_too_large: boolean }) => void,
): Job {
  let was_too_large = false
  const check = () => {
    const { skew_seconds } = clock
    const is_too_large = Math.abs(skew_seconds) > MAX_SKEW_SECONDS
    if (is_too_large !== was_too_large) report({ skew_seconds, is_too_large })
    was_too_large = is_too_large
  }
  check()
  return {
    name: 'clock',
    every_ms: 5_000,
    async run() {
      await clock.sync(database)
      check()
    },
  }
}

import type { Database } from '#src/store/database.ts'
import { pruneEvents } from '#src/store/retention.ts'
import type { Job } from './job.ts'

const BATCH = 1_000

/** Prunes the event log (REST contract: EVENT_RETENTION): each minute, or each 5 s for less than a minute. */
export function createRetentionJob(database: Database, retention_seconds: number): Job {
  return {
    name: 'retention',
    every_ms: retention_seconds < 60 ? 5_000 : 60_000,
    async run() {
      const before = new Date(Date.now() - retention_seconds * 1000).toISOString()
      while ((await pruneEvents(database, before, BATCH)) === BATCH);
    },
  }
}

import { forgetAudit } from '#src/store/audit.ts'
import type { Database } from '#src/store/database.ts'
import { forgetAnswers } from '#src/store/idempotency.ts'
import { forgetSessions, pruneEvents } from '#src/store/retention.ts'
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

/** Forgets what is kept for a time only: answers for an Idempotency-Key, the audit trail, spent sessions. */
export function createForgettingJob(database: Database): Job {
  return {
    name: 'forgetting',
    every_ms: 60_000,
    async run() {
      for (const forget of [forgetAnswers, forgetAudit, forgetSessions]) {
        while ((await forget(database, BATCH)) === BATCH);
      }
    },
  }
}

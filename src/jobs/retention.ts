import { forgetActivity } from '#src/store/activity.ts'
import { forgetAudit } from '#src/store/audit.ts'
import type { Database } from '#src/store/database.ts'
import { forgetHolds } from '#src/store/holds.ts'
import { forgetAnswers } from '#src/store/idempotency.ts'
import { forgetRequests } from '#src/store/request-times.ts'
import { forgetSessions, pruneEvents } from '#src/store/retention.ts'
import { forgetUsage } from '#src/store/usage.ts'
import type { Job } from './job.ts'

const BATCH = 1_000

/** Each minute, or each 5 s for what is kept for less than a minute. */
const everyMs = (seconds: number) => (seconds < 60 ? 5_000 : 60_000)

/** Prunes the event log, and the activity that counts it (EVENT_RETENTION). */
export function createRetentionJob(database: Database, retentionSeconds: number): Job {
  return {
    name: 'retention',
    every_ms: everyMs(retentionSeconds),
    async run() {
      while ((await pruneEvents(database, retentionSeconds, BATCH)) === BATCH);
      while ((await forgetActivity(database, retentionSeconds, BATCH)) === BATCH);
    },
  }
}

/** Deletes old usage (USAGE_RETENTION). Each hour, so that a server that restarts every day does it, too. */
export function createUsageRetentionJob(database: Database, retentionSeconds: number): Job {
  return {
    name: 'usage-retention',
    every_ms: 60 * 60_000,
    async run() {
      while ((await forgetUsage(database, retentionSeconds, BATCH)) === BATCH);
    },
  }
}

/**
 * Deletes what is kept for a limited time: ended requests (REQUEST_RETENTION), answers for an Idempotency-Key, the audit
 * trail, expired sessions, released holds.
 */
export function createForgettingJob(database: Database, requestSeconds: number): Job {
  const forgetEnded = (database: Database, limit: number) => forgetRequests(database, requestSeconds, limit)
  return {
    name: 'forgetting',
    every_ms: everyMs(requestSeconds),
    async run() {
      for (const forget of [forgetEnded, forgetAnswers, forgetAudit, forgetSessions, forgetHolds]) {
        while ((await forget(database, BATCH)) === BATCH);
      }
    },
  }
}

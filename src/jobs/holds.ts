import { attendToHolds } from '#src/commands/settle-holds.ts'
import type { TimedContext } from '#src/commands/timed-resumes.ts'
import { createDueJob, type Job } from './job.ts'

/**
 * Ends holds at their `until`, at most 2 s late, and takes over what a replica that is gone has left undone. Every replica does
 * so; a lease keeps two from settling the same hold.
 */
export function createHoldJob(context: TimedContext): Job {
  return createDueJob({ name: 'holds', every_ms: 500, limit: 100 }, (byProject, limit) =>
    attendToHolds(context, byProject, limit),
  )
}

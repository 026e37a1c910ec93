import { resumeDueAgents, type TimedContext } from '#src/commands/timed-resumes.ts'
import { createDueJob, type Job } from './job.ts'

/**
 * Ends pauses at their `resume_at`, at most 2 s late. Every replica does so, and leaves alone an agent that another has
 * already resumed.
 */
export function createPauseJob(context: TimedContext): Job {
  return createDueJob({ name: 'pauses', every_ms: 500 }, (byProject, limit) =>
    resumeDueAgents(context, byProject, limit),
  )
}

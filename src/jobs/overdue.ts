import type { CommandContext } from '#src/commands/context.ts'
import { noteFetchesOverdue } from '#src/commands/runtime.ts'
import { createDueJob, type Job } from './job.ts'

/**
 * Shows orders as overdue that were fetched over HTTP and not acknowledged in time. Every replica does so, and leaves alone
 * an order that another has noted.
 */
export function createOverdueJob(context: Pick<CommandContext, 'writes' | 'database'>): Job {
  return createDueJob({ name: 'overdue', every_ms: 1_000 }, (byProject, limit) =>
    noteFetchesOverdue(context, byProject, limit),
  )
}

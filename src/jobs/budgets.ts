import { type BudgetContext, settleBudgets } from '#src/commands/budgets.ts'
import { createDueJob, type Job } from './job.ts'

/**
 * Ends the stops of budgets with their windows, at most 2 s late, and lets trees follow their budgets. Every replica does so,
 * and leaves alone what another has already done.
 */
export function createBudgetJob(context: BudgetContext): Job {
  return createDueJob({ name: 'budgets', every_ms: 500 }, (byProject, limit) =>
    settleBudgets(context, byProject, limit),
  )
}

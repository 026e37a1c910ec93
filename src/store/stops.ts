import type { Hold } from '#src/domain/hold.ts'
import type { ProjectBudget } from '#src/domain/project-budget.ts'
import { listProjectBudgets } from './budgets.ts'
import type { Sql } from './database.ts'
import { listActiveHolds } from './holds.ts'

/** What may stop the agents of a project: the holds that stand, and all budgets; oldest first. */
export type Stops = { holds: Hold[]; budgets: ProjectBudget[] }

export async function readStops(sql: Sql, project_id: string): Promise<Stops> {
  return {
    holds: await listActiveHolds(sql, [project_id]),
    budgets: await listProjectBudgets(sql, project_id),
  }
}

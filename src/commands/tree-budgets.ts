import type { Actor } from '#src/domain/actor.ts'
import type { AgentState } from '#src/domain/agent.ts'
import { Cascade } from '#src/domain/cascade.ts'
import { type BudgetRecord, wantsStop } from '#src/domain/spending.ts'
import { noteBudget, pauseForBudget, resumeAfterBudget } from '#src/domain/tree-budget.ts'
import type { LockedAgent } from '#src/store/agents.ts'
import { listRunningCauses } from '#src/store/held-agents.ts'
import { decideInSlices, topDown } from './fleet-order.ts'
import type { UnitOfWork } from './unit-of-work.ts'
import { LazyContext } from './write-batch.ts'

/** Stops the locked tree of a budget's agent, or frees it, as the budget says. */
export async function settleTree(
  work: UnitOfWork,
  budget: BudgetRecord,
  { locked, actor }: { locked: readonly LockedAgent[]; actor: Actor },
): Promise<void> {
  const stops = wantsStop(budget)
  if (!stops) {
    const ids = locked.map(({ id }) => id)
    work.holds.noteRunning(await listRunningCauses(work.sql, ids))
  }
  const decideNamed = (agent: AgentState, context: LazyContext) =>
    stops
      ? pauseForBudget(agent, budget, 'agent.status_changed', context)
      : resumeAfterBudget(agent, budget, context)
  const cascade = new Cascade()
  /** Agents that the stop pauses, and those below them, which follow. */
  const following = new Set<string>()
  await decideInSlices(work, topDown(locked), (before) => {
    const context = new LazyContext(actor, work, budget.project_id)
    const agent = noteBudget(before, budget)
    const follows = before.parent_id !== null && following.has(before.parent_id)
    const isNamed = stops ? !follows : agent !== before
    const named = isNamed ? decideNamed(agent, context) : undefined
    if (stops && (named || follows)) following.add(before.id)
    const change = cascade.next(agent, named, context) ?? (agent === before ? undefined : { agent })
    if (change) work.apply(change, actor)
  })
}

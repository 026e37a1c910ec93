import { v7 as uuid } from 'uuid'
import { type Actor, system } from '#src/domain/actor.ts'
import type { AgentState } from '#src/domain/agent.ts'
import type { DecisionContext } from '#src/domain/change.ts'
import { type BudgetRecord, type BudgetStep, reasonOf, toBudget, wantsStop } from '#src/domain/spending.ts'
import { noteBudget, pauseForBudget } from '#src/domain/tree-budget.ts'
import { lockHold } from '#src/store/holds.ts'
import type { Traceparent } from '#src/tracing/trace.ts'
import { endHold, placeBudgetHold } from './hold-changes.ts'
import type { UnitOfWork } from './unit-of-work.ts'

/** Who has changed an agent, and with which inputs. */
export type Charge = { actor: Actor; traceparent?: Traceparent | undefined; context: DecisionContext }

/**
 * Tells the project's log what a budget has reached, and places the hold of one that is used up. Agents of a tree have none:
 * `tree-budgets.ts` stops them.
 */
export function announceBudget(
  work: UnitOfWork,
  { budget: before, news }: BudgetStep,
  actor: Actor,
): BudgetRecord {
  const isHeld = before.agent_id === null && wantsStop(before)
  const places = isHeld && before.hold_id === null
  const budget = places ? { ...before, hold_id: uuid() } : before
  for (const detail of news) {
    work.logOfProject(budget.project_id, { ...detail, budget: toBudget(budget) }, actor)
  }
  if (places) holdScope(work, budget)
  return budget
}

function holdScope(work: UnitOfWork, { hold_id, ...budget }: BudgetRecord): void {
  if (hold_id === null) return
  const { project_id, selector, agent_type_id, mode, id } = budget
  placeBudgetHold(work, {
    id: hold_id,
    project_id,
    group_id: null,
    reason: reasonOf(budget),
    selector,
    agent_type_id,
    mode,
    until: budget.resets_at,
    cause: { kind: 'budget', id },
    created_by: system,
  })
}

/** Releases the hold of a budget that is not used up any more. It may have ended with its window. */
export async function endBudgetHold(
  work: UnitOfWork,
  budget: BudgetRecord,
  released_by: Actor,
): Promise<BudgetRecord> {
  const { hold_id, project_id } = budget
  if (hold_id === null || wantsStop(budget)) return budget
  const hold = await lockHold(work.sql, { hold_id, project_id })
  if (hold?.released_at === null) await endHold(work, { ...hold, project_id }, { released_by })
  return { ...budget, hold_id: null }
}

/**
 * Stops the agent whose change has used up a budget, in the same transaction, and returns it after that. Its descendants
 * follow in others.
 */
export function stopReporter(
  work: UnitOfWork,
  budget: BudgetRecord,
  { agent, actor, traceparent, context }: Charge & { agent: AgentState },
): AgentState {
  if (agent.status === 'terminated') return agent
  const name = 'agent.budget_exceeded'
  const holds = work.holds.of(agent.project_id).of(agent)
  const stopped = { ...noteBudget(agent, budget), holds: holds.map(({ id }) => id) }
  const pause = pauseForBudget(stopped, budget, name, context)
  const after = work.apply(pause ?? { agent: stopped, event: { name } }, actor, traceparent)
  const { hold_id } = budget
  if (pause && hold_id !== null) {
    work.holds.count(hold_id)
    if (agent.has_children) work.holds.follow({ hold_id, agent_id: agent.id, by_id: agent.id })
  }
  return after
}

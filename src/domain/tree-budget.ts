import { system } from './actor.ts'
import type { AgentState, BudgetName } from './agent.ts'
import { applyTransition, type Change, type ControlRequest, type DecisionContext } from './change.ts'
import type { Cause } from './control.ts'
import type { AgentEventName } from './events.ts'
import { isOfHold, whyResume } from './holding.ts'
import { canTransition } from './lifecycle.ts'
import { type BudgetRecord, reasonOf, wantsStop } from './spending.ts'

/** The agent with a note of the budget, if that stops its tree, or else without one. */
export function noteBudget(agent: AgentState, budget: BudgetRecord): AgentState {
  const { id, name } = budget
  const isStopped = budget.agent_id !== null && wantsStop(budget) && agent.status !== 'terminated'
  const isNoted = (noted: BudgetName) => noted.id === id
  const known = agent.over_budgets.find(isNoted)
  if (isStopped ? known?.name === name : known === undefined) return agent
  const others = agent.over_budgets.filter((noted) => !isNoted(noted))
  return { ...agent, over_budgets: isStopped ? [...others, { id, name }] : others }
}

/** Pauses an agent because a budget is used up; undefined if it is paused or has ended. */
export function pauseForBudget(
  agent: AgentState,
  budget: BudgetRecord,
  name: AgentEventName,
  context: DecisionContext,
): Change | undefined {
  if (!canTransition(agent.status, 'paused')) return undefined
  const request: ControlRequest = {
    reason: reasonOf(budget),
    resume_at: null,
    requested_by: system,
    mode: budget.mode,
    cause: byBudget(budget),
  }
  return applyTransition(agent, { to: 'paused', action: 'pause', request, name }, context)
}

/** An agent that its budget does not stop any more: it resumes if the budget has paused it, as one does that was held. */
export function resumeAfterBudget(
  agent: AgentState,
  budget: BudgetRecord,
  context: DecisionContext,
): Change | undefined {
  const why = agent.status === 'paused' ? whyResume(agent, context) : undefined
  if (!why) return undefined
  const cause = isOfHold(why.cause) ? byBudget(budget) : why.cause
  const request = { reason: why.reason, resume_at: null, requested_by: context.actor, cause }
  return applyTransition(agent, { to: 'idle', action: 'resume', request }, context)
}

function byBudget({ id }: BudgetRecord): Cause {
  return { kind: 'budget', id }
}

import { actionBetween } from './actions.ts'
import type { AgentState } from './agent.ts'
import { applyTransition, type Change, type DecisionContext, enforceBudget } from './change.ts'
import { byOrder } from './control.ts'
import { SignalboxError } from './errors.ts'
import { applyHolds } from './holding.ts'
import { isSameJson } from './json.ts'
import { type LabelPatch, mergeLabels } from './labels.ts'
import { type AgentStatus, transitionMessage } from './lifecycle.ts'

/** The body of an update: absolute values, but for labels, which are merged. An absent field stays as it is. */
export type AgentPatch = Partial<
  Pick<
    AgentState,
    | 'status'
    | 'current_task'
    | 'short_term_memory'
    | 'long_term_memory_ref'
    | 'session_id'
    | 'last_activity_at'
    | 'tasks_completed'
    | 'tokens_used'
    | 'cost_incurred'
    | 'token_limit'
    | 'cost_limit'
    | 'external_id'
  >
> & { labels?: LabelPatch }

/** May still change on a terminated agent, since a runtime's last usage arrives late. */
const counters = ['tasks_completed', 'tokens_used', 'cost_incurred']

/**
 * Decides an update; undefined if nothing would change, so that there is no event. Fields apply before the status, so that
 * one update can raise a limit and resume.
 */
export function decideUpdate(
  agent: AgentState,
  patch: AgentPatch,
  context: DecisionContext,
): Change | undefined {
  const { status, labels, ...rest } = patch
  const merged = labels && { labels: mergeLabels(agent.labels, labels) }
  const changed = changedFields(agent, { ...rest, ...merged })
  const to = status === agent.status ? undefined : status
  if (agent.status === 'terminated') assertAllowedAtEnd(changed, to)

  const updated = { ...agent, ...changed }
  const transition = to && transitionByUpdate(updated, to, context)
  const decided: Change | undefined =
    transition ??
    (Object.keys(changed).length > 0 ? { agent: updated, event: { name: 'agent.updated' } } : undefined)
  if (!decided) return undefined

  // An explicit time of activity wins over the one that a transition sets.
  if (rest.last_activity_at !== undefined) {
    decided.agent = { ...decided.agent, last_activity_at: rest.last_activity_at }
  }
  const withinBudget = enforceBudget(agent, decided, context)
  return labels ? applyHolds(agent, withinBudget, context) : withinBudget
}

function changedFields(agent: AgentState, patch: Partial<AgentState>): Partial<AgentState> {
  return Object.fromEntries(
    Object.entries(patch).filter(
      ([field, value]) => value !== undefined && !isSameJson(agent[field as keyof AgentState], value),
    ),
  )
}

function transitionByUpdate(agent: AgentState, to: AgentStatus, context: DecisionContext): Change {
  const request = { reason: null, resume_at: null, requested_by: context.actor, cause: byOrder }
  return applyTransition(agent, { to, action: actionBetween(agent.status, to), request }, context)
}

/** A terminated agent may also release its name. */
function assertAllowedAtEnd(changed: Partial<AgentState>, to: AgentStatus | undefined): void {
  const problems = Object.entries(changed)
    .filter(([field, value]) => !counters.includes(field) && !(field === 'external_id' && value === null))
    .map(([field]) => ({ message: `A terminated agent's ${field} cannot change`, field }))
  if (to) problems.unshift({ message: transitionMessage('terminated', to), field: 'status' })
  if (problems.length > 0) throw new SignalboxError('invalid', problems)
}

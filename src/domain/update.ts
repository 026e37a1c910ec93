import type { AgentState } from './agent.ts'
import { applyTransition, type Change, type DecisionContext, pauseOverBudget } from './change.ts'
import { SignalboxError } from './errors.ts'
import { isSameJson } from './json.ts'
import { type AgentStatus, transitionMessage } from './lifecycle.ts'

/** The body of an update: absolute values; an absent field stays as it is. */
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
  >
>

/** A runtime's last usage arrives late, so these may still change on a terminated agent. */
const counters: ReadonlySet<string> = new Set(['tasks_completed', 'tokens_used', 'cost_incurred'])

/**
 * Decides an update. Undefined where nothing would change: then there is no event. The fields are applied
 * before the status, so that one update can raise a limit and resume.
 */
export function decideUpdate(
  agent: AgentState,
  patch: AgentPatch,
  context: DecisionContext,
): Change | undefined {
  const { status, ...rest } = patch
  const changed = changedFields(agent, rest)
  const to = status === agent.status ? undefined : status
  if (agent.status === 'terminated') assertOnlyCounters(changed, to)

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
  return pauseOverBudget(decided.agent, context, agent.status) ?? decided
}

function changedFields(agent: AgentState, patch: Omit<AgentPatch, 'status'>): Partial<AgentState> {
  return Object.fromEntries(
    Object.entries(patch).filter(
      ([field, value]) => value !== undefined && !isSameJson(agent[field as keyof AgentState], value),
    ),
  )
}

function transitionByUpdate(agent: AgentState, to: AgentStatus, context: DecisionContext): Change {
  const request = { reason: null, resume_at: null, requested_by: context.actor }
  return applyTransition(agent, { to, request }, context)
}

function assertOnlyCounters(changed: Partial<AgentState>, to: AgentStatus | undefined): void {
  const problems = Object.keys(changed)
    .filter((field) => !counters.has(field))
    .map((field) => ({ message: `A terminated agent's ${field} cannot change`, field }))
  if (to) problems.unshift({ message: transitionMessage('terminated', to), field: 'status' })
  if (problems.length > 0) throw new SignalboxError('invalid', problems)
}

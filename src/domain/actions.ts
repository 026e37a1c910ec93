import type { AgentState, Time } from './agent.ts'
import { exceededLimit } from './budget.ts'
import { applyTransition, type Change, type DecisionContext } from './change.ts'
import { refuse } from './errors.ts'
import { type AgentStatus, transitionMessage } from './lifecycle.ts'

type ActionRule = { to: AgentStatus; only_from?: AgentStatus; done?: string }

/** What an operator can do to an agent. A new action is one row. */
export const actions = {
  pause: { to: 'paused' },
  resume: { to: 'idle', only_from: 'paused' },
  terminate: { to: 'terminated', done: 'Agent is already terminated' },
} as const satisfies Record<string, ActionRule>

export type ActionName = keyof typeof actions
export const actionNames = Object.keys(actions) as ActionName[]

/**
 * Ends a pause that was to end by itself; undefined where it has ended, or was prolonged, meanwhile. Over a limit
 * the agent stays paused, and its timer is at an end: resuming it is an operator's decision from then on.
 */
export function decideTimedResume(agent: AgentState, context: DecisionContext): Change | undefined {
  if (agent.status !== 'paused' || agent.resume_at === null || agent.resume_at > context.now) return undefined
  if (!exceededLimit(agent)) {
    return decideAction(agent, { action: 'resume', reason: 'resume_after', resume_at: null }, context)
  }
  const control = agent.control && { ...agent.control, resume_at: null }
  return { agent: { ...agent, control, resume_at: null }, event: { name: 'agent.updated' } }
}

export type ActionRequest = { reason: string | null; resume_at: Time | null }

/** Decides an operator's action (ARCHITECTURE.md: Lifecycle). Refuses with `invalid`, field `status`. */
export function decideAction(
  agent: AgentState,
  { action, ...request }: ActionRequest & { action: ActionName },
  context: DecisionContext,
): Change {
  const rule: ActionRule = actions[action]
  if (rule.done && agent.status === rule.to) throw refuse('invalid', rule.done, 'status')
  if (rule.only_from && agent.status !== rule.only_from) {
    throw refuse('invalid', transitionMessage(agent.status, rule.to), 'status')
  }
  return applyTransition(
    agent,
    { to: rule.to, request: { ...request, requested_by: context.actor } },
    context,
  )
}

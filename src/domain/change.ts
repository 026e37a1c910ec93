import type { AgentState, Control, ControlKind, Time } from './agent.ts'
import { exceededLimit } from './budget.ts'
import { refuse } from './errors.ts'
import { type Actor, type EventDetail, type EventName, system } from './events.ts'
import { type AgentStatus, assertTransition } from './lifecycle.ts'
import type { Signal } from './signal.ts'

/** What a decision needs from outside: who asks, when, and an id in case it issues a signal. */
export type DecisionContext = { actor: Actor; now: Time; signal_id: string }

/** One decided change: the agent after it, and what its event says. The signal, if any, is new. */
export type Change = { agent: AgentState; event: EventDetail }

/** What goes with a control signal. `resume_at` belongs to a pause alone. */
export type ControlRequest = { reason: string | null; resume_at: Time | null; requested_by: Actor }

type Transition = { to: AgentStatus; request: ControlRequest; name?: EventName }

/** Which control signal tells the runtime of a change of status; the others are none of its business. */
function controlKindOf(from: AgentStatus, to: AgentStatus): ControlKind | undefined {
  if (to === 'paused') return 'pause'
  if (to === 'terminated') return 'terminate'
  return from === 'paused' ? 'resume' : undefined
}

/**
 * The one way in which a status changes (lifecycle of the REST contract): checks it, keeps the fields that
 * follow from the status, and issues the control signal, which supersedes the agent's earlier ones.
 */
export function applyTransition(
  agent: AgentState,
  { to, request, name }: Transition,
  context: DecisionContext,
): Change {
  const from = agent.status
  assertTransition(from, to)
  if (from === 'paused' && to === 'idle') assertWithinBudget(agent)

  const kind = controlKindOf(from, to)
  const issued = kind && issueControl(kind, request, context)
  const terminated = to === 'terminated'
  return {
    agent: {
      ...agent,
      status: to,
      last_activity_at: context.now,
      ...(issued && { control: issued.control }),
      ...(terminated && { terminated_at: context.now, session_id: null, current_task: null }),
    },
    event: {
      name: name ?? (terminated ? 'agent.terminated' : 'agent.status_changed'),
      from,
      to,
      ...(issued && { signal: issued.signal }),
    },
  }
}

function issueControl(
  kind: ControlKind,
  request: ControlRequest,
  { now, signal_id }: DecisionContext,
): { control: Control; signal: Signal } {
  return {
    control: {
      signal_id,
      kind,
      state: 'pending',
      reason: request.reason,
      requested_by: request.requested_by,
      requested_at: now,
      acknowledged_at: null,
      resume_at: request.resume_at,
    },
    signal: { id: signal_id, kind, payload: null, reason: request.reason, issued_at: now, attempt: 1 },
  }
}

/** Nobody resumes an agent that is over a limit: the limit must be raised first. */
export function assertWithinBudget(agent: AgentState): void {
  const limit = exceededLimit(agent)
  if (limit) throw refuse('invalid', `Agent is over its ${limit}`, 'status')
}

/** Pauses an agent that has reached a limit and could go on spending; undefined where that is not so. */
export function pauseOverBudget(agent: AgentState, context: DecisionContext): Change | undefined {
  if (agent.status === 'paused' || agent.status === 'terminated' || !exceededLimit(agent)) return undefined
  const request = { reason: 'budget', resume_at: null, requested_by: system }
  return applyTransition(agent, { to: 'paused', request, name: 'agent.budget_exceeded' }, context)
}

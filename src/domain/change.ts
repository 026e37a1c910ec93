import type { AgentState, Control, ControlKind, Time } from './agent.ts'
import { exceededLimit } from './budget.ts'
import { refuse } from './errors.ts'
import { type Actor, type EventDetail, type EventName, system } from './events.ts'
import { type AgentStatus, assertTransition } from './lifecycle.ts'
import { type SignalRecord, toSignal } from './signal.ts'

/** What a decision needs from outside: who asks, when, and an id in case it issues a signal. */
export type DecisionContext = { actor: Actor; now: Time; signal_id: string }

/**
 * One decided change: the agent after it, and what its event says. A change of what the wire does not show
 * has no event. `issued` is a new signal; `signals` are kept ones, as they are from now on.
 */
export type Change = {
  agent: AgentState
  event?: EventDetail
  issued?: NewSignal
  signals?: readonly SignalRecord[]
}

/** A signal that has yet to get the number of its event. */
export type NewSignal = Omit<SignalRecord, 'agent_id' | 'seq' | 'traceparent'>

/** What goes with a control signal. `resume_at` belongs to a pause alone. */
export type ControlRequest = { reason: string | null; resume_at: Time | null; requested_by: Actor }

type Transition = {
  to: AgentStatus
  request: ControlRequest
  name?: EventName
  /** The runtime did it by itself: there is nothing to tell it. */
  is_done?: boolean
}

/** Which control signal tells the runtime of a change of status; the others are none of its business. */
function controlKindOf(from: AgentStatus, to: AgentStatus): ControlKind | undefined {
  if (to === 'paused') return 'pause'
  if (to === 'terminated') return 'terminate'
  return from === 'paused' ? 'resume' : undefined
}

/**
 * The one way in which a status changes (ARCHITECTURE.md: Lifecycle): checks it, keeps the fields that
 * follow from the status, and issues the control signal, which supersedes the agent's earlier ones.
 */
export function applyTransition(
  agent: AgentState,
  { to, request, name, is_done = false }: Transition,
  context: DecisionContext,
): Change & { event: EventDetail } {
  const from = agent.status
  assertTransition(from, to)
  if (from === 'paused' && to === 'idle') assertWithinBudget(agent)

  const kind = controlKindOf(from, to)
  const issued = kind && issueControl(kind, { ...request, is_done }, context)
  const terminated = to === 'terminated'
  return {
    agent: {
      ...agent,
      status: to,
      last_activity_at: context.now,
      ...(issued && { control: issued.control, resume_at: issued.control.resume_at }),
      ...(terminated && { terminated_at: context.now, session_id: null, current_task: null }),
    },
    event: {
      name: name ?? (terminated ? 'agent.terminated' : 'agent.status_changed'),
      from,
      to,
      ...(issued && !is_done && { signal: toSignal({ ...issued.signal, agent_id: agent.id, seq: 0 }) }),
    },
    ...(issued && { issued: issued.signal }),
  }
}

/** A signal that nobody has delivered, unless the runtime has done already what it asks for. */
export function newSignal(
  input: Pick<NewSignal, 'kind' | 'payload' | 'reason'>,
  { now, signal_id }: DecisionContext,
  is_done = false,
): NewSignal {
  return {
    ...input,
    id: signal_id,
    issued_at: now,
    attempt: 0,
    delivered_at: is_done ? now : null,
    acknowledged_at: is_done ? now : null,
    outcome: is_done ? 'done' : null,
    detail: null,
    overdue_at: null,
  }
}

function issueControl(
  kind: ControlKind,
  { is_done, ...request }: ControlRequest & { is_done: boolean },
  context: DecisionContext,
): { control: Control; signal: NewSignal } {
  return {
    control: {
      signal_id: context.signal_id,
      kind,
      state: is_done ? 'done' : 'pending',
      reason: request.reason,
      requested_by: request.requested_by,
      requested_at: context.now,
      acknowledged_at: is_done ? context.now : null,
      resume_at: request.resume_at,
    },
    signal: newSignal({ kind, payload: null, reason: request.reason }, context, is_done),
  }
}

/** Nobody resumes an agent that is over a limit: the limit must be raised first. */
export function assertWithinBudget(agent: AgentState): void {
  const limit = exceededLimit(agent)
  if (limit) throw refuse('invalid', `Agent is over its ${limit}`, 'status')
}

/**
 * Pauses an agent that has reached a limit and could go on spending; undefined where that is not so. `from` is
 * the status that the event names, where the same change has moved it already.
 */
export function pauseOverBudget(
  agent: AgentState,
  context: DecisionContext,
  from: AgentStatus = agent.status,
): Change | undefined {
  if (agent.status === 'paused' || agent.status === 'terminated' || !exceededLimit(agent)) return undefined
  const request = { reason: 'budget', resume_at: null, requested_by: system }
  const change = applyTransition(agent, { to: 'paused', request, name: 'agent.budget_exceeded' }, context)
  return { ...change, event: { ...change.event, from } }
}

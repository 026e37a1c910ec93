import { type ActionName, actions, defaultMode, type Mode } from './actions.ts'
import type { ActiveHolds } from './active-holds.ts'
import { type Actor, system } from './actor.ts'
import type { AgentState } from './agent.ts'
import { exceededLimit, reasonToStay } from './budget.ts'
import { byOwnLimit, byRuntime, type Cause, type Control } from './control.ts'
import { refuse } from './errors.ts'
import type { AgentEventName, EventDetail } from './events.ts'
import { type AgentStatus, assertTransition } from './lifecycle.ts'
import type { RequestRecord } from './request.ts'
import { type SignalRecord, toSignal } from './signal.ts'
import type { Time } from './time.ts'
import type { Used } from './usage.ts'

/**
 * The inputs of a decision from outside. It uses `signal_id` if it issues a signal. `holds`: those that stand in the agent's
 * project; `isRunning`: whether an agent of the project is neither paused nor terminated.
 */
export type DecisionContext = {
  actor: Actor
  now: Time
  signal_id: string
  holds?: ActiveHolds | undefined
  isRunning?: ((agent_id: string) => boolean) | undefined
}

/**
 * One decided change: the agent after it, and its event. A change of fields that the wire does not show has no event.
 * `issued` is a new signal; `signals` are existing ones as they are after the change, and `requests` new or existing ones.
 */
export type Change = {
  agent: AgentState
  event?: EventDetail
  issued?: NewSignal
  signals?: readonly SignalRecord[]
  requests?: readonly RequestRecord[]
  /** Another change of the same agent, which follows in the same commit with an event of its own. */
  next?: Change
  /** What a report says was used. Counters that are set by hand are none. */
  used?: readonly Used[]
}

/** A signal before its event has a number. */
export type NewSignal = Omit<SignalRecord, 'agent_id' | 'seq' | 'traceparent'>

/** Only a pause has a `resume_at`. Without `mode` the action's default counts. */
export type ControlRequest = {
  reason: string | null
  resume_at: Time | null
  requested_by: Actor
  mode?: Mode | null | undefined
  cause: Cause
}

type Transition = {
  to: AgentStatus
  /** Its row says which signal to send; undefined: none. */
  action: ActionName | undefined
  request: ControlRequest
  name?: AgentEventName
  /** The runtime did it by itself, so it gets no signal. */
  by_runtime?: boolean
}

/**
 * The only way in which a status changes (docs/architecture.md: Lifecycle): checks it, keeps the fields that
 * follow from the status, and issues the control signal, which supersedes the agent's earlier ones. A terminated agent has
 * no open requests: whoever writes the change ends them (`commands/request-endings.ts`).
 */
export function applyTransition(
  agent: AgentState,
  { to, action, request, name, by_runtime = false }: Transition,
  context: DecisionContext,
): Change & { event: EventDetail } {
  const from = agent.status
  assertTransition(from, to)
  if (from === 'paused' && to === 'idle') assertMayResume(agent, context)

  const issued = action && issueControl(action, { ...request, by_runtime }, context)
  const terminated = to === 'terminated'
  return {
    agent: {
      ...agent,
      status: to,
      last_activity_at: context.now,
      ...(issued && { control: issued.control, resume_at: issued.control.resume_at }),
      ...(terminated && { terminated_at: context.now, ...cleared }),
    },
    event: {
      name: name ?? (terminated ? 'agent.terminated' : 'agent.status_changed'),
      from,
      to,
      ...(issued && !by_runtime && { signal: toSignal({ ...issued.signal, agent_id: agent.id, seq: 0 }) }),
    },
    ...(issued && { issued: issued.signal }),
  }
}

/** What a terminated agent no longer has. */
const cleared = { session_id: null, current_task: null, open_requests: 0, holds: [] }

/** An undelivered signal, or a done one where the runtime acted by itself. */
export function newSignal(
  input: Pick<NewSignal, 'kind' | 'payload' | 'reason' | 'mode'>,
  { now, signal_id }: DecisionContext,
  by_runtime = false,
): NewSignal {
  return {
    ...input,
    id: signal_id,
    issued_at: now,
    attempt: 0,
    delivered_at: by_runtime ? now : null,
    acknowledged_at: by_runtime ? now : null,
    outcome: by_runtime ? 'done' : null,
    detail: null,
    overdue_at: null,
    fetched_at: null,
  }
}

/** Sends the runtime an order that leaves the status of its agent as it is. `event` tells of it. */
export function sendControl(
  agent: AgentState,
  { action, request, event }: { action: ActionName; request: ControlRequest; event: EventDetail },
  context: DecisionContext,
): Change & { event: EventDetail } {
  const { control, signal } = issueControl(action, { ...request, by_runtime: false }, context)
  return {
    agent: { ...agent, control, resume_at: control.resume_at },
    event: { ...event, signal: toSignal({ ...signal, agent_id: agent.id, seq: 0 }) },
    issued: signal,
  }
}

function issueControl(
  action: ActionName,
  { by_runtime, ...request }: ControlRequest & { by_runtime: boolean },
  context: DecisionContext,
): { control: Control; signal: NewSignal } {
  const kind = actions[action].signal
  const mode = request.mode ?? defaultMode(action)
  return {
    control: {
      signal_id: context.signal_id,
      kind,
      state: by_runtime ? 'done' : 'pending',
      reason: request.reason,
      requested_by: request.requested_by,
      requested_at: context.now,
      acknowledged_at: by_runtime ? context.now : null,
      resume_at: request.resume_at,
      mode,
      cause: by_runtime ? byRuntime : request.cause,
    },
    signal: newSignal({ kind, payload: null, reason: request.reason, mode }, context, by_runtime),
  }
}

/** An agent that is held, or over a limit, cannot resume until the hold has ended, or the limit is raised. */
function assertMayResume(agent: AgentState, { holds }: DecisionContext): void {
  const reason = reasonToStay(agent, holds)
  if (reason) throw refuse('invalid', reason, 'status')
}

const budgetPause: ControlRequest = {
  reason: 'budget',
  resume_at: null,
  requested_by: system,
  cause: byOwnLimit,
}

/**
 * Pauses an agent whose usage a change takes to a limit. If the agent is paused already, one event says so, and its pause
 * gets a reason, since it cannot be resumed. `before` is the agent before the change, whose status may differ.
 */
export function enforceBudget(before: AgentState, change: Change, context: DecisionContext): Change {
  const { agent } = change
  if (agent.status === 'terminated' || !exceededLimit(agent)) return change
  if (agent.status === 'paused') {
    const isKnown = before.status === 'paused' && exceededLimit(before) !== undefined
    return isKnown ? change : exceedWhilePaused(change, context)
  }
  const transition = {
    to: 'paused',
    action: 'pause',
    request: budgetPause,
    name: 'agent.budget_exceeded',
  } as const
  const paused = applyTransition(agent, transition, context)
  return { ...paused, event: { ...paused.event, from: before.status } }
}

function exceedWhilePaused({ agent, event, ...change }: Change, context: DecisionContext): Change {
  const exceeded = { ...event, name: 'agent.budget_exceeded' } as const
  if (!agent.control) {
    // Spawned as paused: its runtime has never been asked to stop.
    const request = { ...budgetPause, resume_at: agent.resume_at }
    return { ...change, ...sendControl(agent, { action: 'pause', request, event: exceeded }, context) }
  }
  const reason = agent.control.reason ?? budgetPause.reason
  const { issued } = change
  return {
    ...change,
    agent: { ...agent, control: { ...agent.control, reason } },
    event: { ...exceeded, ...(exceeded.signal && { signal: { ...exceeded.signal, reason } }) },
    ...(issued && { issued: { ...issued, reason } }),
  }
}

import { type ActionName, actionRow, type Mode } from './actions.ts'
import type { AgentState } from './agent.ts'
import { reasonToStay } from './budget.ts'
import {
  applyTransition,
  type Change,
  type ControlRequest,
  type DecisionContext,
  sendControl,
} from './change.ts'
import { byOrder, byTimer, type Cause } from './control.ts'
import { refuse } from './errors.ts'
import { isOfHold, waitsToResume } from './holding.ts'
import { transitionMessage } from './lifecycle.ts'
import type { Time } from './time.ts'

/**
 * Ends a pause whose time is up; undefined if it has already ended or was prolonged. A held agent goes on once no hold
 * applies to it. One that is over its limit stays paused without a timer: from then on an operator must resume it.
 */
export function decideTimedResume(agent: AgentState, context: DecisionContext): Change | undefined {
  if (agent.status !== 'paused' || agent.resume_at === null || agent.resume_at > context.now) return undefined
  const isHeld = context.holds && context.holds.of(agent).length > 0
  if (isHeld || agent.over_budgets.length > 0) return undefined
  if (!reasonToStay(agent)) {
    // The timer of a hold that was released over time is the end of that hold.
    const held = agent.control && isOfHold(agent.control.cause) ? agent.control.cause : undefined
    const why = held ? { reason: null, cause: held } : { reason: 'resume_after', cause: byTimer }
    return decideAction(agent, { action: 'resume', resume_at: null, ...why }, context)
  }
  const control = agent.control && { ...agent.control, resume_at: null }
  return { agent: { ...agent, control, resume_at: null }, event: { name: 'agent.updated' } }
}

export type ActionRequest = {
  reason: string | null
  resume_at: Time | null
  mode?: Mode | null | undefined
  /** Without one: an order. */
  cause?: Cause
  /** Whether it may be the same order once more, to a runtime that has not obeyed. */
  again?: boolean
}

/** Decides an operator's action (docs/architecture.md: Lifecycle). Refuses with `invalid`, field `status`. */
export function decideAction(
  agent: AgentState,
  { action, cause = byOrder, again = false, ...request }: ActionRequest & { action: ActionName },
  context: DecisionContext,
): Change {
  const ordered = { ...request, cause, requested_by: context.actor }
  if (action === 'pause' && cause.kind === 'order' && waitsToResume(agent)) {
    // A person wants it to stay, so its turn to resume is over.
    return sendControl(agent, { action, request: ordered, event: { name: 'agent.signal_sent' } }, context)
  }
  if (again && mayRepeat(agent, action)) {
    return decideRepeat(agent, { ...request, action, requested_by: context.actor }, context)
  }
  const { to, already, only_from } = actionRow(action)
  if (already && agent.status === to) throw refuse('invalid', already, 'status')
  if (only_from && agent.status !== only_from) {
    throw refuse('invalid', transitionMessage(agent.status, to), 'status')
  }
  return applyTransition(agent, { to, action, request: ordered }, context)
}

/**
 * Whether the agent has the status of the action, but its runtime has not obeyed yet. A runtime that was never attached shows
 * itself when it fetches the order over HTTP.
 */
export function mayRepeat({ status, control, runtime_since }: AgentState, action: ActionName): boolean {
  const { to, signal, is_repeatable } = actionRow(action)
  const isUnobeyed = control?.kind === signal && control.state !== 'done'
  const hasRuntime = runtime_since !== null || control?.state !== 'pending'
  return is_repeatable && status === to && isUnobeyed && hasRuntime
}

type Repeat = Omit<ControlRequest, 'cause'> & { action: ActionName }

/**
 * Sends the latest order again, in a signal that supersedes the earlier one. What ends the pause stays: its cause, and its
 * timer unless there is a new one. Without a new reason the earlier one counts.
 */
export function decideRepeat(
  agent: AgentState,
  { action, reason, resume_at, ...request }: Repeat,
  context: DecisionContext,
): Change {
  const again = {
    ...request,
    reason: reason ?? agent.control?.reason ?? null,
    resume_at: resume_at ?? agent.resume_at,
    cause: agent.control?.cause ?? byOrder,
  }
  return sendControl(agent, { action, request: again, event: { name: 'agent.signal_sent' } }, context)
}

import type { AgentState } from './agent.ts'
import { reasonToStay } from './budget.ts'
import { applyTransition, type Change, type ControlRequest, type DecisionContext } from './change.ts'
import { byTimer, type Cause } from './control.ts'
import type { EventDetail } from './events.ts'
import type { Hold } from './hold.ts'
import { canTransition } from './lifecycle.ts'
import type { Time } from './time.ts'

/** A pause as a hold orders it. */
export function pauseOfHold({ id, reason, mode, created_by }: Hold): ControlRequest {
  return { reason, mode, requested_by: created_by, resume_at: null, cause: { kind: 'hold', id } }
}

/** The pause of an agent that a hold has paused, as those below it follow it. */
export function followHeld(
  agent: AgentState,
  { id, control }: Pick<AgentState, 'id' | 'control'>,
  context: DecisionContext,
): Change | undefined {
  if (!control || !canTransition(agent.status, 'paused')) return undefined
  const { reason, mode, requested_by } = control
  const request = { reason, mode, requested_by, resume_at: null, cause: { kind: 'parent', id } } as const
  return applyTransition(agent, { to: 'paused', action: 'pause', request }, context)
}

/**
 * Brings an agent into line with the holds that stand; undefined if it is. `resume_at`: when it resumes, if it does; without
 * one at once.
 */
export function decideHolds(
  agent: AgentState,
  context: DecisionContext,
  resume_at?: Time | undefined,
): Change | undefined {
  const change = applyHolds(agent, { agent, event: { name: 'agent.updated' } }, context, resume_at)
  return change.agent === agent ? undefined : change
}

/**
 * Adds to a change of an agent what the holds that stand make of the agent after it: they pause one that they apply to, and
 * one that none applies to any more goes on, if holds have paused it, its own timer came due while it was held, or the parent
 * that it was paused with runs again. A pause that a person ordered stays.
 */
export function applyHolds(
  before: AgentState,
  change: Change,
  context: DecisionContext,
  resume_at?: Time | undefined,
): Change {
  const { agent } = change
  const standing = context.holds?.of(agent) ?? []
  const [oldest] = standing
  const holds = standing.map(({ id }) => id)
  const after = { ...agent, holds }
  if (oldest && agent.status !== 'paused' && agent.status !== 'terminated') {
    const transition = { to: 'paused', action: 'pause', request: pauseOfHold(oldest) } as const
    return join(before, change, applyTransition(after, transition, context))
  }
  if (holds.join() === agent.holds.join()) return change
  const resume = holds.length === 0 && agent.status === 'paused' && whyResume(agent, context)
  if (!resume) return { ...change, agent: after }
  if (resume_at !== undefined && after.control) return { ...change, agent: schedule(after, resume_at) }
  const request = { ...resume, resume_at: null, requested_by: context.actor }
  return join(before, change, applyTransition(after, { to: 'idle', action: 'resume', request }, context))
}

/** One event says both, unless the change's own says more than that something has changed. */
function join(before: AgentState, change: Change, transition: Change & { event: EventDetail }): Change {
  const name = change.event?.name ?? 'agent.updated'
  if (name !== 'agent.updated' && name !== 'agent.status_changed') return { ...change, next: transition }
  return { ...change, ...transition, event: { ...transition.event, from: before.status } }
}

/** A timer of its own that ends earlier stays. */
function schedule(agent: AgentState, at: Time): AgentState {
  const resume_at = agent.resume_at !== null && agent.resume_at < at ? agent.resume_at : at
  return { ...agent, resume_at, control: agent.control && { ...agent.control, resume_at } }
}

/** Why an agent goes on that was held until now; undefined if it does not. */
export function whyResume(
  agent: AgentState,
  context: DecisionContext,
): { reason: string | null; cause: Cause } | undefined {
  if (reasonToStay(agent, context.holds)) return undefined
  const cause = agent.control?.cause
  if (cause && isOfHold(cause))
    return { reason: null, cause: { kind: 'hold', id: agent.holds.at(-1) ?? cause.id } }
  if (agent.resume_at !== null && agent.resume_at <= context.now)
    return { reason: 'resume_after', cause: byTimer }
  const runs = cause?.kind === 'parent' && cause.id !== null && context.isRunning?.(cause.id)
  return runs ? { reason: null, cause } : undefined
}

/** Whether the agent waits for its turn to resume after a hold that was released over some time. */
export function waitsToResume({ status, holds, resume_at, control }: AgentState): boolean {
  if (status !== 'paused' || resume_at === null || holds.length > 0) return false
  return control !== null && isOfHold(control.cause)
}

/** Whether a hold was the cause, or the budget that placed one. */
export function isOfHold({ kind, id }: Cause): boolean {
  return kind === 'hold' || (kind === 'budget' && id !== null)
}

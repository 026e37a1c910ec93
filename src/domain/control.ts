import type { ActionName, actions, Mode } from './actions.ts'
import type { Actor } from './actor.ts'
import type { Time } from './time.ts'

/** The kinds of signal that actions send. */
export type ControlKind = (typeof actions)[ActionName]['signal']
export const causeKinds = ['order', 'timer', 'parent', 'hold', 'budget', 'runtime'] as const

/**
 * Why an agent got its newest control signal. `order`: somebody asked for it directly; `runtime`: the runtime did it itself.
 * `id` names the parent agent, the hold or the budget, and is null otherwise.
 */
export type Cause = { kind: (typeof causeKinds)[number]; id: string | null }

export const byOrder: Cause = { kind: 'order', id: null }
export const byTimer: Cause = { kind: 'timer', id: null }
export const byRuntime: Cause = { kind: 'runtime', id: null }
/** The agent's own limit, which has no id. */
export const byOwnLimit: Cause = { kind: 'budget', id: null }

export const controlStates = ['pending', 'delivered', 'done', 'failed'] as const

/** The newest control signal of an agent, and how far it has come. */
export type Control = {
  signal_id: string
  kind: ControlKind
  state: (typeof controlStates)[number]
  reason: string | null
  requested_by: Actor
  requested_at: Time
  acknowledged_at: Time | null
  resume_at: Time | null
  /** Null for a resume. */
  mode: Mode | null
  cause: Cause
}

/** Whether the newest control signal is unacknowledged. */
export function isControlOpen({ control }: { control: Control | null }): boolean {
  return control?.state === 'pending' || control?.state === 'delivered'
}

/** Counts the unacknowledged signals: messages, answers, and at most one control signal. */
export function pendingSignals(state: {
  control: Control | null
  pending_messages: number
  pending_answers: number
}): number {
  return state.pending_messages + state.pending_answers + (isControlOpen(state) ? 1 : 0)
}

import { actionNames, actions, type Mode } from './actions.ts'
import type { ControlKind } from './control.ts'
import type { Time } from './time.ts'

export type SignalKind = ControlKind | (typeof otherKinds)[number]

/** The kinds that actions send. A control signal supersedes the earlier ones of its agent. */
export const controlKinds: readonly ControlKind[] = [
  ...new Set(actionNames.map((name) => actions[name].signal)),
]

/** The kinds that no action sends. They are never superseded. */
const otherKinds = ['message', 'answer'] as const

export const signalKinds: readonly SignalKind[] = [...controlKinds, ...otherKinds]

export function isControl(kind: SignalKind): kind is ControlKind {
  return controlKinds.some((control) => control === kind)
}

export const signalOutcomes = ['done', 'failed', 'superseded'] as const
/** How a signal ended. A runtime answers `done` or `failed`; a newer control signal supersedes an older one. */
export type SignalOutcome = (typeof signalOutcomes)[number]

/** A signal as runtimes and watchers see it. `attempt` counts its deliveries, from 1. */
export type Signal = {
  id: string
  kind: SignalKind
  payload: Record<string, unknown> | null
  reason: string | null
  /** Null where no order is given: for a resume, a message or an answer. */
  mode: Mode | null
  issued_at: Time
  attempt: number
}

/** A row of `signals`. Here `attempt` is the number of deliveries so far. */
export type SignalRecord = Signal & {
  agent_id: string
  /** The number of the event that issued it; signals of an agent are delivered in this order. */
  seq: number
  delivered_at: Time | null
  acknowledged_at: Time | null
  outcome: SignalOutcome | null
  detail: string | null
  overdue_at: Time | null
  /** Its last delivery over HTTP. */
  fetched_at: Time | null
  /** The W3C trace context in which it was issued, if traces are recorded. */
  traceparent: string | null
}

/** The signal as it is sent with the given attempt. */
export function toSignal(
  record: Omit<SignalRecord, 'traceparent'>,
  attempt: number = Math.max(1, record.attempt),
): Signal {
  const { id, kind, payload, reason, mode, issued_at } = record
  return { id, kind, payload, reason, mode, issued_at, attempt }
}

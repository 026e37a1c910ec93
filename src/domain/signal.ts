import { type ControlKind, controlKinds, type Time } from './agent.ts'

export type SignalKind = ControlKind | 'message'
export const signalKinds: readonly SignalKind[] = [...controlKinds, 'message']

export const signalOutcomes = ['done', 'failed', 'superseded'] as const
/** How a signal ended. A runtime says `done` or `failed`; a newer control signal supersedes an older one. */
export type SignalOutcome = (typeof signalOutcomes)[number]

/** A signal as runtimes and watchers see it. `attempt` counts its deliveries, from 1. */
export type Signal = {
  id: string
  kind: SignalKind
  payload: Record<string, unknown> | null
  reason: string | null
  issued_at: Time
  attempt: number
}

/** A signal as the database keeps it: a row of `signals`. Here `attempt` is the number of deliveries so far. */
export type SignalRecord = Signal & {
  agent_id: string
  /** The number of the event that issued it: signals of an agent are delivered in its order. */
  seq: number
  delivered_at: Time | null
  acknowledged_at: Time | null
  outcome: SignalOutcome | null
  detail: string | null
  overdue_at: Time | null
  /** The trace (W3C) in which it was issued, where that is recorded. */
  traceparent: string | null
}

/** A kept signal as it was, or is, sent for the n-th time. */
export function toSignal(
  record: Omit<SignalRecord, 'traceparent'>,
  attempt: number = Math.max(1, record.attempt),
): Signal {
  const { id, kind, payload, reason, issued_at } = record
  return { id, kind, payload, reason, issued_at, attempt }
}

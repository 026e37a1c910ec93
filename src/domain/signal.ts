import type { ControlKind, Time } from './agent.ts'

export type SignalKind = ControlKind | 'message'

/** A signal as runtimes and watchers see it. `attempt` counts its deliveries, from 1. */
export type Signal = {
  id: string
  kind: SignalKind
  payload: Record<string, unknown> | null
  reason: string | null
  issued_at: Time
  attempt: number
}

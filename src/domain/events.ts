import type { AgentStatus } from './lifecycle.ts'
import type { Signal } from './signal.ts'

export const eventNames = [
  'agent.spawned',
  'agent.status_changed',
  'agent.updated',
  'agent.terminated',
  'agent.budget_exceeded',
  'agent.runtime_connected',
  'agent.runtime_disconnected',
  'agent.signal_sent',
  'agent.signal_acknowledged',
  'agent.signal_overdue',
] as const
export type EventName = (typeof eventNames)[number]

/** Events whose signal is new: there is something to deliver to the runtime. */
export const issuingEvents: ReadonlySet<EventName> = new Set([
  'agent.status_changed',
  'agent.terminated',
  'agent.budget_exceeded',
  'agent.signal_sent',
])

export const actorKinds = ['user', 'api_key', 'runtime', 'system'] as const

/** Who caused a change. `id` is null for the system itself. */
export type Actor = { kind: (typeof actorKinds)[number]; id: string | null }

export const system: Actor = { kind: 'system', id: null }

/** What an event says beyond the state of its agent. */
export type EventDetail = {
  name: EventName
  from?: AgentStatus
  to?: AgentStatus
  signal?: Signal
}

/** The epoch of a project until its database has been restored from a backup. */
export const FIRST_EPOCH = 1

import type { Actor } from './actor.ts'
import type { AgentSummary } from './agent.ts'
import type { Hold } from './hold.ts'
import type { AgentStatus } from './lifecycle.ts'
import type { ProjectBudget } from './project-budget.ts'
import type { RequestSummary } from './request.ts'
import type { Signal } from './signal.ts'
import type { Time } from './time.ts'

export const agentEventNames = [
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
  'agent.request_opened',
  'agent.request_ended',
] as const

/** Events of a project itself, which have no agent. */
const projectEvents = [
  'project.hold_placed',
  'project.hold_released',
  'project.budget_warning',
  'project.budget_exceeded',
] as const

export const eventNames = [...agentEventNames, ...projectEvents] as const
export type AgentEventName = (typeof agentEventNames)[number]
export type EventName = (typeof eventNames)[number]

/** Events that issue a new signal, which must be delivered to the runtime. */
export const issuingEvents: ReadonlySet<string> = new Set<EventName>([
  'agent.spawned',
  'agent.status_changed',
  'agent.terminated',
  'agent.budget_exceeded',
  'agent.signal_sent',
  'agent.request_ended',
])

/** The part of an agent's event beside the state of its agent. */
export type EventDetail = {
  name: AgentEventName
  from?: AgentStatus
  to?: AgentStatus
  signal?: Signal
  request?: RequestSummary
}

/** What an event of a project says. `fraction`: the part of its limit that a budget has reached. */
export type ProjectEventDetail =
  | { name: 'project.hold_placed' | 'project.hold_released'; hold: Hold }
  | { name: 'project.budget_warning'; budget: ProjectBudget; fraction: number }
  | { name: 'project.budget_exceeded'; budget: ProjectBudget }

type EventPlace = { type: 'event'; project_id: string; seq: number; epoch: number; at: Time; actor: Actor }

/** One change of one agent: an event object of the wire contract. */
export type AgentEvent = EventPlace &
  EventDetail & {
    /** As it is after the change. */
    agent: AgentSummary
  }
export type ProjectEvent = EventPlace & ProjectEventDetail & { agent: null }

/** A project's epoch until its database is restored from a backup. */
export const FIRST_EPOCH = 1

import type { Actor } from './events.ts'
import type { AgentStatus } from './lifecycle.ts'
import type { Money } from './money.ts'

/** RFC 3339, UTC, milliseconds: sorts as text. */
export type Time = string

export const controlKinds = ['pause', 'resume', 'terminate'] as const
export type ControlKind = (typeof controlKinds)[number]
export const controlStates = ['pending', 'delivered', 'done', 'failed'] as const

/** The newest control signal of an agent: what was asked of its runtime, and how far that has come. */
export type Control = {
  signal_id: string
  kind: ControlKind
  state: (typeof controlStates)[number]
  reason: string | null
  requested_by: Actor
  requested_at: Time
  acknowledged_at: Time | null
  resume_at: Time | null
}

export type ShortTermMemory = Record<string, unknown>

/** One agent as the database keeps it: a row of `agents`, column for column. */
export type AgentState = {
  id: string
  agent_type_id: string
  project_id: string
  name: string
  status: AgentStatus
  current_task: string | null
  short_term_memory: ShortTermMemory
  long_term_memory_ref: string | null
  session_id: string | null
  last_activity_at: Time | null
  terminated_at: Time | null
  tasks_completed: number
  tokens_used: number
  cost_incurred: Money
  created_at: Time
  updated_at: Time
  agent_type_name: string
  agent_type_slug: string
  project_name: string
  project_slug: string
  assigned_issues_count: number
  runtime_connected: boolean
  /** When it was last connected or disconnected; null: never. */
  runtime_since: Time | null
  /** The process that holds the link to the runtime. */
  runtime_replica: string | null
  /** The number of the newest attach: what an older link says counts no more. */
  lease: number
  /** The number of the last report that was applied. */
  last_report: number
  control: Control | null
  pending_messages: number
  /** When the pause ends by itself, if it does. */
  resume_at: Time | null
  token_limit: number | null
  cost_limit: Money | null
  seq: number
}

/** What is kept for the server itself; the wire shows none of it under these names. */
type Kept =
  | 'runtime_connected'
  | 'runtime_since'
  | 'runtime_replica'
  | 'lease'
  | 'last_report'
  | 'pending_messages'
  | 'resume_at'

/** The Agent of the wire contract without `short_term_memory`, as events and snapshots carry it. */
export type AgentSummary = Omit<AgentState, 'short_term_memory' | Kept> & {
  runtime: { connected: boolean; since: Time | null }
  pending_signals: number
}

/** The Agent of the wire contract. */
export type Agent = AgentSummary & { short_term_memory: ShortTermMemory }

/** Whether the runtime has yet to acknowledge the newest control signal. */
export function isControlOpen({ control }: Pick<AgentState, 'control'>): boolean {
  return control?.state === 'pending' || control?.state === 'delivered'
}

/** Signals that the runtime has yet to acknowledge: its messages, and at most one control signal. */
export function pendingSignals(state: AgentState): number {
  return state.pending_messages + (isControlOpen(state) ? 1 : 0)
}

export function toAgentSummary(state: AgentState): AgentSummary {
  const { short_term_memory: _, ...agent } = toAgent(state)
  return agent
}

export function toAgent(state: AgentState): Agent {
  return {
    id: state.id,
    agent_type_id: state.agent_type_id,
    project_id: state.project_id,
    name: state.name,
    status: state.status,
    current_task: state.current_task,
    short_term_memory: state.short_term_memory,
    long_term_memory_ref: state.long_term_memory_ref,
    session_id: state.session_id,
    last_activity_at: state.last_activity_at,
    terminated_at: state.terminated_at,
    tasks_completed: state.tasks_completed,
    tokens_used: state.tokens_used,
    cost_incurred: state.cost_incurred,
    created_at: state.created_at,
    updated_at: state.updated_at,
    agent_type_name: state.agent_type_name,
    agent_type_slug: state.agent_type_slug,
    project_name: state.project_name,
    project_slug: state.project_slug,
    assigned_issues_count: state.assigned_issues_count,
    runtime: { connected: state.runtime_connected, since: state.runtime_since },
    control: state.control,
    pending_signals: pendingSignals(state),
    token_limit: state.token_limit,
    cost_limit: state.cost_limit,
    seq: state.seq,
  }
}

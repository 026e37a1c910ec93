import type { AgentState } from './agent.ts'
import { type Change, type ControlRequest, type DecisionContext, sendControl } from './change.ts'
import { byOrder } from './control.ts'
import { refuse } from './errors.ts'
import type { EventDetail } from './events.ts'
import type { Hold } from './hold.ts'
import { pauseOfHold } from './holding.ts'

/** Levels of a tree of agents, its root included. */
export const MAX_LEVELS = 16

export type SpawnInput = Pick<
  AgentState,
  | 'name'
  | 'status'
  | 'current_task'
  | 'short_term_memory'
  | 'long_term_memory_ref'
  | 'session_id'
  | 'token_limit'
  | 'cost_limit'
  | 'labels'
  | 'external_id'
  | 'parent_id'
>

export type SpawnParents = {
  project: { id: string; name: string; slug: string }
  agent_type: { id: string; name: string; slug: string; is_active: boolean }
  /** The agent that `parent_id` names, if the project has it. */
  parent?: AgentState | undefined
}

/** `type_field`: what the request calls its type. */
export type SpawnContext = DecisionContext & { id: string; type_field?: string }

/**
 * Decides the state of a new agent. Refuses an inactive type, and a parent that cannot have children. Under a paused parent
 * the agent starts paused, and so it does where a hold applies to it.
 */
export function decideSpawn(
  input: SpawnInput,
  { project, agent_type, parent }: SpawnParents,
  { id, type_field = 'agent_type_id', ...context }: SpawnContext,
): Change {
  if (!agent_type.is_active) {
    const message = `Agent type '${agent_type.name}' is inactive and cannot be used`
    throw refuse('invalid', message, type_field)
  }
  if (input.parent_id !== null) assertMayHaveChildren(parent)
  const { now } = context
  const spawned: Change & { event: EventDetail } = {
    agent: {
      ...input,
      id,
      agent_type_id: agent_type.id,
      project_id: project.id,
      last_activity_at: null,
      terminated_at: null,
      tasks_completed: 0,
      tokens_used: 0,
      cost_incurred: '0.0000',
      created_at: now,
      updated_at: now,
      agent_type_name: agent_type.name,
      agent_type_slug: agent_type.slug,
      project_name: project.name,
      project_slug: project.slug,
      assigned_issues_count: 0,
      runtime_connected: false,
      runtime_since: null,
      runtime_replica: null,
      lease: 0,
      last_report: 0,
      missed_reports: [],
      control: null,
      depth: parent ? parent.depth + 1 : 1,
      has_children: false,
      open_requests: 0,
      holds: [],
      over_budgets: parent?.over_budgets ?? [],
      capabilities: [],
      client: null,
      pending_messages: 0,
      pending_answers: 0,
      resume_at: null,
      seq: 0,
    },
    event: { name: 'agent.spawned' },
  }
  const holds = context.holds?.of(spawned.agent) ?? []
  const pause = pauseAtStart(parent, holds[0], context)
  if (!pause) return spawned
  const request = input.status === 'paused' ? ownPause(context) : pause
  const agent: AgentState = { ...spawned.agent, status: 'paused', holds: holds.map(({ id }) => id) }
  return sendControl(agent, { action: 'pause', request, event: spawned.event }, context)
}

/** A paused parent counts before a hold, so that its child resumes with it. */
function pauseAtStart(
  parent: AgentState | undefined,
  hold: Hold | undefined,
  context: DecisionContext,
): ControlRequest | undefined {
  if (parent?.status === 'paused') return pauseOf(parent, context)
  return hold && pauseOfHold(hold)
}

function assertMayHaveChildren(parent: AgentState | undefined): void {
  const problem =
    !parent || parent.status === 'terminated'
      ? 'Must be the id of a live agent of the same project'
      : parent.depth >= MAX_LEVELS
        ? `A tree has at most ${MAX_LEVELS} levels, and agent '${parent.name}' is on the last one`
        : undefined
  if (problem) throw refuse('invalid', problem, 'parent_id')
}

/** A spawn that asks for `paused` is a pause of its own, which the parent's resume does not end. */
function ownPause({ actor }: DecisionContext): ControlRequest {
  return { reason: null, resume_at: null, requested_by: actor, cause: byOrder }
}

/** The pause of the parent, as its child gets it. */
function pauseOf({ id, control }: AgentState, { actor }: DecisionContext): ControlRequest {
  return {
    reason: control?.reason ?? null,
    resume_at: null,
    requested_by: control?.requested_by ?? actor,
    mode: control?.mode,
    cause: { kind: 'parent', id },
  }
}

/** Live agents that a project may have, unless its owner sets another number, from 1 to the most. */
export const DEFAULT_AGENT_LIMIT = 10_000
export const MAX_AGENT_LIMIT = 1_000_000

/** One more live agent than a project may have is refused with `conflict`. */
export function assertBelowLimit({
  live_agents,
  agent_limit,
}: {
  live_agents: number | null
  agent_limit: number
}): void {
  if (live_agents === null) throw new Error('the live agents of a project are not counted')
  if (live_agents < agent_limit) return
  throw refuse('conflict', `Project has reached its limit of ${agent_limit} agents`)
}

import type { AgentState, Time } from './agent.ts'
import type { Change } from './change.ts'
import { refuse } from './errors.ts'

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
>

export type SpawnParents = {
  project: { id: string; name: string; slug: string }
  agent_type: { id: string; name: string; slug: string; is_active: boolean }
}

/** Decides the state of a new agent. Refuses an inactive type. */
export function decideSpawn(
  input: SpawnInput,
  { project, agent_type }: SpawnParents,
  { id, now }: { id: string; now: Time },
): Change {
  if (!agent_type.is_active) {
    const message = `Agent type '${agent_type.name}' is inactive and cannot be used`
    throw refuse('invalid', message, 'agent_type_id')
  }
  return {
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
      control: null,
      pending_messages: 0,
      resume_at: null,
      seq: 0,
    },
    event: { name: 'agent.spawned' },
  }
}

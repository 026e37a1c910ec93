import type { AgentState } from '#src/domain/agent.ts'
import type { AgentStatus } from '#src/domain/lifecycle.ts'
import { quickRead, type Sql, statement } from './database.ts'

/** The columns of an AgentState, with their types where rows come in as JSON. */
const columns = {
  id: 'uuid',
  project_id: 'uuid',
  agent_type_id: 'uuid',
  name: 'text',
  status: 'text',
  current_task: 'text',
  short_term_memory: 'jsonb',
  long_term_memory_ref: 'text',
  session_id: 'text',
  last_activity_at: 'timestamptz',
  terminated_at: 'timestamptz',
  tasks_completed: 'bigint',
  tokens_used: 'bigint',
  cost_incurred: 'numeric',
  created_at: 'timestamptz',
  updated_at: 'timestamptz',
  agent_type_name: 'text',
  agent_type_slug: 'text',
  project_name: 'text',
  project_slug: 'text',
  assigned_issues_count: 'int',
  runtime_connected: 'boolean',
  runtime_since: 'timestamptz',
  runtime_replica: 'uuid',
  lease: 'bigint',
  last_report: 'bigint',
  control: 'jsonb',
  pending_messages: 'int',
  resume_at: 'timestamptz',
  token_limit: 'bigint',
  cost_limit: 'numeric',
  seq: 'bigint',
} as const satisfies Record<keyof AgentState, string>

const names = Object.keys(columns) as (keyof AgentState)[]
const fixed: ReadonlySet<string> = new Set(['id', 'project_id', 'agent_type_id', 'name', 'created_at'])

/** For `select`: everything but the memory, which events and snapshots don't carry. */
export const summaryColumns = names
  .map((name) => (name === 'short_term_memory' ? `'{}'::jsonb as short_term_memory` : name))
  .join(', ')
export const agentColumns = names.join(', ')

/** For `from json_to_recordset($1) as d(…)`. */
export const agentRecord = names.map((name) => `${name} ${columns[name]}`).join(', ')

/** A memory that did not change is not sent: null keeps the stored one, without rewriting it. */
export const agentAssignments = names
  .filter((name) => !fixed.has(name))
  .map((name) =>
    name === 'short_term_memory'
      ? 'short_term_memory = coalesce(d.short_term_memory, a.short_term_memory)'
      : `${name} = d.${name}`,
  )
  .join(', ')

const lock = statement(
  'lock_agents',
  `select ${agentColumns} from agents
   where (id, project_id) in (select * from unnest($1::uuid[], $2::uuid[])) order by id for no key update`,
)

export type AgentKey = { agent_id: string; project_id: string }

/**
 * Locks agents in the order of their ids; each comes as it is now, whatever changed while waiting. One that
 * is not of the project that it is named with is not touched.
 */
export async function lockAgents(sql: Sql, keys: readonly AgentKey[]): Promise<Map<string, AgentState>> {
  const rows = await sql.run<AgentState>(lock, [
    keys.map((key) => key.agent_id),
    keys.map((key) => key.project_id),
  ])
  return new Map(rows.map((row) => [row.id, row]))
}

const byId = quickRead('find_agent', `select ${agentColumns} from agents where id = $1 and project_id = $2`)

export async function findAgent(
  sql: Sql,
  project_id: string,
  agent_id: string,
): Promise<AgentState | undefined> {
  return (await sql.run<AgentState>(byId, [agent_id, project_id]))[0]
}

export type AgentFilter = {
  status?: AgentStatus | undefined
  agent_type_id?: string | undefined
  q?: string | undefined
}

/** For `where`: a project as $1, the filter as $2 to $4. */
export const agentMatches = `project_id = $1 and ($2::text is null or status = $2)
  and ($3::uuid is null or agent_type_id = $3) and ($4::text is null or position(lower($4) in lower(name)) > 0)`

export function toFilterValues({ status, agent_type_id, q }: AgentFilter): (string | null)[] {
  return [status ?? null, agent_type_id ?? null, q ?? null]
}

const liveIds = statement(
  'live_agent_ids',
  `select id from agents where project_id = $1 and status <> 'terminated' order by id`,
)

/** The agents of a project that are not terminated, for what is done to all of them. */
export async function listLiveAgentIds(sql: Sql, project_id: string): Promise<string[]> {
  return (await sql.run<{ id: string }>(liveIds, [project_id])).map((row) => row.id)
}

const toResume = statement(
  'agents_to_resume',
  `select id as agent_id, project_id from agents where resume_at <= $1 order by resume_at limit $2`,
)

/** Paused agents whose pause is to end by then, the longest overdue first. */
export function listAgentsToResume(sql: Sql, by: string, limit: number): Promise<AgentKey[]> {
  return sql.run<AgentKey>(toResume, [by, limit])
}

const keysOfProject = statement(
  'agent_keys_of_project',
  'select id as agent_id, project_id from agents where project_id = $1',
)
const keysOfType = statement(
  'agent_keys_of_type',
  'select id as agent_id, project_id from agents where agent_type_id = $1',
)

/** Every agent of a project, terminated ones too. */
export function listAgentKeysOfProject(sql: Sql, project_id: string): Promise<AgentKey[]> {
  return sql.run<AgentKey>(keysOfProject, [project_id])
}

/** Every agent of a type, in all projects, terminated ones too. */
export function listAgentKeysOfType(sql: Sql, agent_type_id: string): Promise<AgentKey[]> {
  return sql.run<AgentKey>(keysOfType, [agent_type_id])
}

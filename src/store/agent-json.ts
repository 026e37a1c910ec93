import type { Agent } from '#src/domain/agent.ts'
import { type AgentFilter, agentMatches, toFilterValues } from './agents.ts'
import { quickRead, type Sql, statement } from './database.ts'
import type { PageRange } from './page.ts'

const time = (column: string) => `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`
const isOpen = `control->>'state' in ('pending', 'delivered')`

/**
 * The Agent of the wire contract, made by the database: what is only read is not worth being an object in between.
 * It is what `toAgent` makes of the same row.
 */
const fields: Record<keyof Agent, string> = {
  id: 'id',
  agent_type_id: 'agent_type_id',
  project_id: 'project_id',
  name: 'name',
  status: 'status',
  current_task: 'current_task',
  short_term_memory: 'short_term_memory',
  long_term_memory_ref: 'long_term_memory_ref',
  session_id: 'session_id',
  last_activity_at: time('last_activity_at'),
  terminated_at: time('terminated_at'),
  tasks_completed: 'tasks_completed',
  tokens_used: 'tokens_used',
  cost_incurred: 'cost_incurred::text',
  created_at: time('created_at'),
  updated_at: time('updated_at'),
  agent_type_name: 'agent_type_name',
  agent_type_slug: 'agent_type_slug',
  project_name: 'project_name',
  project_slug: 'project_slug',
  assigned_issues_count: 'assigned_issues_count',
  runtime: `json_build_object('connected', runtime_connected, 'since', ${time('runtime_since')})`,
  control: 'control',
  pending_signals: `pending_messages + coalesce(${isOpen}, false)::int`,
  token_limit: 'token_limit',
  cost_limit: 'cost_limit::text',
  seq: 'seq',
}
const columns = Object.entries(fields)
  .map(([name, expression]) => `${expression} as ${name}`)
  .join(', ')

const one = quickRead(
  'find_agent_json',
  `select row_to_json(a)::text as json from (select ${columns} from agents where id = $1 and project_id = $2) a`,
)

/** One agent as JSON; undefined for an unknown one, or one of another project. */
export async function findAgentJson(
  sql: Sql,
  project_id: string,
  agent_id: string,
): Promise<string | undefined> {
  return (await sql.run<{ json: string }>(one, [agent_id, project_id]))[0]?.json
}

const page = statement(
  'list_agents_json',
  `select (select count(*) from agents a where ${agentMatches}) as total, count(a.id) as size,
     coalesce(json_agg(a), '[]')::text as json
   from (select ${columns} from agents a where ${agentMatches} order by a.created_at desc, a.id desc limit $5 offset $6) a`,
)

/** One page of a project's agents, newest first, as a JSON array of `size`, and how many there are in all. */
export async function listAgentsJson(
  sql: Sql,
  project_id: string,
  { limit, offset, ...filter }: AgentFilter & PageRange,
): Promise<{ json: string; size: number; total: number }> {
  const values = [project_id, ...toFilterValues(filter), limit, offset]
  const [found] = await sql.run<{ json: string; size: number; total: number }>(page, values)
  return found ?? { json: '[]', size: 0, total: 0 }
}

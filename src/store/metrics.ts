import { type AgentStatus, agentStatuses } from '#src/domain/lifecycle.ts'
import type { Money } from '#src/domain/money.ts'
import type { Selector } from '#src/domain/selector.ts'
import { treeOf } from './agents.ts'
import { type Sql, statement } from './database.ts'
import { planned, selectorMatches, toSelectorValues } from './selector.ts'

/** The Metrics of the wire contract. */
export type AgentMetrics = {
  total_instances: number
  active_instances: number
  idle_instances: number
  total_tasks_completed: number
  total_tokens_used: number
  total_cost_incurred: Money
  by_status: Record<AgentStatus, number>
  connected_instances: number
}

type Row = Omit<AgentMetrics, 'by_status' | 'active_instances' | 'idle_instances'> &
  Record<`status_${AgentStatus}`, number>

const sums = `count(*) as total_instances,
  coalesce(sum(tasks_completed), 0)::float8 as total_tasks_completed,
  coalesce(sum(tokens_used), 0)::float8 as total_tokens_used,
  coalesce(sum(cost_incurred), 0)::numeric(30, 4) as total_cost_incurred,
  count(*) filter (where runtime_connected) as connected_instances,
  ${agentStatuses.map((status) => `count(*) filter (where status = '${status}') as status_${status}`).join(', ')}`

const ofProject = statement(
  'project_metrics',
  `select ${sums} from agents where project_id = $1 and ${selectorMatches(2)}`,
)
const ofAgent = statement('agent_metrics', `select ${sums} from agents where project_id = $1 and id = $2`)
const ofTree = statement(
  'tree_metrics',
  `with recursive ${treeOf('id = $2')} select ${sums} from agents where id = any(array(select id from tree))`,
)

/** The sums over those agents of a project that match. */
export async function readProjectMetrics(
  sql: Sql,
  project_id: string,
  selector?: Selector,
): Promise<AgentMetrics> {
  return toMetrics(
    await sql.run<Row>(planned(ofProject, { selector }), [project_id, ...toSelectorValues(selector)]),
  )
}

/** Those of one agent, or of its tree; an unknown one has `total_instances` 0. */
export async function readAgentMetrics(
  sql: Sql,
  {
    project_id,
    agent_id,
    tree = false,
  }: { project_id: string; agent_id: string; tree?: boolean | undefined },
): Promise<AgentMetrics> {
  return toMetrics(await sql.run<Row>(tree ? ofTree : ofAgent, [project_id, agent_id]))
}

function toMetrics([row]: readonly Row[]): AgentMetrics {
  if (!row) throw new Error('an aggregate without a row')
  return {
    total_instances: row.total_instances,
    active_instances: row.status_working,
    idle_instances: row.status_idle,
    total_tasks_completed: row.total_tasks_completed,
    total_tokens_used: row.total_tokens_used,
    total_cost_incurred: row.total_cost_incurred,
    by_status: Object.fromEntries(agentStatuses.map((status) => [status, row[`status_${status}`]])) as Record<
      AgentStatus,
      number
    >,
    connected_instances: row.connected_instances,
  }
}

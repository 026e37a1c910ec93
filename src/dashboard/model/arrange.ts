import type { AgentSummary } from '#src/domain/agent.ts'
import type { AgentStatus } from '#src/domain/lifecycle.ts'

/** What the list shows. Without `statuses`, all in service. */
export type Filter = {
  statuses: ReadonlySet<AgentStatus>
  agent_type_id: string | undefined
  text: string
}

type Compare = (left: AgentSummary, right: AgentSummary) => number
type Column = { label: string; compare: Compare }

const keys = new WeakMap<AgentSummary, string>()

/** Names sort as people count: agent 2 before agent 10. */
function nameKey(agent: AgentSummary): string {
  const known = keys.get(agent)
  if (known !== undefined) return known
  const key = agent.name.toLowerCase().replaceAll(/\d+/g, (digits) => digits.padStart(12, '0'))
  keys.set(agent, key)
  return key
}

const compareText = (left: string, right: string) => (left < right ? -1 : left > right ? 1 : 0)
/** What needs an eye on it comes first. */
const urgency: Record<AgentStatus, number> = { paused: 0, waiting: 1, working: 2, idle: 3, terminated: 4 }

export const columns = {
  name: { label: 'Agent', compare: (left, right) => compareText(nameKey(left), nameKey(right)) },
  status: { label: 'Status', compare: (left, right) => urgency[left.status] - urgency[right.status] },
  order: {
    label: 'Last order',
    compare: (left, right) =>
      compareText(right.control?.requested_at ?? '', left.control?.requested_at ?? ''),
  },
  runtime: {
    label: 'Runtime',
    compare: (left, right) => Number(left.runtime.connected) - Number(right.runtime.connected),
  },
  task: {
    label: 'Current task',
    compare: (left, right) => compareText(left.current_task ?? '\uffff', right.current_task ?? '\uffff'),
  },
  tokens: { label: 'Tokens', compare: (left, right) => right.tokens_used - left.tokens_used },
  cost: { label: 'Cost', compare: (left, right) => Number(right.cost_incurred) - Number(left.cost_incurred) },
  activity: {
    label: 'Active',
    compare: (left, right) => compareText(right.last_activity_at ?? '', left.last_activity_at ?? ''),
  },
} as const satisfies Record<string, Column>

export type ColumnName = keyof typeof columns
export const columnNames = Object.keys(columns) as ColumnName[]
export type Sort = { by: ColumnName; isReversed: boolean }

/** For so long an agent that has just ended is still in sight, so that its end is seen. */
const LINGER_MS = 60_000

function isInSight(agent: AgentSummary, { statuses }: Filter, now: number): boolean {
  if (statuses.has(agent.status)) return true
  if (statuses.size > 0) return false
  if (agent.status !== 'terminated') return true
  return agent.terminated_at !== null && now - Date.parse(agent.terminated_at) < LINGER_MS
}

/** The agents to show, in their order. `now` in milliseconds since 1970. */
export function arrange(
  agents: Iterable<AgentSummary>,
  { filter, sort }: { filter: Filter; sort: Sort },
  now: number,
): AgentSummary[] {
  const text = filter.text.trim().toLowerCase()
  const shown: AgentSummary[] = []
  for (const agent of agents) {
    if (!isInSight(agent, filter, now)) continue
    if (filter.agent_type_id && agent.agent_type_id !== filter.agent_type_id) continue
    if (text && !holds(agent, text)) continue
    shown.push(agent)
  }
  const { compare } = columns[sort.by]
  const sign = sort.isReversed ? -1 : 1
  const byName = columns.name.compare
  return shown.sort((left, right) => sign * compare(left, right) || byName(left, right))
}

function holds({ name, current_task, agent_type_name, id }: AgentSummary, text: string): boolean {
  return (
    name.toLowerCase().includes(text) ||
    (current_task?.toLowerCase().includes(text) ?? false) ||
    agent_type_name.toLowerCase().includes(text) ||
    id.startsWith(text)
  )
}

/** How much of its tightest limit an agent has used, from 0; undefined where it has none. */
export function budgetUse(agent: AgentSummary): number | undefined {
  const uses: number[] = []
  if (agent.token_limit !== null) uses.push(ratio(agent.tokens_used, agent.token_limit))
  if (agent.cost_limit !== null) uses.push(ratio(Number(agent.cost_incurred), Number(agent.cost_limit)))
  return uses.length > 0 ? Math.max(...uses) : undefined
}

/** A limit of nothing is reached from the start. */
export function ratio(used: number, limit: number): number {
  return limit === 0 ? 1 : used / limit
}

import type { AgentSummary } from '#src/domain/agent.ts'
import type { AgentStatus } from '#src/domain/lifecycle.ts'
import { matches, type Selector } from '#src/domain/selector.ts'
import { fold } from '#src/domain/text.ts'
import { type Concern, type ConcernKind, type Concerns, concernKinds, noConcerns } from './attention.ts'
import { isEnded } from './progress.ts'

/** What the list shows. Without `statuses`, every agent that is not terminated. */
export type Filter = {
  statuses: ReadonlySet<AgentStatus>
  agent_type_id: string | undefined
  /** Shows only what this agent has started. */
  parent_id: string | undefined
  /** Shows only these, also those that have ended. */
  ids?: ReadonlySet<string> | undefined
  /** Shows only agents that need attention for one of these reasons. */
  needs?: ReadonlySet<ConcernKind> | undefined
  /** Found in the name, task, type or id. */
  text: string
  /** Undefined where it can't be read: then no agent is shown, so that no command reaches an agent by mistake. */
  selector: Selector | undefined
}

type Compare = (left: AgentSummary, right: AgentSummary) => number
/** `compare` puts the least first; `isLargestFirst`: what the first click asks for. */
type Column = { label: string; compare: Compare; isLargestFirst?: true }

const keys = new WeakMap<AgentSummary, string>()

/** Sorts names as people count: agent 2 before agent 10. */
function nameKey(agent: AgentSummary): string {
  const known = keys.get(agent)
  if (known !== undefined) return known
  const key = agent.name.toLowerCase().replaceAll(/\d+/g, (digits) => digits.padStart(12, '0'))
  keys.set(agent, key)
  return key
}

const compareText = (left: string, right: string) => (left < right ? -1 : left > right ? 1 : 0)
/** Agents that need attention come first. */
const urgency: Record<AgentStatus, number> = { paused: 0, waiting: 1, working: 2, idle: 3, terminated: 4 }

export const columns = {
  name: { label: 'Agent', compare: (left, right) => compareText(nameKey(left), nameKey(right)) },
  type: {
    label: 'Type',
    compare: (left, right) => compareText(fold(left.agent_type_name), fold(right.agent_type_name)),
  },
  status: { label: 'Status', compare: (left, right) => urgency[left.status] - urgency[right.status] },
  order: {
    label: 'Last command',
    compare: (left, right) =>
      compareText(left.control?.requested_at ?? '', right.control?.requested_at ?? ''),
    isLargestFirst: true,
  },
  runtime: {
    label: 'Runtime',
    compare: (left, right) => Number(left.runtime.connected) - Number(right.runtime.connected),
  },
  task: {
    label: 'Current task',
    compare: (left, right) => compareText(left.current_task ?? '\uffff', right.current_task ?? '\uffff'),
  },
  tokens: {
    label: 'Tokens',
    compare: (left, right) => left.tokens_used - right.tokens_used,
    isLargestFirst: true,
  },
  cost: {
    label: 'Cost',
    compare: (left, right) => Number(left.cost_incurred) - Number(right.cost_incurred),
    isLargestFirst: true,
  },
  tasks: {
    label: 'Tasks',
    compare: (left, right) => left.tasks_completed - right.tasks_completed,
    isLargestFirst: true,
  },
  activity: {
    label: 'Active',
    compare: (left, right) => compareText(left.last_activity_at ?? '', right.last_activity_at ?? ''),
    isLargestFirst: true,
  },
} as const satisfies Record<string, Column>

export type ColumnName = keyof typeof columns
export const columnNames = Object.keys(columns) as ColumnName[]
/** `attention` puts those first that need it, the most urgent first. */
export type Sort = { by: ColumnName | 'attention'; isDescending: boolean }

export function startsDescending(name: ColumnName): boolean {
  return (columns[name] as Column).isLargestFirst ?? false
}

/** An agent that was terminated less than this ago is still shown, so that operators see it end. */
const LINGER_MS = 60_000

function isShown(agent: AgentSummary, { statuses, ids }: Filter, now: number): boolean {
  if (ids && !ids.has(agent.id)) return false
  if (statuses.has(agent.status)) return true
  if (statuses.size > 0) return false
  if (ids) return true
  if (!isEnded(agent)) return true
  return agent.terminated_at !== null && now - Date.parse(agent.terminated_at) < LINGER_MS
}

/** The agents to show, in their order. `now` in milliseconds since 1970. */
export function arrange(
  agents: Iterable<AgentSummary>,
  { filter, sort, concerns = noConcerns }: { filter: Filter; sort: Sort; concerns?: Concerns },
  now: number,
): AgentSummary[] {
  const text = fold(filter.text.trim())
  const { selector } = filter
  if (!selector) return []
  const shown: AgentSummary[] = []
  for (const agent of agents) {
    if (!isShown(agent, filter, now)) continue
    if (filter.needs && !isNeeded(filter.needs, concerns.get(agent.id))) continue
    if (filter.agent_type_id && agent.agent_type_id !== filter.agent_type_id) continue
    if (filter.parent_id && agent.parent_id !== filter.parent_id) continue
    if (text && !hasText(agent, text)) continue
    if (!matches(selector, agent.labels)) continue
    shown.push(agent)
  }
  const compare = sort.by === 'attention' ? compareConcerns(concerns) : columns[sort.by].compare
  const sign = sort.isDescending ? -1 : 1
  const byName = columns.name.compare
  return shown.sort((left, right) => sign * compare(left, right) || byName(left, right))
}

function isNeeded(needs: ReadonlySet<ConcernKind>, concern: Concern | undefined): boolean {
  return concern !== undefined && needs.has(concern.kind)
}

function compareConcerns(concerns: Concerns): Compare {
  if (concerns.size === 0) return () => 0
  const ranks = new Map(concernKinds.map((kind, rank) => [kind, rank]))
  const rank = ({ id }: AgentSummary) => {
    const concern = concerns.get(id)
    return concern ? (ranks.get(concern.kind) ?? 0) : concernKinds.length
  }
  return (left, right) => rank(left) - rank(right)
}

function hasText({ name, current_task, agent_type_name, id }: AgentSummary, text: string): boolean {
  return (
    fold(name).includes(text) ||
    (current_task !== null && fold(current_task).includes(text)) ||
    fold(agent_type_name).includes(text) ||
    id.startsWith(text)
  )
}

import { type Control, pendingSignals } from './control.ts'
import type { Labels } from './labels.ts'
import type { AgentStatus } from './lifecycle.ts'
import type { Money } from './money.ts'
import type { NumberRanges } from './report-numbers.ts'
import type { Time } from './time.ts'

export type ShortTermMemory = Record<string, unknown>

/** What an agent keeps of a budget that stops it. */
export type BudgetName = { id: string; name: string }

type Kinds = {
  uuid: string
  text: string
  integer: number
  /** A whole number that may be beyond 2^31. */
  count: number
  money: Money
  flag: boolean
  time: Time
  json: object
}

/** How the database keeps a field. `value` exists only for the compiler. */
export type AgentField<Value = unknown> = {
  kind: keyof Kinds
  /** Only the spawn writes it. */
  isFixed?: true
  /** What clients make long, so estimates of an agent's size count it: all of it, or one key of the JSON. */
  longText?: true | { key: string }
  value?: () => Value
}

const kind =
  <Kind extends keyof Kinds>(kind: Kind) =>
  <Value extends Kinds[Kind] | null = Kinds[Kind]>(
    options: Pick<AgentField, 'isFixed' | 'longText'> = {},
  ): AgentField<Value> => ({ kind, ...options })

const uuid = kind('uuid')
const text = kind('text')
const integer = kind('integer')
const count = kind('count')
const money = kind('money')
const flag = kind('flag')
const time = kind('time')
const json = kind('json')

/** Fields that the wire shows under the name of their column. */
const wireFields = {
  id: uuid({ isFixed: true }),
  agent_type_id: uuid({ isFixed: true }),
  project_id: uuid({ isFixed: true }),
  name: text({ isFixed: true, longText: true }),
  status: text<AgentStatus>(),
  current_task: text<string | null>({ longText: true }),
  short_term_memory: json<ShortTermMemory>(),
  long_term_memory_ref: text<string | null>({ longText: true }),
  session_id: text<string | null>({ longText: true }),
  last_activity_at: time<Time | null>(),
  terminated_at: time<Time | null>(),
  tasks_completed: count(),
  tokens_used: count(),
  cost_incurred: money(),
  created_at: time({ isFixed: true }),
  updated_at: time(),
  agent_type_name: text({ longText: true }),
  agent_type_slug: text(),
  project_name: text({ longText: true }),
  project_slug: text(),
  assigned_issues_count: integer(),
  control: json<Control | null>({ longText: { key: 'reason' } }),
  token_limit: count<number | null>(),
  cost_limit: money<Money | null>(),
  labels: json<Labels>({ longText: true }),
  /** Its name in its own world. Unique among the live agents of a project. */
  external_id: text<string | null>({ longText: true }),
  /** The agent that started it. */
  parent_id: uuid<string | null>({ isFixed: true }),
  /** Requests that wait for an answer. */
  open_requests: integer(),
  /** Ids of the active holds that apply to it, oldest first. */
  holds: json<string[]>({ longText: true }),
  /** The number of its newest event. */
  seq: count(),
}

/** Fields that the server keeps for itself. */
const serverFields = {
  runtime_connected: flag(),
  /** The last connect or disconnect; null before the first. */
  runtime_since: time<Time | null>(),
  /** What the runtime of the newest attach can do. */
  capabilities: json<string[]>({ longText: true }),
  /** The program of the newest attach, in its own words. */
  client: text<string | null>(),
  /** The server process that holds the link. */
  runtime_replica: uuid<string | null>(),
  /** The number of the newest attach. Messages of a link with an older number are refused. */
  lease: count(),
  /** The highest number of a report that was applied. */
  last_report: count(),
  /** Lower numbers of refused reports, which may still come. */
  missed_reports: json<NumberRanges>(),
  pending_messages: integer(),
  /** Unacknowledged signals with answers to its requests. */
  pending_answers: integer(),
  /** Its level in its tree, from 1. */
  depth: integer({ isFixed: true }),
  /** Whether an agent was ever started by this one, so that its orders may reach others. */
  has_children: flag(),
  /** Used-up budgets of trees that it is in. It can't resume while there is one. */
  over_budgets: json<BudgetName[]>({ longText: true }),
  /** When the pause ends by itself. */
  resume_at: time<Time | null>(),
}

/**
 * Every field of an agent, one row each. The types below, the columns of `store/`, the JSON of the wire and the estimates
 * of an agent's size derive from it.
 */
export const agentFields = { ...wireFields, ...serverFields }

type ValuesOf<Fields> = {
  [Name in keyof Fields]: Fields[Name] extends AgentField<infer Value> ? Value : never
}
type WireName = keyof typeof wireFields
type SummaryName = Exclude<WireName, 'short_term_memory'>

/** A row of `agents`, column for column. */
export type AgentState = ValuesOf<typeof agentFields>

/** Fields of the wire that combine several columns. */
export type AgentViews = {
  runtime: {
    connected: boolean
    since: Time | null
    capabilities: string[]
    client: string | null
  }
  pending_signals: number
}

/** The Agent of the wire contract without `short_term_memory`, as events and snapshots carry it. */
export type AgentSummary = Pick<AgentState, SummaryName> & AgentViews

/** The Agent of the wire contract. */
export type Agent = Pick<AgentState, WireName> & AgentViews

export const wireNames = Object.keys(wireFields) as WireName[]
const summaryNames = wireNames.filter((name) => name !== 'short_term_memory')

export function toAgentSummary(state: AgentState): AgentSummary {
  return Object.assign(pick(state, summaryNames), toViews(state))
}

export function toAgent(state: AgentState): Agent {
  return Object.assign(pick(state, wireNames), toViews(state))
}

function toViews(state: AgentState): AgentViews {
  const { runtime_connected: connected, runtime_since: since, capabilities, client } = state
  return {
    runtime: { connected, since, capabilities, client },
    pending_signals: pendingSignals(state),
  }
}

/** A loop, since it runs once an event: `Object.fromEntries` costs half as much again. */
function pick<Name extends keyof AgentState>(
  state: AgentState,
  names: readonly Name[],
): Pick<AgentState, Name> {
  const picked = {} as Pick<AgentState, Name>
  for (const name of names) picked[name] = state[name]
  return picked
}

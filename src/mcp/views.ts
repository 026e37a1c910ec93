import * as v from 'valibot'
import type { Agent, AgentRequest, EventFrame, Hold, SignalDetails } from '#src/client/rest/rest.ts'
import { field } from '#src/protocol/values.ts'
import { MAX_JSON, MAX_LONG_TEXT, MAX_TEXT } from './bounds.ts'

/**
 * What tools answer: the fields that an assistant needs, and texts of bounded length. Names that a newer server may add to
 * are plain strings here.
 */

/** A text that an agent or a person wrote, cut where it is too long. */
export function cut(text: string, max = MAX_TEXT): string {
  return text.length <= max
    ? text
    : `${text.slice(0, max).toWellFormed()}… (${text.length - max} more characters)`
}

const cutOrNull = (text: string | null, max?: number) => (text === null ? null : cut(text, max))

function cutJson(value: object | null, max = MAX_JSON): string | null {
  return value === null ? null : cut(JSON.stringify(value), max)
}

const text = v.nullable(v.string())
const amount = v.number()

const control = v.nullable(
  v.object({
    kind: field(v.string(), 'pause, resume or terminate'),
    state: field(v.string(), 'pending, delivered, done or failed; only done means that the agent has obeyed'),
    reason: text,
    mode: text,
    cause: field(v.string(), 'order, timer, parent, hold, budget or runtime'),
    cause_id: text,
    requested_by: v.object({ kind: v.string(), id: text }),
    requested_at: v.string(),
    acknowledged_at: text,
    resume_at: text,
  }),
)

function toControl(agent: Pick<Agent, 'control'>): v.InferOutput<typeof control> {
  if (!agent.control) return null
  const { kind, state, reason, mode, cause, requested_by, requested_at, acknowledged_at, resume_at } =
    agent.control
  return {
    kind,
    state,
    reason,
    mode,
    cause: cause.kind,
    cause_id: cause.id,
    requested_by,
    requested_at,
    acknowledged_at,
    resume_at,
  }
}

export const agentRow = v.object({
  id: v.string(),
  name: v.string(),
  external_id: text,
  status: field(v.string(), 'What the agent should be; control says whether it has obeyed'),
  connected: field(v.boolean(), 'Whether its runtime is connected'),
  control: field(control, 'Its newest order; null if it never had one'),
  current_task: text,
  agent_type: v.string(),
  labels: v.record(v.string(), v.string()),
  parent_id: text,
  open_requests: field(amount, 'Questions of the agent that wait for an answer'),
  holds: field(v.array(v.string()), 'Ids of the holds that apply to it'),
  tasks_completed: amount,
  tokens_used: amount,
  token_limit: v.nullable(amount),
  cost_incurred: v.string(),
  cost_limit: text,
  last_activity_at: text,
})

export function toAgentRow(agent: Agent): v.InferOutput<typeof agentRow> {
  return {
    id: agent.id,
    name: agent.name,
    external_id: agent.external_id,
    status: agent.status,
    connected: agent.runtime.connected,
    control: toControl(agent),
    current_task: cutOrNull(agent.current_task),
    agent_type: agent.agent_type_slug,
    labels: agent.labels,
    parent_id: agent.parent_id,
    open_requests: agent.open_requests,
    holds: [...agent.holds],
    tasks_completed: agent.tasks_completed,
    tokens_used: agent.tokens_used,
    token_limit: agent.token_limit,
    cost_incurred: agent.cost_incurred,
    cost_limit: agent.cost_limit,
    last_activity_at: agent.last_activity_at,
  }
}

const signalRow = v.object({
  id: v.string(),
  kind: v.string(),
  reason: text,
  mode: text,
  payload: field(text, 'As JSON'),
  created_at: v.string(),
  delivered_at: text,
  acknowledged_at: text,
  outcome: field(text, 'Null until the runtime acknowledges it'),
  detail: field(text, "The runtime's own words"),
})

function toSignalRow(signal: SignalDetails): v.InferOutput<typeof signalRow> {
  const { id, kind, reason, mode, created_at, delivered_at, acknowledged_at, outcome } = signal
  const payload = cutJson(signal.payload, MAX_TEXT)
  const detail = cutOrNull(signal.detail)
  return { id, kind, reason, mode, payload, created_at, delivered_at, acknowledged_at, outcome, detail }
}

export const agentDetails = v.object({
  ...agentRow.entries,
  project: v.object({ id: v.string(), slug: v.string(), name: v.string() }),
  runtime: v.object({
    connected: v.boolean(),
    since: text,
    client: text,
    capabilities: v.array(v.string()),
  }),
  pending_signals: field(amount, 'Signals that its runtime has not acknowledged'),
  session_id: text,
  created_at: v.string(),
  updated_at: v.string(),
  terminated_at: text,
  newest_signals: field(v.array(signalRow), 'Newest first'),
  memory: v.optional(field(v.string(), 'Its short-term memory as JSON')),
})

export function toAgentDetails(
  agent: Agent,
  signals: readonly SignalDetails[],
  with_memory: boolean,
): v.InferOutput<typeof agentDetails> {
  const { connected, since, client, capabilities } = agent.runtime
  return {
    ...toAgentRow(agent),
    current_task: cutOrNull(agent.current_task, MAX_LONG_TEXT),
    project: { id: agent.project_id, slug: agent.project_slug, name: agent.project_name },
    runtime: { connected, since, client, capabilities: [...capabilities] },
    pending_signals: agent.pending_signals,
    session_id: agent.session_id,
    created_at: agent.created_at,
    updated_at: agent.updated_at,
    terminated_at: agent.terminated_at,
    newest_signals: signals.map(toSignalRow),
    ...(with_memory && { memory: cut(JSON.stringify(agent.short_term_memory), MAX_JSON) }),
  }
}

export const holdRow = v.object({
  id: v.string(),
  group_id: field(text, 'Set where it is one hold of all projects'),
  reason: v.string(),
  selector: field(text, 'Null: agents with any labels'),
  agent_type_id: field(text, 'Null: agents of any type'),
  mode: v.string(),
  until: field(text, 'When it ends by itself'),
  cause: field(v.string(), 'order, or budget: that of a budget ends when its limit is raised'),
  created_at: v.string(),
  released_at: field(text, 'Null while it stands'),
  affected_count: field(amount, 'Agents that it has paused so far'),
})

export function toHoldRow(hold: Hold): v.InferOutput<typeof holdRow> {
  const { id, group_id, reason, selector, agent_type_id, mode, until, created_at } = hold
  const { released_at, affected_count, cause } = hold
  return {
    id,
    group_id,
    reason,
    selector,
    agent_type_id,
    mode,
    until,
    cause: cause.kind,
    created_at,
    released_at,
    affected_count,
  }
}

export const eventRow = v.object({
  seq: amount,
  at: v.string(),
  name: v.string(),
  agent: v.nullable(v.object({ id: v.string(), name: v.string(), status: v.string() })),
  by: field(v.object({ kind: v.string(), id: text }), 'Who caused it'),
  from: v.optional(field(v.string(), 'The status before, if it changed')),
  to: v.optional(field(v.string(), 'The status after, if it changed')),
  signal: v.optional(v.object({ kind: v.string(), reason: text, payload: text })),
  request: v.optional(v.object({ id: v.string(), message: v.string(), state: v.string() })),
  hold: v.optional(v.object({ id: v.string(), reason: v.string() })),
  budget: v.optional(v.object({ id: v.string(), name: v.string(), state: v.string() })),
  current_task: v.optional(text),
})

export function toEventRow(event: EventFrame): v.InferOutput<typeof eventRow> {
  const { seq, at, name, agent, actor, from, to, signal, request, hold, budget } = event
  return {
    seq,
    at,
    name,
    agent: agent && { id: agent.id, name: agent.name, status: agent.status },
    by: actor,
    ...(from !== undefined && { from }),
    ...(to !== undefined && { to }),
    ...(signal && {
      signal: { kind: signal.kind, reason: signal.reason, payload: cutJson(signal.payload, MAX_TEXT) },
    }),
    ...(request && { request: { id: request.id, message: cut(request.message), state: request.state } }),
    ...(hold && { hold: { id: hold.id, reason: cut(hold.reason) } }),
    ...(budget && { budget: { id: budget.id, name: cut(budget.name), state: budget.state } }),
    ...(agent && name === 'agent.updated' && { current_task: cutOrNull(agent.current_task) }),
  }
}

export const requestRow = v.object({
  id: v.string(),
  request_id: field(v.string(), "The agent's own id for it"),
  project_id: v.string(),
  agent_id: v.string(),
  agent_name: v.string(),
  reason: v.string(),
  message: field(v.string(), 'What the agent asks; written by the agent'),
  tool_call: v.nullable(v.object({ name: v.string(), arguments: field(v.string(), 'As JSON') })),
  options: v.nullable(v.array(v.object({ id: v.string(), label: v.string(), kind: v.string() }))),
  response_schema: field(text, 'The JSON Schema of the payload that answers it, as JSON'),
  state: v.string(),
  cause: text,
  option: text,
  payload: field(text, 'As JSON'),
  note: text,
  created_at: v.string(),
  expires_at: text,
  ended_at: text,
  can_answer: v.optional(field(v.boolean(), 'Whether you may answer it')),
})

export function toRequestRow(
  request: AgentRequest & { can_answer?: boolean },
): v.InferOutput<typeof requestRow> {
  const { tool_call, can_answer } = request
  return {
    id: request.id,
    request_id: request.request_id,
    project_id: request.project_id,
    agent_id: request.agent_id,
    agent_name: request.agent_name,
    reason: request.reason,
    message: cut(request.message, MAX_LONG_TEXT),
    tool_call: tool_call && {
      name: tool_call.name,
      arguments: cut(JSON.stringify(tool_call.arguments), MAX_LONG_TEXT),
    },
    options: request.options?.map(({ id, label, kind }) => ({ id, label, kind })) ?? null,
    response_schema: cutJson(request.response_schema),
    state: request.state,
    cause: request.cause,
    option: request.option,
    payload: cutJson(request.payload, MAX_LONG_TEXT),
    note: cutOrNull(request.note, MAX_LONG_TEXT),
    created_at: request.created_at,
    expires_at: request.expires_at,
    ended_at: request.ended_at,
    ...(can_answer !== undefined && { can_answer }),
  }
}

import type { Actor } from './actor.ts'
import type { AgentState } from './agent.ts'
import type { Form } from './forms.ts'
import type { Time } from './time.ts'

export const requestStates = ['open', 'resolved', 'cancelled', 'expired'] as const
export type RequestState = (typeof requestStates)[number]
export const requestCauses = ['answered', 'withdrawn', 'terminated', 'expired'] as const
export const optionKinds = ['allow_once', 'allow_always', 'reject_once', 'reject_always', 'other'] as const

/** What a runtime asks. What it does not give is null. */
export type Question = {
  /** Chosen by the runtime, unique for its agent. */
  request_id: string
  reason: string
  message: string
  tool_call: { id: string; name: string; arguments: Record<string, unknown> } | null
  options: { id: string; label: string; kind: (typeof optionKinds)[number] }[] | null
  response_schema: Form | null
  expires_at: Time | null
  metadata: Record<string, unknown> | null
}

/** A request as events and watchers see it. */
export type RequestSummary = Omit<Question, 'metadata'> & {
  id: string
  project_id: string
  agent_id: string
  agent_name: string
  state: RequestState
  /** How it ended. */
  cause: (typeof requestCauses)[number] | null
  option: string | null
  payload: Record<string, unknown> | null
  note: string | null
  answered_by: Actor | null
  created_at: Time
  ended_at: Time | null
  /** When its runtime got the answer, and confirmed it. */
  delivered_at: Time | null
  acknowledged_at: Time | null
}

/** The Request of the wire contract. */
export type AgentRequest = RequestSummary & Pick<Question, 'metadata'>

/** A row of `requests`, with what its signal says. */
export type RequestRecord = AgentRequest & { signal_id: string | null }

export function toRequest({ signal_id: _, ...request }: RequestRecord): AgentRequest {
  return request
}

export function toRequestSummary({ signal_id: _, metadata: __, ...summary }: RequestRecord): RequestSummary {
  return summary
}

/** An open request as its runtime finds it after an attach: short where there are too many bytes. */
export type OpenRequest = AgentRequest | Pick<AgentRequest, 'id' | 'request_id' | 'state' | 'expires_at'>

export function openRequest(
  agent: AgentState,
  question: Question,
  { id, now }: { id: string; now: Time },
): RequestRecord {
  return {
    id,
    request_id: question.request_id,
    project_id: agent.project_id,
    agent_id: agent.id,
    agent_name: agent.name,
    reason: question.reason,
    message: question.message,
    tool_call: question.tool_call,
    options: question.options,
    response_schema: question.response_schema,
    expires_at: question.expires_at,
    metadata: question.metadata,
    state: 'open',
    cause: null,
    option: null,
    payload: null,
    note: null,
    answered_by: null,
    created_at: now,
    ended_at: null,
    delivered_at: null,
    acknowledged_at: null,
    signal_id: null,
  }
}

/** Whether its time is over, whether or not that has been written yet. */
export function isOverdue({ state, expires_at }: RequestRecord, now: Time): boolean {
  return state === 'open' && expires_at !== null && expires_at <= now
}

/** The request of an agent that is terminated: all of its open requests end together, without signals. */
export function endByTermination(request: RequestRecord, now: Time): RequestRecord {
  if (request.state !== 'open') return request
  return { ...request, state: 'cancelled', cause: 'terminated', ended_at: now }
}

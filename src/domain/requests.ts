import type { AgentState } from './agent.ts'
import { type Answer, assertAnswers, toAnswerPayload } from './answer.ts'
import { type Change, type DecisionContext, newSignal } from './change.ts'
import { refuse } from './errors.ts'
import type { AgentStatus } from './lifecycle.ts'
import { moveTo } from './report.ts'
import { isOverdue, openRequest, type Question, type RequestRecord, toRequestSummary } from './request.ts'
import { toSignal } from './signal.ts'
import { addSeconds, type Time } from './time.ts'

/** Requests of one agent that wait for an answer; one more is refused. */
export const MAX_OPEN_REQUESTS = 100
/** Open requests of one agent and its unacknowledged answers; one more request is refused, so that no answer is dropped. */
export const MAX_PENDING_ANSWERS = 1_000
const MAX_EXPIRY_DAYS = 30

export type Asked = { request: RequestRecord; status_rejected: string | undefined; change?: Change }

/**
 * Decides a question (protocol: `request`). A `known` request is answered as it stands, without a change. `id` is that of a
 * new one. The status that the runtime gives its agent is a change of its own.
 */
export function decideRequest(
  agent: AgentState,
  { status, ...question }: Question & { status?: AgentStatus | undefined },
  { known, id }: { known: RequestRecord | undefined; id: string },
  context: DecisionContext,
): Asked {
  if (known) return { request: known, status_rejected: undefined }
  assertMayAsk(agent, question, context.now)
  const request = openRequest(agent, question, { id, now: context.now })
  const opened: Change = {
    agent: { ...agent, open_requests: agent.open_requests + 1, last_activity_at: context.now },
    event: { name: 'agent.request_opened', request: toRequestSummary(request) },
    requests: [request],
  }
  if (status === undefined || status === agent.status) {
    return { request, status_rejected: undefined, change: opened }
  }
  const { change: next, status_rejected } = moveTo(opened.agent, status, context)
  const change = status_rejected === undefined ? { ...opened, next } : opened
  return { request, status_rejected, change }
}

function assertMayAsk(agent: AgentState, { expires_at }: Question, now: Time): void {
  if (agent.status === 'terminated') throw refuse('agent_terminated', 'Agent is terminated', 'agent_id')
  if (expires_at !== null && expires_at <= now) throw refuse('invalid', 'Must be in the future', 'expires_at')
  if (expires_at !== null && expires_at > addSeconds(now, MAX_EXPIRY_DAYS * 24 * 60 * 60)) {
    throw refuse('invalid', `Must be at most ${MAX_EXPIRY_DAYS} days ahead`, 'expires_at')
  }
  if (agent.open_requests >= MAX_OPEN_REQUESTS) {
    throw refuse('invalid', `Agent has ${MAX_OPEN_REQUESTS} open requests`)
  }
  if (agent.open_requests + agent.pending_answers >= MAX_PENDING_ANSWERS) {
    throw refuse('invalid', `Agent has ${MAX_PENDING_ANSWERS} requests whose answers are not acknowledged`)
  }
}

export type Ended = { request: RequestRecord; change?: Change }

/** Decides an answer (REST contract: `answer_request`); the first one counts. Refuses with `conflict` or `invalid`. */
export function decideAnswer(
  agent: AgentState,
  request: RequestRecord,
  answer: Answer,
  context: DecisionContext,
): Required<Ended> {
  const state = isOverdue(request, context.now) ? 'expired' : request.state
  if (state !== 'open') throw refuse('conflict', `Request is already ${state}`)
  assertAnswers(request, answer)
  const { status, option, payload, note } = answer
  const answered_by = context.actor
  const ending: Ending = { state: status, cause: 'answered', option, payload, note, answered_by }
  return endWithSignal(agent, request, ending, context)
}

/** Ends a request whose time is over; undefined if it is not, or the request has ended. */
export function decideExpiry(
  agent: AgentState,
  request: RequestRecord,
  context: DecisionContext,
): Required<Ended> | undefined {
  if (!isOverdue(request, context.now)) return undefined
  return endWithSignal(agent, request, { state: 'expired', cause: 'expired' }, context)
}

/** Takes a question back (protocol: `withdraw`). A request that has ended stays as it is. */
export function decideWithdraw(agent: AgentState, request: RequestRecord, context: DecisionContext): Ended {
  if (request.state !== 'open') return { request }
  const expired = decideExpiry(agent, request, context)
  return expired ?? end(agent, request, { state: 'cancelled', cause: 'withdrawn' }, context.now)
}

type Ending = Pick<RequestRecord, 'state' | 'cause'> & Partial<RequestRecord>

function end(agent: AgentState, request: RequestRecord, ending: Ending, now: Time): Required<Ended> {
  const ended = { ...request, ...ending, ended_at: now }
  return {
    request: ended,
    change: {
      agent: { ...agent, open_requests: agent.open_requests - 1 },
      event: { name: 'agent.request_ended', request: toRequestSummary(ended) },
      requests: [ended],
    },
  }
}

/** Ends a request in a way that its runtime does not know yet. */
function endWithSignal(
  agent: AgentState,
  request: RequestRecord,
  ending: Ending,
  context: DecisionContext,
): Required<Ended> {
  const awaited = { ...agent, pending_answers: agent.pending_answers + 1 }
  const ended = end(awaited, request, { ...ending, signal_id: context.signal_id }, context.now)
  const payload = toAnswerPayload(ended.request)
  const issued = newSignal({ kind: 'answer', payload, reason: null, mode: null }, context)
  const { event } = ended.change
  const signal = toSignal({ ...issued, agent_id: agent.id, seq: 0 })
  return { ...ended, change: { ...ended.change, issued, ...(event && { event: { ...event, signal } }) } }
}

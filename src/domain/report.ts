import type { AgentState } from './agent.ts'
import { applyTransition, type Change, type DecisionContext, pauseOverBudget } from './change.ts'
import { refuse, SignalboxError } from './errors.ts'
import { isSameJson } from './json.ts'
import { type AgentStatus, transitionMessage } from './lifecycle.ts'
import { addMoney, isTooMuch, type Money } from './money.ts'

/** What a runtime says of its agent. `usage` is what was used since its last report. */
export type Report = {
  /** Above that of the last report: a report that comes again counts once. */
  n: number
  status?: AgentStatus | undefined
  usage?: {
    tasks_completed?: number | undefined
    tokens_used?: number | undefined
    cost_incurred?: Money | undefined
  }
} & { [Field in 'current_task' | 'session_id']?: string | null | undefined } & {
  short_term_memory?: Record<string, unknown> | undefined
}

export type ReportDecision = { duplicate: boolean; status_rejected: string | undefined; change?: Change }

/**
 * Decides a report (protocol: Reports). A status that the agent cannot take does not lose the rest: usage and
 * fields are applied. A terminated agent takes its last usage, and nothing else.
 */
export function decideReport(agent: AgentState, report: Report, context: DecisionContext): ReportDecision {
  if (report.n <= agent.last_report) return { duplicate: true, status_rejected: undefined }
  const used = addUsage(agent, report.usage ?? {})
  const counted = { ...agent, ...used, last_report: report.n }
  if (agent.status === 'terminated') {
    const change: Change = isSameUsage(agent, counted)
      ? { agent: counted }
      : { agent: counted, event: { name: 'agent.updated' } }
    return { duplicate: false, status_rejected: rejectedByEnd(report), change }
  }
  const reported = { ...counted, ...changedFields(agent, report), last_activity_at: context.now }
  const { change, status_rejected } = moveTo(reported, report.status, context)
  const pause = pauseOverBudget(change.agent, context, agent.status)
  return { duplicate: false, status_rejected, change: pause ?? change }
}

/** The status that the runtime gives itself: what follows from it is done already. */
function moveTo(
  agent: AgentState,
  to: AgentStatus | undefined,
  context: DecisionContext,
): { change: Change; status_rejected: string | undefined } {
  const updated: Change = { agent, event: { name: 'agent.updated' } }
  if (to === undefined || to === agent.status) return { change: updated, status_rejected: undefined }
  // A pause holds until an operator or its timer ends it, whatever the runtime was just about to do.
  if (agent.status === 'paused' && to !== 'terminated') {
    return { change: updated, status_rejected: transitionMessage('paused', to) }
  }
  const request = { reason: null, resume_at: null, requested_by: context.actor }
  try {
    return {
      change: applyTransition(agent, { to, request, is_done: true }, context),
      status_rejected: undefined,
    }
  } catch (error) {
    if (!(error instanceof SignalboxError)) throw error
    return { change: updated, status_rejected: error.message }
  }
}

function addUsage(agent: AgentState, usage: NonNullable<Report['usage']>) {
  const sum = {
    tasks_completed: agent.tasks_completed + (usage.tasks_completed ?? 0),
    tokens_used: agent.tokens_used + (usage.tokens_used ?? 0),
    cost_incurred: addMoney(agent.cost_incurred, usage.cost_incurred ?? '0.0000'),
  }
  for (const field of ['tasks_completed', 'tokens_used'] as const) {
    if (!Number.isSafeInteger(sum[field])) throw tooMuch(field)
  }
  if (isTooMuch(sum.cost_incurred)) throw tooMuch('cost_incurred')
  return sum
}

function tooMuch(field: string): SignalboxError {
  return refuse('invalid', 'The sum is more than can be counted', `usage.${field}`)
}

function isSameUsage(left: AgentState, right: AgentState): boolean {
  return (
    left.tasks_completed === right.tasks_completed &&
    left.tokens_used === right.tokens_used &&
    left.cost_incurred === right.cost_incurred
  )
}

const fields = ['current_task', 'session_id', 'short_term_memory'] as const

/** A field that stays the same keeps its value: an equal memory is not written again. */
function changedFields(agent: AgentState, report: Report): Partial<AgentState> {
  return Object.fromEntries(
    fields
      .filter((field) => report[field] !== undefined && !isSameJson(agent[field], report[field]))
      .map((field) => [field, report[field]]),
  )
}

function rejectedByEnd(report: Report): string | undefined {
  if (report.status !== undefined && report.status !== 'terminated') {
    return transitionMessage('terminated', report.status)
  }
  return fields.some((field) => report[field] !== undefined) ? 'Agent is terminated' : undefined
}

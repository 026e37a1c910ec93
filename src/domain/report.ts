import { actionBetween } from './actions.ts'
import type { AgentState } from './agent.ts'
import { reasonHeld } from './budget.ts'
import { applyTransition, type Change, type DecisionContext, enforceBudget } from './change.ts'
import { byRuntime } from './control.ts'
import { SignalboxError } from './errors.ts'
import { isSameJson } from './json.ts'
import { type AgentStatus, transitionMessage } from './lifecycle.ts'
import { type NumberRanges, takeNumber } from './report-numbers.ts'
import { type AgentCounters, addReported, type ReportedUsage } from './usage.ts'

/** A runtime's report on its agent. `usage` counts from the last report. */
export type Report = {
  /** Counts up, so that a repeated report counts once. Without it, as over HTTP, the caller sees to that. */
  n?: number | undefined
  status?: AgentStatus | undefined
  usage?: ReportedUsage | readonly ReportedUsage[] | undefined
} & { [Field in 'current_task' | 'session_id']?: string | null | undefined } & {
  short_term_memory?: Record<string, unknown> | undefined
}

export type ReportDecision = { duplicate: boolean; status_rejected: string | undefined; change?: Change }

/**
 * Decides a report (protocol: Reports). If the agent cannot take the status, usage and fields still apply. A terminated
 * agent takes only usage, and so does an agent that has applied a later report. `said` are the numbers that the link sent
 * and that have not been applied.
 */
export function decideReport(
  agent: AgentState,
  report: Report,
  context: DecisionContext,
  said: NumberRanges = [],
): ReportDecision {
  const numbers = report.n === undefined ? {} : takeNumber(agent, report.n, said)
  if (!numbers) return { duplicate: true, status_rejected: undefined }
  const { counters, used } = addReported(pickCounters(agent), report.usage)
  const counted = { ...agent, ...counters, ...numbers }
  const recorded = used.length > 0 && { used }
  if (agent.status === 'terminated') {
    const change: Change = {
      agent: counted,
      ...(!isSameUsage(agent, counted) && { event: { name: 'agent.updated' } }),
      ...recorded,
    }
    return { duplicate: false, status_rejected: rejectedByEnd(report), change }
  }
  const isLate = report.n !== undefined && report.n < agent.last_report
  const fields = isLate ? {} : changedFields(agent, report)
  const reported = { ...counted, ...fields, last_activity_at: context.now }
  const { change: moved, status_rejected } = moveTo(reported, isLate ? undefined : report.status, context)
  const change = keepLastWords(moved, report)
  return {
    duplicate: false,
    status_rejected: isLate ? rejectedAsLate(report) : status_rejected,
    change: { ...enforceBudget(agent, change, context), ...recorded },
  }
}

/** An end clears the current task, but for what the report of the end itself says, such as an exit code. */
function keepLastWords(change: Change, { current_task }: Report): Change {
  if (change.agent.status !== 'terminated' || current_task === undefined) return change
  return { ...change, agent: { ...change.agent, current_task } }
}

function rejectedAsLate(report: Report): string | undefined {
  return report.status !== undefined || saysFields(report)
    ? 'A later report has already been applied'
    : undefined
}

/** Moves the agent to the status that the runtime reports. The runtime has acted already, so it gets no signal. */
export function moveTo(
  agent: AgentState,
  to: AgentStatus | undefined,
  context: DecisionContext,
): { change: Change; status_rejected: string | undefined } {
  const updated: Change = { agent, event: { name: 'agent.updated' } }
  if (to === undefined || to === agent.status) return { change: updated, status_rejected: undefined }
  const [hold] = context.holds?.of(agent) ?? []
  // A hold that has been placed counts, even if it has not reached the agent yet.
  if (hold && agent.status !== 'paused' && to !== 'paused' && to !== 'terminated') {
    return { change: updated, status_rejected: reasonHeld(hold) }
  }
  // A pause holds until an operator or its timer ends it: this report may have been on its way when the pause came.
  if (agent.status === 'paused' && to !== 'terminated') {
    return { change: updated, status_rejected: transitionMessage('paused', to) }
  }
  const request = { reason: null, resume_at: null, requested_by: context.actor, cause: byRuntime }
  try {
    return {
      change: applyTransition(
        agent,
        { to, action: actionBetween(agent.status, to), request, by_runtime: true },
        context,
      ),
      status_rejected: undefined,
    }
  } catch (error) {
    if (!(error instanceof SignalboxError)) throw error
    return { change: updated, status_rejected: error.message }
  }
}

function pickCounters({ tasks_completed, tokens_used, cost_incurred }: AgentState): AgentCounters {
  return { tasks_completed, tokens_used, cost_incurred }
}

function isSameUsage(left: AgentState, right: AgentState): boolean {
  return (
    left.tasks_completed === right.tasks_completed &&
    left.tokens_used === right.tokens_used &&
    left.cost_incurred === right.cost_incurred
  )
}

const fields = ['current_task', 'session_id', 'short_term_memory'] as const

/** An equal memory is not written again. */
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
  return saysFields(report) ? 'Agent is terminated' : undefined
}

function saysFields(report: Report): boolean {
  return fields.some((field) => report[field] !== undefined)
}

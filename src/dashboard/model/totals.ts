import type { AgentSummary } from '#src/domain/agent.ts'
import { type AgentStatus, agentStatuses } from '#src/domain/lifecycle.ts'
import { isLost, type ShownStatus, shownStatus, unsettled } from './progress.ts'

export type Counts = Record<AgentStatus, number>

/** Sums over the agents of a project. Money is in ten-thousandths, whole numbers without rounding errors. */
export type Totals = {
  by_status: Counts
  /** How many of these are resuming, pausing or stopping (`shownStatus`). */
  unsettled: Counts
  /** How many of these are lost. */
  lost: Counts
  connected: number
  tokens: number
  tasks: number
  costUnits: number
}

const UNITS = 10_000

export function noCounts(): Counts {
  return Object.fromEntries(agentStatuses.map((status) => [status, 0])) as Counts
}

export function noTotals(): Totals {
  return {
    by_status: noCounts(),
    unsettled: noCounts(),
    lost: noCounts(),
    connected: 0,
    tokens: 0,
    tasks: 0,
    costUnits: 0,
  }
}

export function toUnits(money: string): number {
  return Math.round(Number(money) * UNITS)
}

export function fromUnits(units: number): number {
  return units / UNITS
}

/** Adds an agent to the sums, or removes it. */
export function count(totals: Totals, agent: AgentSummary, sign: 1 | -1): void {
  totals.by_status[agent.status] += sign
  if (isLost(agent)) totals.lost[agent.status] += sign
  else if (shownStatus(agent) !== agent.status) totals.unsettled[agent.status] += sign
  if (agent.runtime.connected) totals.connected += sign
  totals.tokens += sign * agent.tokens_used
  totals.tasks += sign * agent.tasks_completed
  totals.costUnits += sign * toUnits(agent.cost_incurred)
}

/** The agents that have not ended: those that are stopping still run. */
export function inService({ by_status, unsettled }: Totals): number {
  return by_status.idle + by_status.working + by_status.waiting + by_status.paused + unsettled.terminated
}

const inOrder = ['working', 'waiting', 'idle', 'paused', 'terminated'] as const

/** The agents that have not ended by what each is shown as, so that none counts as at rest that may still work. */
export function shares({ by_status, unsettled: open, lost }: Readonly<Totals>): [ShownStatus, number][] {
  const all = inOrder.flatMap((status): [ShownStatus, number][] => [
    [status, status === 'terminated' ? 0 : by_status[status] - open[status] - lost[status]],
    [unsettled[status] ?? status, open[status]],
  ])
  const gone = inOrder.reduce((sum, status) => sum + lost[status], 0)
  return [...all, ['lost', gone] as [ShownStatus, number]].filter(([, count]) => count > 0)
}

import type { Budget, BudgetWindow } from '#src/client/rest/rest.ts'
import { parseTokens } from './amounts.ts'
import { ratio } from './budget-use.ts'
import { formatCount, formatExactMoney, formatFullTime } from './format.ts'
import { atField } from './problems.ts'

export const windowWords = {
  none: 'Once',
  hour: 'Every hour',
  day: 'Every day',
  week: 'Every week',
  month: 'Every month',
} as const satisfies Record<Budget['window'], string>

export const stateWords = {
  ok: 'within its limit',
  warned: 'near its limit',
  exceeded: 'used up',
} as const satisfies Record<Budget['state'], string>

export const actionWords = {
  hold: 'Pause the agents',
  notify: 'Only notify',
} as const satisfies Record<Budget['action'], string>

type Amounts = Pick<Budget, 'limit' | 'spent'>

/** "$12.50", or "1,200 tokens". */
export function sayAmount(metric: Budget['metric'], amount: Budget['limit']): string {
  return metric === 'cost' ? formatExactMoney(Number(amount)) : `${formatCount(Number(amount))} tokens`
}

export const usedOf = ({ spent, limit }: Amounts | BudgetWindow): number =>
  ratio(Number(spent), Number(limit))

export const sayShare = (used: number): string => `${Math.floor(used * 100)}%`

/** "Every day (Europe/Berlin)"; a budget that is younger than its window adds ", counts from 28 Nov 2026, 14:20:00". */
export function sayWindow({ window, timezone, starts_at, created_at }: Budget): string {
  const from = `counts from ${formatFullTime(created_at)}`
  if (window === 'none') return `Once, ${from}`
  return `${windowWords[window]} (${timezone})${starts_at < created_at ? `, ${from}` : ''}`
}

/** Half as much again as what is too little, rounded to two digits, as people type it. */
export function suggestLimit(metric: Budget['metric'], { limit, spent }: Amounts): string {
  const raised = Number((Math.max(Number(limit), Number(spent)) * 1.5).toPrecision(2))
  return metric === 'tokens' ? formatCount(Math.ceil(raised)) : String(Math.ceil(raised * 10_000) / 10_000)
}

/** A limit as the server takes it; `typed` is not empty. */
export function readLimit(metric: Budget['metric'], typed: string): string | number {
  return metric === 'tokens' ? (atField('limit', () => parseTokens(typed)) ?? 0) : typed.replace(/^\$\s*/, '')
}

/** Whether the budget stops its agents now. */
export function isStopping({ state, action }: Budget): boolean {
  return state === 'exceeded' && action === 'hold'
}

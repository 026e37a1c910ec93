import type { AgentState } from './agent.ts'
import { refuse } from './errors.ts'
import { addMoney, fromUnits, type Money, parseMoney, toUnits } from './money.ts'
import type { ProjectBudget } from './project-budget.ts'
import { matches, parseSelector } from './selector.ts'
import type { Time } from './time.ts'

/** Budgets of a project. One more is refused with `conflict`. */
export const MAX_BUDGETS = 100
/** Past windows that are kept of each budget. Older ones are forgotten. */
export const MAX_KEPT_WINDOWS = 400
export const MAX_FRACTIONS = 5
export const DEFAULT_WARN_AT: readonly number[] = [0.8]
/** Fractions have four decimal places, as money has, so that comparisons are exact. */
const FRACTION_SCALE = 10_000

type Metric = ProjectBudget['metric']

/** A decimal with four places for both metrics, so that sums are exact. Whole numbers count tokens. */
export type Amount = Money

/** A budget as it is kept: its settings, and its newest window. */
export type BudgetRecord = Omit<ProjectBudget, 'limit' | 'spent' | 'state'> & {
  limit: Amount
  spent: Amount
  /** The fractions that this window has warned of, or passed over. */
  warned: readonly number[]
  /** Since when as much as the limit is spent; null: less is. */
  exceeded_at: Time | null
  /** Whether the tree of `agent_id` is stopped, or not, as it should be. */
  is_settled: boolean
}

export type BudgetPatch = {
  [Field in 'name' | 'warn_at' | 'action' | 'mode']?: BudgetRecord[Field] | undefined
} & { limit?: string | number | undefined }

export type WindowBounds = { starts_at: Time; resets_at: Time }
/** A past window. */
export type BudgetPeriod = {
  starts_at: Time
  ends_at: Time
  spent: Amount
  limit: Amount
  exceeded_at: Time | null
}

/** What a project's log says of a budget. */
export type BudgetNews =
  | { name: 'project.budget_warning'; fraction: number }
  | { name: 'project.budget_exceeded' }

export type BudgetStep = { budget: BudgetRecord; news: readonly BudgetNews[] }

/** Reads the limit that a request gives. Refuses with `invalid`, field `limit`. */
export function toLimit(metric: Metric, input: string | number): Amount {
  const limit = metric === 'cost' ? parseMoney(input) : toTokens(input)
  if (limit === undefined) {
    const wanted = metric === 'cost' ? 'an amount with at most four decimal places' : 'a whole number'
    throw refuse('invalid', `Must be ${wanted}`, 'limit')
  }
  if (toUnits(limit) === 0n) {
    throw refuse('invalid', 'Must be more than 0; a hold stops agents that may use nothing', 'limit')
  }
  return limit
}

function toTokens(input: string | number): Amount | undefined {
  return typeof input === 'number' && Number.isSafeInteger(input) && input >= 0 ? `${input}.0000` : undefined
}

type Scope = Pick<BudgetRecord, 'selector' | 'agent_type_id' | 'agent_id'>
type Scoped = Pick<AgentState, 'id' | 'agent_type_id' | 'labels'>

/** Whether a budget includes an agent of its project. `members`: those of the agents in question that are in its tree. */
export function scopeOf(
  { selector, agent_type_id, agent_id }: Scope,
  members: readonly string[],
): (agent: Scoped) => boolean {
  if (agent_id !== null) return ({ id }) => members.includes(id)
  const terms = selector === null ? [] : parseSelector(selector)
  return (agent) =>
    (agent_type_id === null || agent_type_id === agent.agent_type_id) && matches(terms, agent.labels)
}

type Counters = Pick<AgentState, 'tokens_used' | 'cost_incurred'>

/** What a change of an agent's counters used. A counter that is lowered gives nothing back. */
export function usedBetween(before: Counters, after: Counters): Record<Metric, bigint> {
  const atLeastZero = (units: bigint) => (units > 0n ? units : 0n)
  return {
    tokens: atLeastZero(BigInt(after.tokens_used) - BigInt(before.tokens_used)) * BigInt(FRACTION_SCALE),
    cost: atLeastZero(toUnits(after.cost_incurred) - toUnits(before.cost_incurred)),
  }
}

/** Adds to what is spent, and says what that reaches. */
export function spend(budget: BudgetRecord, units: bigint, now: Time): BudgetStep {
  return assess(budget, { ...budget, spent: addMoney(budget.spent, fromUnits(units)) }, now)
}

/** Decides an update. What the new limit or fractions make of what is spent already counts at once. */
export function changeBudget(budget: BudgetRecord, patch: BudgetPatch, now: Time): BudgetStep {
  const { limit, ...rest } = patch
  const given = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined))
  const changed: BudgetRecord = {
    ...budget,
    ...given,
    ...(limit !== undefined && { limit: toLimit(budget.metric, limit) }),
  }
  const warned = changed.warned.filter((fraction) => changed.warn_at.includes(fraction))
  return assess(budget, { ...changed, warned }, now)
}

/** `next`: the window that has begun since; undefined: the newest one is that of now. */
export type FoundBudget = { budget: BudgetRecord; next: WindowBounds | undefined }

/** A budget in the window of now, and the window that it has left, if anything was used in that. */
export function toNow({ budget, next }: FoundBudget): {
  budget: BudgetRecord
  ended: BudgetPeriod | undefined
} {
  return next
    ? { budget: enterWindow(budget, next), ended: leaveWindow(budget) }
    : { budget, ended: undefined }
}

/** The budget in a window that has begun since: nothing is spent in it yet. */
export function enterWindow(budget: BudgetRecord, bounds: WindowBounds): BudgetRecord {
  return settling(budget, { ...budget, ...bounds, spent: fromUnits(0n), warned: [], exceeded_at: null })
}

/** The budget as it stops nothing any more. */
export function endBudget(budget: BudgetRecord): BudgetRecord {
  return settling(budget, { ...budget, exceeded_at: null })
}

/** The window that a budget leaves; undefined if nothing was used in it. */
export function leaveWindow({
  starts_at,
  resets_at: ends_at,
  spent,
  limit,
  exceeded_at,
}: BudgetRecord): BudgetPeriod | undefined {
  const isUsed = ends_at !== null && toUnits(spent) > 0n
  return isUsed ? { starts_at, ends_at, spent, limit, exceeded_at } : undefined
}

/** Whether agents in its scope must not run. */
export function wantsStop({ exceeded_at, action }: Pick<BudgetRecord, 'exceeded_at' | 'action'>): boolean {
  return exceeded_at !== null && action === 'hold'
}

/** The budget of the wire contract. */
export function toBudget(record: BudgetRecord): ProjectBudget {
  const { limit, spent, hold_id, warned: _, exceeded_at, is_settled: __, ...rest } = record
  const show = (amount: Amount) => showAmount(rest.metric, amount)
  const state = exceeded_at !== null ? 'exceeded' : reachedFractions(record).length > 0 ? 'warned' : 'ok'
  return {
    ...rest,
    limit: show(limit),
    spent: show(spent),
    state,
    hold_id: wantsStop(record) ? hold_id : null,
  }
}

export type ShownPeriod = Omit<BudgetPeriod, 'spent' | 'limit'> & Pick<ProjectBudget, 'spent' | 'limit'>

export function toShownPeriod({ spent, limit, ...period }: BudgetPeriod, metric: Metric): ShownPeriod {
  return { ...period, spent: showAmount(metric, spent), limit: showAmount(metric, limit) }
}

/** More tokens than a number holds exactly are shown as the most that it does. */
function showAmount(metric: Metric, amount: Amount): Money | number {
  return metric === 'cost' ? amount : Math.min(Number(amount), Number.MAX_SAFE_INTEGER)
}

/** Why agents are stopped. */
export function reasonOf({ name }: Pick<BudgetRecord, 'name'>): string {
  return `Budget ${name} is used up`
}

function assess(before: BudgetRecord, budget: BudgetRecord, now: Time): BudgetStep {
  const news: BudgetNews[] = []
  const reached = reachedFractions(budget)
  const fraction = Math.max(...reached)
  if (reached.length > 0 && !budget.warned.includes(fraction)) {
    news.push({ name: 'project.budget_warning', fraction })
  }
  const warned = [...new Set([...budget.warned, ...reached])]
  const isExceeded = toUnits(budget.spent) >= toUnits(budget.limit)
  if (isExceeded && budget.exceeded_at === null) news.push({ name: 'project.budget_exceeded' })
  const exceeded_at = isExceeded ? (budget.exceeded_at ?? now) : null
  return { budget: settling(before, { ...budget, warned, exceeded_at }), news }
}

/** A tree has to be stopped, freed, or told the new name of what stops it. */
function settling(before: BudgetRecord, after: BudgetRecord): BudgetRecord {
  const isStopped = wantsStop(after)
  const isAsBefore = isStopped === wantsStop(before) && (!isStopped || after.name === before.name)
  return { ...after, is_settled: before.is_settled && (after.agent_id === null || isAsBefore) }
}

function reachedFractions({ warn_at, spent, limit }: BudgetRecord): number[] {
  const scaled = toUnits(spent) * BigInt(FRACTION_SCALE)
  return warn_at.filter(
    (fraction) => scaled >= toUnits(limit) * BigInt(Math.round(fraction * FRACTION_SCALE)),
  )
}

/** Whether it is more than 0, at most 1, and has at most four decimal places. */
export function isFraction(value: number): boolean {
  return value > 0 && /^(?:1|0\.\d{1,4})$/.test(String(value))
}

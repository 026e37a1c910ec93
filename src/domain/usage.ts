import { refuse, type SignalboxError } from './errors.ts'
import { addMoney, isTooMuch, type Money } from './money.ts'
import type { Time } from './time.ts'

/** The counters of an agent; its cost is beside them. */
const agentCounters = ['tasks_completed', 'tokens_used'] as const
/** Kinds of tokens, which an agent has no counters for. */
export const tokenKinds = [
  'input_tokens',
  'output_tokens',
  'cache_read_input_tokens',
  'cache_creation_input_tokens',
  'reasoning_output_tokens',
] as const
export const usageCounts = [...agentCounters, ...tokenKinds] as const
export type UsageCounts = Record<(typeof usageCounts)[number], number>

/** As a runtime reports it, of one model. */
export type ReportedUsage = { [Count in keyof UsageCounts]?: number | undefined } & {
  cost_incurred?: Money | undefined
  model?: string | undefined
  provider?: string | undefined
}

/** What was used of one model; the empty string stands for none. */
export type Used = UsageCounts & { cost_incurred: Money; model: string; provider: string }

export type AgentCounters = Pick<Used, (typeof agentCounters)[number] | 'cost_incurred'>

/** Models of one report. */
export const MAX_MODELS = 16
/** Usage is stored by quarter-hours, so that the hours and days of every time zone are sums of them. */
const QUARTER_MS = 15 * 60 * 1_000

/** The tokens that count: the sum of input and output where a report doesn't say. */
export function countTokens({ tokens_used, input_tokens = 0, output_tokens = 0 }: ReportedUsage): number {
  return tokens_used ?? input_tokens + output_tokens
}

/** Adds a report to an agent's counters. `used` is what it says, model by model, without what is nothing. */
export function addReported(
  counters: AgentCounters,
  reported: ReportedUsage | readonly ReportedUsage[] = [],
): { counters: AgentCounters; used: Used[] } {
  const isList = Array.isArray(reported)
  const used = (isList ? reported : [reported]).map(toUsed)
  const sum = used.reduce(
    (before, one, index) => add(before, one, isList ? `usage.${index}` : 'usage'),
    counters,
  )
  return { counters: sum, used: used.filter(isSomething) }
}

function add(before: AgentCounters, used: Used, path: string): AgentCounters {
  const cost_incurred = addMoney(before.cost_incurred, used.cost_incurred)
  const sum = { ...before, cost_incurred }
  for (const counter of agentCounters) {
    sum[counter] += used[counter]
    if (!Number.isSafeInteger(sum[counter])) throw tooMuch(`${path}.${counter}`)
  }
  if (isTooMuch(cost_incurred)) throw tooMuch(`${path}.cost_incurred`)
  return sum
}

function tooMuch(field: string): SignalboxError {
  return refuse('invalid', 'The sum is too large to count', field)
}

function toUsed(reported: ReportedUsage): Used {
  const { model = '', provider = '', cost_incurred = '0.0000' } = reported
  const counts = Object.fromEntries(usageCounts.map((count) => [count, reported[count] ?? 0])) as UsageCounts
  return { ...counts, tokens_used: countTokens(reported), cost_incurred, model, provider }
}

function isSomething(used: Used): boolean {
  return used.cost_incurred !== '0.0000' || usageCounts.some((count) => used[count] > 0)
}

/** A count that no exact number can hold stays at the largest. Only counts of kinds of tokens get there. */
export function addUsed(left: Used, right: Used): Used {
  const counts = usageCounts.map((count) => [
    count,
    Math.min(left[count] + right[count], Number.MAX_SAFE_INTEGER),
  ])
  const cost_incurred = addMoney(left.cost_incurred, right.cost_incurred)
  return { ...left, ...(Object.fromEntries(counts) as UsageCounts), cost_incurred }
}

/** In all, under the name of one of the models. */
export function sumUsed(used: readonly Used[]): Used | undefined {
  return used.length > 0 ? used.reduce(addUsed) : undefined
}

export const buckets = ['hour', 'day', 'month'] as const
export type Bucket = (typeof buckets)[number]

/** What usage is grouped by, beside the label `label:KEY`. */
export const usageGroups = ['agent', 'agent_type', 'model', 'provider'] as const
export type UsageGroup = (typeof usageGroups)[number]

/** The usage of one group in one bucket of time, which begins at `bucket`. A null group has no name. */
export type UsageSum = UsageCounts & { bucket: Time; group: string | null; cost_incurred: Money }

/** As the columns are in CSV. */
export const usageColumns = [
  'bucket',
  'group',
  ...agentCounters,
  'cost_incurred',
  ...tokenKinds,
] as const satisfies readonly (keyof UsageSum)[]

/** The quarter-hour in which a time lies. */
export function quarterOf(time: Time): Time {
  return new Date(roundDown(time)).toISOString()
}

/** Whole quarter-hours that contain the time from `from` to before `to`. Both may be left out. */
export function toQuarters(
  from: Time | undefined,
  to: Time | undefined,
  now: Time,
): { from: Time; to: Time } {
  const end = to === undefined ? roundDown(now) + QUARTER_MS : roundDown(to, QUARTER_MS - 1)
  const start = from === undefined ? end - DAY_MS : roundDown(from)
  if (start >= end) throw refuse('invalid', 'Must be before to', 'from')
  return { from: new Date(start).toISOString(), to: new Date(end).toISOString() }
}

const DAY_MS = 24 * 60 * 60 * 1_000

function roundDown(time: Time, more = 0): number {
  return Math.floor((Date.parse(time) + more) / QUARTER_MS) * QUARTER_MS
}

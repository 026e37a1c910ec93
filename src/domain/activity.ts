import type { AgentState } from './agent.ts'
import { refuse } from './errors.ts'
import { type AgentStatus, agentStatuses } from './lifecycle.ts'
import { fromUnits, type Money, toUnits } from './money.ts'
import type { Time } from './time.ts'

/** Activity is stored by ten seconds. */
export const ACTIVITY_SECONDS = 10
/** A question with more buckets is refused. */
export const MAX_ACTIVITY_BUCKETS = 1_000
/** A question about more time is refused: each ten seconds may be a row to add up. */
export const MAX_ACTIVITY_DAYS = 31
const DAY_MS = 86_400_000

export type StatusCounts = Record<AgentStatus, number>

export const noStatuses = (): StatusCounts =>
  Object.fromEntries(agentStatuses.map((status) => [status, 0])) as StatusCounts

/** What happened in a project in some time. Counters that are set back take nothing away. */
export type Activity = {
  events: number
  tasks_completed: number
  tokens_used: number
  cost_incurred: Money
}

/** What changes do in ten seconds of a project; `statuses` says how the numbers of agents by status change. */
export type ActivityChange = Omit<Activity, 'cost_incurred'> & { cost_units: bigint; statuses: StatusCounts }

export const noActivity = (): ActivityChange => ({
  events: 0,
  tasks_completed: 0,
  tokens_used: 0,
  cost_units: 0n,
  statuses: noStatuses(),
})

type Counted = Pick<AgentState, 'status' | 'tasks_completed' | 'tokens_used' | 'cost_incurred'>

/** Adds what one change of an agent does, in place. */
export function addChange(sum: ActivityChange, before: Counted | undefined, after: Counted): void {
  if (before) sum.statuses[before.status]--
  sum.statuses[after.status]++
  sum.tasks_completed += Math.max(0, after.tasks_completed - (before?.tasks_completed ?? 0))
  sum.tokens_used += Math.max(0, after.tokens_used - (before?.tokens_used ?? 0))
  if (after.cost_incurred === before?.cost_incurred) return
  const cost = toUnits(after.cost_incurred) - toUnits(before?.cost_incurred ?? '0.0000')
  if (cost > 0n) sum.cost_units += cost
}

/** The beginning of the span of `seconds` in which a time lies. */
export function spanOf(time: Time, seconds: number): Time {
  const ms = seconds * 1_000
  return new Date(Math.floor(Date.parse(time) / ms) * ms).toISOString()
}

export type ActivityRange = { from: Time; to: Time; step: number }

/** Whole buckets, without `from` those of the hour before `to`. Refuses with `invalid` what is too much or backwards. */
export function toActivityRange(
  asked: { from?: Time | undefined; to?: Time | undefined; step: number },
  now: Time,
): ActivityRange {
  const { step } = asked
  const ms = step * 1_000
  const end = Date.parse(asked.to ?? now)
  const begin = asked.from === undefined ? end - 3_600_000 : Date.parse(asked.from)
  if (begin >= end) throw refuse('invalid', 'Must be before to', 'from')
  if (end - begin > MAX_ACTIVITY_DAYS * DAY_MS) {
    throw refuse('invalid', `Must be at most ${MAX_ACTIVITY_DAYS} days before to`, 'from')
  }
  const [from, to] = [Math.floor(begin / ms) * ms, Math.ceil(end / ms) * ms]
  if ((to - from) / ms > MAX_ACTIVITY_BUCKETS) {
    const limit = MAX_ACTIVITY_BUCKETS.toLocaleString('en-US')
    throw refuse('invalid', `More than ${limit} buckets: ask for less time or a longer step`, 'step')
  }
  return { from: new Date(from).toISOString(), to: new Date(to).toISOString(), step }
}

/** The sums of one bucket, as they are stored. */
export type ActivitySum = Activity & { at: Time; statuses: StatusCounts }
export type ActivityBucket = Activity & { at: Time; by_status: StatusCounts }

/**
 * A bucket for each step from `since` until `to` or now. Agents are counted backwards from what they are now: `later` is how
 * the numbers have changed since `to`.
 */
export function toBuckets(
  { from, to, step }: ActivityRange,
  {
    sums,
    current,
    later,
    since,
    now,
  }: {
    sums: readonly ActivitySum[]
    current: StatusCounts
    later: StatusCounts
    since: Time
    now: Time
  },
): ActivityBucket[] {
  const ms = step * 1_000
  const known = new Map(sums.map((sum) => [Date.parse(sum.at), sum]))
  const counts = { ...current }
  const undo = (statuses: StatusCounts) => {
    for (const status of agentStatuses) counts[status] -= statuses[status]
  }
  undo(later)
  const buckets: ActivityBucket[] = []
  const last = Math.floor(Math.min(Date.parse(to) - 1, Date.parse(now)) / ms) * ms
  const first = Math.max(Date.parse(from), Math.floor(Date.parse(since) / ms) * ms)
  for (let at = last; at >= first; at -= ms) {
    const sum = known.get(at)
    const { events = 0, tasks_completed = 0, tokens_used = 0, cost_incurred = fromUnits(0n) } = sum ?? {}
    buckets.push({
      at: new Date(at).toISOString(),
      events,
      tasks_completed,
      tokens_used,
      cost_incurred,
      by_status: { ...counts },
    })
    if (sum) undo(sum.statuses)
  }
  return buckets.reverse()
}

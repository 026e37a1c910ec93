import { type Api, ApiError, type TokenSource } from '#src/client/rest/rest.ts'
import { sendRepeatedly } from '#src/client/rest/retry.ts'
import type { Bucket, UsageSum } from '#src/domain/usage.ts'
import { formatMoney, formatShort } from './format.ts'
import { fromUnits, toUnits } from './totals.ts'
import { startOfDay, startOfHour, zoneName } from './zone.ts'

/** The last hours or days, the present one included. */
export const ranges = {
  '24h': { label: '24 hours', bucket: 'hour', count: 24 },
  '7d': { label: '7 days', bucket: 'day', count: 7 },
  '30d': { label: '30 days', bucket: 'day', count: 30 },
} as const satisfies Record<string, { label: string; bucket: Bucket; count: number }>

export const measures = {
  cost: { label: 'Cost', format: (value: number) => formatMoney(value), isWhole: false },
  tokens: { label: 'Tokens', format: formatShort, isWhole: true },
  tasks: { label: 'Tasks completed', format: formatShort, isWhole: true },
} as const

export type RangeName = keyof typeof ranges
export type MeasureName = keyof typeof measures
export const rangeNames = Object.keys(ranges) as RangeName[]
export const measureNames = Object.keys(measures) as MeasureName[]

/** What the page asks for; `by` as `group_by` of the API. */
export type UsageView = { over: RangeName; by: string; selector: string }

/** What was used, with money in ten-thousandths. */
export type Spent = Omit<UsageSum, 'bucket' | 'group' | 'cost_incurred'> & { costUnits: number }
export type UsageGroup = { key: string | null; spent: Spent; byBucket: Spent[] }
export type UsageSums = {
  /** The beginnings of the buckets, in milliseconds since 1970. */
  buckets: number[]
  all: UsageGroup
  groups: UsageGroup[]
  /** Whether the groups have no buckets, because they would be too many rows. */
  isCoarse: boolean
}

const counted = [
  'tasks_completed',
  'tokens_used',
  'input_tokens',
  'output_tokens',
  'cache_read_input_tokens',
  'cache_creation_input_tokens',
  'reasoning_output_tokens',
] as const satisfies (keyof Spent)[]

export function measureOf({ costUnits, tokens_used, tasks_completed }: Spent, measure: MeasureName): number {
  return { cost: fromUnits(costUnits), tokens: tokens_used, tasks: tasks_completed }[measure]
}

/** When each bucket up to `now` begins, in the time zone that is shown. */
export function bucketStarts(over: RangeName, now: number): number[] {
  const { bucket, count } = ranges[over]
  const hour = startOfHour(now)
  return Array.from({ length: count }, (_, index) => {
    const back = count - 1 - index
    return bucket === 'hour' ? hour - back * 3_600_000 : startOfDay(now, -back)
  })
}

/** A fleet too large for a row for each group and bucket gets its groups in all, and buckets without groups. */
export async function readUsage(
  api: Api,
  project_id: string,
  view: UsageView,
  now: number,
): Promise<UsageSums> {
  const buckets = bucketStarts(view.over, now)
  const query = toQuery(view, buckets)
  try {
    const { data } = await api.usage.get(project_id, query)
    return sumUp(buckets, data, data)
  } catch (error) {
    if (!isTooMuch(error)) throw error
    const { group_by: _, ...ungrouped } = query
    const [inAll, coarse] = await Promise.all([
      api.usage.get(project_id, ungrouped),
      api.usage.get(project_id, { ...query, bucket: 'month' }),
    ])
    return { ...sumUp(buckets, inAll.data, coarse.data), isCoarse: true }
  }
}

/** The same as comma-separated values, by bucket if it fits. */
export async function readCsv(
  { token, project_id, view }: { token: TokenSource; project_id: string; view: UsageView },
  now: number,
): Promise<string> {
  const query = toQuery(view, bucketStarts(view.over, now))
  const read = (bucket: Bucket) =>
    sendRepeatedly(
      {
        method: 'GET',
        url: `/api/v1/projects/${project_id}/usage?${new URLSearchParams({ ...query, bucket })}`,
        headers: { accept: 'text/csv' },
        body: undefined,
      },
      { ...CALL, fetch: (...args) => fetch(...args), token, signal: undefined },
      (response) => response.text(),
    )
  try {
    return await read(query.bucket)
  } catch (error) {
    if (isTooMuch(error)) return read('month')
    throw error
  }
}

const CALL = { timeout_ms: 30_000, retries: 2, max_wait_ms: 5_000, isRepeatable: true }

function toQuery({ over, by, selector }: UsageView, buckets: readonly number[]) {
  return {
    from: new Date(buckets[0] ?? 0).toISOString(),
    bucket: ranges[over].bucket,
    timezone: zoneName(),
    group_by: by,
    ...(selector && { selector }),
  }
}

/** The server refuses more rows than it answers at once, and names no field. */
function isTooMuch(error: unknown): boolean {
  return error instanceof ApiError && error.status === 422 && /rows/.test(error.message)
}

function noSpent(): Spent {
  const counts = Object.fromEntries(counted.map((name) => [name, 0])) as Omit<Spent, 'costUnits'>
  return { ...counts, costUnits: 0 }
}

/** Several groups as one. */
export function mergeGroups(groups: readonly UsageGroup[]): Omit<UsageGroup, 'key'> {
  const merge = (all: readonly Spent[]) => {
    const sum = noSpent()
    for (const spent of all) {
      for (const name of counted) sum[name] += spent[name]
      sum.costUnits += spent.costUnits
    }
    return sum
  }
  const buckets = groups[0]?.byBucket ?? []
  return {
    spent: merge(groups.map(({ spent }) => spent)),
    byBucket: buckets.map((_, index) => merge(groups.flatMap(({ byBucket }) => byBucket[index] ?? []))),
  }
}

function add(spent: Spent, row: UsageSum): void {
  for (const name of counted) spent[name] += row[name]
  spent.costUnits += toUnits(row.cost_incurred)
}

/** `inBuckets` draws the chart, `grouped` fills the table: the same rows, or those of a coarser question. */
export function sumUp(
  buckets: number[],
  inBuckets: readonly UsageSum[],
  grouped: readonly UsageSum[],
): UsageSums {
  const newGroup = (key: string | null): UsageGroup => ({
    key,
    spent: noSpent(),
    byBucket: buckets.map(noSpent),
  })
  const all = newGroup(null)
  const groups = new Map<string | null, UsageGroup>()
  const groupOf = (key: string | null) => {
    const known = groups.get(key) ?? newGroup(key)
    groups.set(key, known)
    return known
  }
  for (const row of grouped) add(groupOf(row.group).spent, row)
  for (const row of inBuckets) {
    add(all.spent, row)
    const time = Date.parse(row.bucket)
    const index = Math.max(
      0,
      buckets.findLastIndex((start) => start <= time),
    )
    for (const group of inBuckets === grouped ? [all, groupOf(row.group)] : [all]) {
      const spent = group.byBucket[index]
      if (spent) add(spent, row)
    }
  }
  return { buckets, all, groups: [...groups.values()], isCoarse: false }
}

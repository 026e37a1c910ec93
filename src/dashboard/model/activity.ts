import type { ActivityReport, Api } from '#src/client/rest/rest.ts'
import { BUCKET_MS, type Bucket } from './history.ts'
import { toUnits } from './totals.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000
const DAY_MS = 86_400_000

/** What the charts show: how far back, and how long each point is, in seconds. */
export const spans = {
  '15m': { label: '15 minutes', short: '15 min', ms: 15 * MINUTE_MS, step: 10 },
  '1h': { label: 'hour', short: '1 h', ms: HOUR_MS, step: 10 },
  '24h': { label: '24 hours', short: '24 h', ms: DAY_MS, step: 300 },
  '7d': { label: '7 days', short: '7 d', ms: 7 * DAY_MS, step: 1_800 },
} as const satisfies Record<string, { label: string; short: string; ms: number; step: number }>

export type SpanName = keyof typeof spans
export const spanNames = Object.keys(spans) as SpanName[]

/** The span that the address asks for. */
export function readSpan(filters: URLSearchParams): SpanName {
  return spanNames.find((name) => name === filters.get('over')) ?? '1h'
}

/** How often the server is asked again: points of ten seconds come with the events, longer ones do not. */
export const READ_EVERY_MS = MINUTE_MS

export function readActivity(
  api: Api,
  project_id: string,
  span: SpanName,
  now: number,
): Promise<ActivityReport> {
  const { ms, step } = spans[span]
  return api.events.activity(project_id, { from: new Date(now - ms).toISOString(), step })
}

/** The points of a chart, each `seconds` long. */
export type Points = { buckets: Bucket[]; seconds: number }

type Recorded = Pick<ActivityReport, 'data' | 'step' | 'since' | 'from'>

/** From when on the numbers mean something, where that is later than the span begins; and why. */
export function beginningOf(
  { since, from, step }: Recorded,
  created_at: string,
): { at: number; isCreation: boolean } | undefined {
  const [recorded, created] = [Date.parse(since), Date.parse(created_at)]
  const at = Math.max(recorded, created)
  return at - Date.parse(from) > step * 1_000 ? { at, isCreation: created >= recorded } : undefined
}

/**
 * The server's buckets, and after them those that the page has counted itself. Of the last one, which the server answered
 * before it was over, the one with more events counts.
 */
export function toPoints(report: Recorded, own: readonly Bucket[], now: number, span: SpanName): Points {
  const { ms, step } = spans[span]
  const from = now - ms
  const buckets = report.data.map(toBucket).filter(({ at }) => at + step * 1_000 > from)
  const last = buckets.at(-1)
  if (last && step * 1_000 === BUCKET_MS) {
    const same = own.find(({ at }) => at === last.at)
    if (same && same.events > last.events) buckets[buckets.length - 1] = same
    buckets.push(...own.filter(({ at }) => at > last.at))
  }
  return { buckets, seconds: step }
}

function toBucket({
  at,
  events,
  tokens_used,
  cost_incurred,
  by_status,
}: ActivityReport['data'][number]): Bucket {
  return { at: Date.parse(at), by_status, costUnits: toUnits(cost_incurred), tokens: tokens_used, events }
}

/** What was spent a minute, at each point: in the minute up to it, or on average over a longer one. */
export function perMinute({ buckets, seconds }: Points): number[] {
  if (seconds >= 60) return buckets.map(({ costUnits }) => (costUnits * 60) / seconds)
  const points = 60 / seconds
  let sum = 0
  return buckets.map(({ costUnits }, index) => {
    sum += costUnits - (buckets[index - points]?.costUnits ?? 0)
    return Math.max(0, sum)
  })
}

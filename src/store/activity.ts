import {
  ACTIVITY_SECONDS,
  type ActivityBucket,
  type ActivityChange,
  type ActivityRange,
  type ActivitySum,
  type StatusCounts,
  toBuckets,
} from '#src/domain/activity.ts'
import { type AgentStatus, agentStatuses } from '#src/domain/lifecycle.ts'
import { fromUnits, type Money } from '#src/domain/money.ts'
import type { Time } from '#src/domain/time.ts'
import { type Sql, statement, type Transaction } from './database.ts'

/** Ten seconds of a project. `last_seq` is the number of the newest event that it counts. */
export type ActivityRow = ActivityChange & { project_id: string; at: Time; last_seq: number }

const counts = ['events', 'tasks_completed', 'tokens_used'] as const
const statusColumns = agentStatuses.map((status) => `${status}_change`)
const columns = ['project_id', 'at', 'last_seq', 'cost_incurred', ...counts, ...statusColumns].join(', ')
const record = `project_id uuid, at timestamptz, last_seq bigint, cost_incurred numeric,
  ${[...counts, ...statusColumns].map((name) => `${name} bigint`).join(', ')}`
const added = ['cost_incurred', ...counts, ...statusColumns].map(
  (name) => `${name} = r.${name} + excluded.${name}`,
)

const add = statement(
  'add_activity',
  `insert into activity as r (${columns}) select ${columns} from json_to_recordset($1::json) as d(${record})
   on conflict (project_id, at)
   do update set last_seq = excluded.last_seq, ${added.join(', ')}`,
)

/** Adds rows in the same round trip as the commit. Their projects are locked. */
export function addActivity(sql: Transaction, rows: readonly ActivityRow[]): void {
  if (rows.length > 0) sql.send(add, [JSON.stringify(rows.map(toRecord))])
}

function toRecord({ statuses, cost_units, ...row }: ActivityRow) {
  const changes = agentStatuses.map((status) => [`${status}_change`, statuses[status]])
  return { ...row, cost_incurred: fromUnits(cost_units), ...Object.fromEntries(changes) }
}

const SECONDS = '$4::float8'
const summed = [...counts, ...statusColumns].map((name) => `sum(${name})::float8 as ${name}`).join(', ')

// One statement, so that all parts see the same moment. `bucket` is null for all that was later than the question.
//
// A server of the release before writes events without counting them. Then the numbers have a gap before the next row, and
// somewhere in between, that row's own ten seconds included, are events that nothing here counts.
const read = statement(
  'read_activity',
  `with head as (
     select p.event_seq, ${agentStatuses.map((status) => `count(a.id) filter (where a.status = '${status}') as ${status}`).join(', ')}
     from projects p left join agents a on a.project_id = p.id where p.id = $1 group by p.id
   ), numbered as (
     select at, last_seq, events, lag(last_seq, 1, 0::bigint) over (order by at) as before from (
       (select at, last_seq, events from activity where project_id = $1 and at < $2 order by at desc limit 1)
       union all select at, last_seq, events from activity where project_id = $1 and at >= $2
     ) kept
   ), gaps as (
     select max(at) filter (where last_seq - events <> before) as gap_at, coalesce(
       max(last_seq),
       (select event_seq from head where not exists (select 1 from events where project_id = $1)),
       0
     ) as counted_seq
     from numbered
   ), sums as (
     select case when at < $3 then to_timestamp(floor(extract(epoch from at) / ${SECONDS}) * ${SECONDS}) end as bucket,
       ${summed}, sum(cost_incurred)::numeric(30, 4) as cost_incurred
     from activity where project_id = $1 and at >= $2 group by 1
   )
   select head.*, gaps.*, sums.* from head cross join gaps left join sums on true order by bucket`,
)

type Head = Record<AgentStatus, number> & { event_seq: number; gap_at: Time | null; counted_seq: number }
type SumRow = Record<(typeof counts)[number] | `${AgentStatus}_change`, number> & {
  bucket: Time | null
  cost_incurred: Money
}
type NoSums = { bucket: null; events: null }

/** Oldest bucket first. `since`: the numbers are complete from then on, at the earliest from `from`. Undefined for an unknown project. */
export async function readActivity(
  sql: Sql,
  { project_id, now, ...range }: ActivityRange & { project_id: string; now: Time },
): Promise<{ data: ActivityBucket[]; since: Time } | undefined> {
  const values = [project_id, range.from, range.to, range.step]
  const rows = await sql.run<Head & (SumRow | NoSums)>(read, values)
  const [head] = rows
  if (!head) return undefined
  const since = sinceOf(head, range.from, now)
  const sums: ActivitySum[] = []
  let later = toCounts(() => 0)
  for (const row of rows) {
    if (row.events === null) continue
    const { bucket, events, tasks_completed, tokens_used, cost_incurred } = row
    const statuses = toCounts((status) => row[`${status}_change`])
    if (bucket === null) later = statuses
    else sums.push({ at: bucket, events, tasks_completed, tokens_used, cost_incurred, statuses })
  }
  return {
    data: toBuckets(range, { sums, current: toCounts((status) => head[status]), later, since, now }),
    since,
  }
}

function sinceOf({ event_seq, counted_seq, gap_at }: Head, from: Time, now: Time): Time {
  if (counted_seq !== event_seq) return now
  if (!gap_at) return from
  const complete = new Date(Date.parse(gap_at) + ACTIVITY_SECONDS * 1_000).toISOString()
  return complete > from ? complete : from
}

function toCounts(count: (status: AgentStatus) => number): StatusCounts {
  return Object.fromEntries(agentStatuses.map((status) => [status, count(status)])) as StatusCounts
}

const forget = statement(
  'forget_activity',
  `delete from activity where ctid in (
     select old.ctid from projects p cross join lateral (
       select r.ctid from activity r where r.project_id = p.id and r.at < now() - make_interval(secs => $1) limit $2
     ) old limit $2
   ) returning 1 as forgotten`,
)

/** Deletes up to `limit` rows that are older than `seconds`; returns how many. */
export async function forgetActivity(sql: Sql, seconds: number, limit: number): Promise<number> {
  return (await sql.run(forget, [seconds, limit])).length
}

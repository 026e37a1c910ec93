import { refuse } from '#src/domain/errors.ts'
import type { Selector } from '#src/domain/selector.ts'
import type { Time } from '#src/domain/time.ts'
import { type Bucket, type UsageGroup, type UsageSum, type Used, usageCounts } from '#src/domain/usage.ts'
import { MAX_USAGE_ROWS } from './bounds.ts'
import { bucketOf, firstInstant } from './calendar.ts'
import { type Sql, type Statement, statement, type Transaction } from './database.ts'
import { isUnknownParameter } from './failures.ts'
import { planned, selectorMatches, toSelectorValues } from './selector.ts'

/** What an agent used of one model in one quarter-hour. */
export type UsageRow = Used & { project_id: string; agent_id: string; quarter: Time }

const columns = [
  'project_id',
  'quarter',
  'agent_id',
  'model',
  'provider',
  ...usageCounts,
  'cost_incurred',
].join(', ')
const record = `project_id uuid, quarter timestamptz, agent_id uuid, model text, provider text,
  ${usageCounts.map((count) => `${count} bigint`).join(', ')}, cost_incurred numeric`

// Neither side of a sum is above the largest exact number, so the sum of two is a bigint.
const sums = usageCounts.map(
  (count) => `${count} = least(u.${count} + excluded.${count}, ${Number.MAX_SAFE_INTEGER})`,
)

const add = statement(
  'add_usage',
  `insert into usage as u (${columns}) select ${columns} from json_to_recordset($1::json) as d(${record})
   on conflict (project_id, quarter, agent_id, model, provider)
   do update set ${sums.join(', ')}, cost_incurred = u.cost_incurred + excluded.cost_incurred`,
)

/** Adds rows, each with a key of its own, in the same round trip as the commit. Their agents are locked. */
export function addUsage(sql: Transaction, rows: readonly UsageRow[]): void {
  if (rows.length > 0) sql.send(add, [JSON.stringify(rows)])
}

const summed = usageCounts.map((count) => `sum(u.${count})::float8 as ${count}`).join(', ')

/** By quarter-hours in $2 to $3, in buckets $4 of the time zone $5, for the selector $6 and $7. */
function sumsBy(name: string, group: string): Statement {
  return statement(
    `usage_by_${name}`,
    `with sums as (
       select ${bucketOf('u.quarter', '$4', '$5')} as bucket, ${group} as "group",
         ${summed}, sum(u.cost_incurred)::numeric(30, 4) as cost_incurred
       from usage u join agents a on a.id = u.agent_id
       where u.project_id = $1 and u.quarter >= $2 and u.quarter < $3 and ${selectorMatches(6, 'a.labels')}
       group by 1, 2
     )
     select ${firstInstant('bucket', '$4', '$5')} as bucket, "group", ${usageCounts.join(', ')}, cost_incurred
     from sums order by sums.bucket, "group" collate "C" limit ${MAX_USAGE_ROWS + 1}`,
  )
}

const inAll = sumsBy('bucket', 'null::text')
const byLabel = sumsBy('label', 'a.labels->>$8::text')
const byGroup: Record<UsageGroup, Statement> = {
  agent: sumsBy('agent', 'u.agent_id::text'),
  agent_type: sumsBy('agent_type', 'a.agent_type_slug'),
  model: sumsBy('model', "nullif(u.model, '')"),
  provider: sumsBy('provider', "nullif(u.provider, '')"),
}

export type UsageQuestion = {
  project_id: string
  from: Time
  to: Time
  bucket: Bucket
  timezone: string
  by?: UsageGroup | { label: string } | undefined
  selector: Selector
}

/** Oldest bucket first, groups by name. Refuses with `invalid` too many rows, or a time zone that is not known here. */
export async function readUsage(
  sql: Sql,
  { project_id, from, to, bucket, timezone, by, selector }: UsageQuestion,
): Promise<UsageSum[]> {
  const values = [project_id, from, to, bucket, timezone, ...toSelectorValues(selector)]
  const isByLabel = typeof by === 'object'
  const chosen = isByLabel ? byLabel : by ? byGroup[by] : inAll
  const asked = sql.run<UsageSum>(planned(chosen, { selector }), isByLabel ? [...values, by.label] : values)
  const rows = await asked.catch((error: unknown) => {
    if (isUnknownParameter(error)) throw refuse('invalid', 'The database has no such time zone', 'timezone')
    throw error
  })
  if (rows.length <= MAX_USAGE_ROWS) return rows
  const limit = MAX_USAGE_ROWS.toLocaleString('en-US')
  throw refuse('invalid', `More than ${limit} rows: ask for less time, longer buckets or fewer groups`)
}

// Project by project, as the key's index is: no other index has to grow with each report.
const forget = statement(
  'forget_usage',
  `delete from usage where ctid in (
     select old.ctid from projects p cross join lateral (
       select u.ctid from usage u where u.project_id = p.id and u.quarter < now() - make_interval(secs => $1) limit $2
     ) old limit $2
   ) returning 1 as forgotten`,
)

/** Deletes up to `limit` rows that are older than `seconds`; returns how many. */
export async function forgetUsage(sql: Sql, seconds: number, limit: number): Promise<number> {
  return (await sql.run(forget, [seconds, limit])).length
}

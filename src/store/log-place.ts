import type { Time } from '#src/domain/time.ts'
import { type Sql, statement } from './database.ts'

/** What is kept of a project's log, and the place in it that was asked for. `oldest` is newest + 1 where nothing is kept. */
export type LogPlace = {
  oldest: number
  newest: number
  oldest_at: Time | null
  seq: number
  at: Time | null
}

// Numbers have no gap and times never go back, so a binary search in the key finds the last event up to a time.
const find = statement(
  'log_place',
  `with recursive kept as (
     select p.event_seq as newest, coalesce((select min(seq) from events e where e.project_id = p.id), p.event_seq + 1) as oldest
     from projects p where p.id = $1
   ), search (low, high) as (
     select oldest - 1, newest from kept
     union all
     select case when e.at <= $2::timestamptz then middle else low end,
       case when e.at <= $2::timestamptz then high else middle - 1 end
     from (select low, high, (low + high + 1) / 2 as middle from search where low < high and $2::timestamptz is not null) half
     join events e on e.project_id = $1 and e.seq = half.middle
   )
   select oldest, newest, (select at from events where project_id = $1 and seq = oldest) as oldest_at,
     place.seq, (select at from events e where project_id = $1 and e.seq = place.seq) as at
   from kept, lateral (
     select coalesce($3::bigint, case when $2::timestamptz is null then newest
       else (select low from search order by high - low limit 1) end) as seq
   ) place`,
)

/** The place of a number, or of the last event up to a time, or else the end. Undefined for an unknown project. */
export async function findLogPlace(
  sql: Sql,
  project_id: string,
  { time, seq }: { time?: Time | undefined; seq?: number | undefined },
): Promise<LogPlace | undefined> {
  return (await sql.run<LogPlace>(find, [project_id, time ?? null, seq ?? null]))[0]
}

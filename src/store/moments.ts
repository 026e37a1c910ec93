import { LOWEST_ID } from '#src/domain/id.ts'
import type { Time } from '#src/domain/time.ts'
import { summaryJsonColumns } from './agent-json.ts'
import { type Sql, statement } from './database.ts'

/** The newest event of an agent up to the moment is in the index `events_by_agent`; the row itself does for an agent that has not changed since. */
const ofAgent = `e.project_id = $1 and (e.frame #>> '{agent,id}')::uuid = a.id and a.seq > $2`

const read = statement(
  'agents_at',
  `select id, json, is_exact, is_last from (
     select *, sum(octet_length(json)) over before as bytes, count(*) over before as place, lead(id) over before is null as is_last
     from (
       select a.id, case
           when a.seq <= $2 then (select row_to_json(s)::text from (select ${summaryJsonColumns} from agents where id = a.id) s)
           when known.frame is not null then known.frame->>'agent'
           when later.frame->>'name' = 'agent.spawned' then null
           else ((later.frame->'agent')::jsonb
             || jsonb_build_object('status', coalesce(later.frame->>'from', later.frame #>> '{agent,status}')))::text
         end as json,
         a.seq <= $2 or known.frame is not null as is_exact
       from (
         select id, seq from agents where project_id = $1 and id > $4 and created_at <= $3 order by id limit $5 + 1
       ) a
       left join lateral (
         select frame from events e where ${ofAgent} and e.seq <= $2 order by e.seq desc limit 1
       ) known on true
       left join lateral (
         select frame from events e where known.frame is null and ${ofAgent} and e.seq > $2 order by e.seq limit 1
       ) later on true
     ) agents window before as (order by id rows between unbounded preceding and 1 preceding)
   ) sized where place < $5 and (bytes is null or bytes < $6) order by id`,
)

export type MomentRange = {
  project_id: string
  /** The number of the newest event up to the moment. */
  seq: number
  at: Time
  after: string | undefined
  limit: number
  max_bytes: number
}

/** The agents as they were, by id, each as JSON with `is_exact`; `next`: where they continue. */
export async function readAgentsAt(
  sql: Sql,
  { project_id, seq, at, after = LOWEST_ID, limit, max_bytes }: MomentRange,
): Promise<{ json: string; next: string | null }> {
  type Row = { id: string; json: string | null; is_exact: boolean; is_last: boolean }
  const rows = await sql.run<Row>(read, [project_id, seq, at, after, limit, max_bytes])
  const shown = rows.flatMap(({ json, is_exact }) =>
    json === null ? [] : `{"agent":${json},"is_exact":${is_exact}}`,
  )
  const last = rows.at(-1)
  return { json: `[${shown.join(',')}]`, next: !last || last.is_last ? null : last.id }
}

import type { Actor } from '#src/domain/actor.ts'
import { MAX_SEARCHED_EVENTS } from './bounds.ts'
import { type Sql, type Statement, statement } from './database.ts'
import { readFrame } from './event-frame.ts'

/** Where people look for text. */
const texts = [
  '{agent,name}',
  '{agent,current_task}',
  '{agent,agent_type_name}',
  '{agent,external_id}',
  '{agent,labels}',
  '{signal,reason}',
  '{signal,payload}',
  '{request,message}',
  '{hold,reason}',
  '{budget,name}',
]
const text = `concat_ws(' ', ${texts.map((path) => `frame #>> '${path}'`).join(', ')})`

/** By the key of the log, or by the index `events_by_agent`. */
const ofAgent = `and (e.frame #>> '{agent,id}')::uuid = $8::uuid`

// The text of the whole event is looked at first, because taking it apart costs more.
const matches = `($3::text[] is null or frame->>'name' = any($3::text[]))
  and ($4::text is null or frame->'actor'->>'kind' = $4::text)
  and ($5::text is null or case when frame::text ilike $6::text then ${text} ilike $5::text else false end)`

function search(name: string, direction: 'back' | 'on', isOfAgent: boolean): Statement {
  const [compare, order] = direction === 'back' ? ['<', 'desc'] : ['>', 'asc']
  const inOrder = `order by seq ${order}`
  return statement(
    name,
    `select seq, frame, epoch from (
       select seq, frame, epoch,
         sum(octet_length(frame::text)) over (${inOrder} rows between unbounded preceding and 1 preceding) as before
       from (
         select seq, frame, epoch from (
           select e.seq, e.frame, p.epoch from events e join projects p on p.id = e.project_id
           where e.project_id = $1 and e.seq ${compare} $2 ${isOfAgent ? ofAgent : 'and $8::uuid is null'}
           order by e.seq ${order} limit ${MAX_SEARCHED_EVENTS}
         ) looked_at where ${matches} ${inOrder} limit $7
       ) limited
     ) sized where before is null or before < $9 ${inOrder}`,
  )
}

function end(name: string, direction: 'back' | 'on', isOfAgent: boolean): Statement {
  const [compare, order] = direction === 'back' ? ['<', 'desc'] : ['>', 'asc']
  return statement(
    name,
    `select e.seq from events e where e.project_id = $1 and e.seq ${compare} $2
       ${isOfAgent ? ofAgent.replace('$8', '$3') : 'and $3::uuid is null'}
     order by e.seq ${order} offset ${MAX_SEARCHED_EVENTS - 1} limit 1`,
  )
}

const statements = {
  back: {
    all: { search: search('search_back', 'back', false), end: end('search_back_end', 'back', false) },
    agent: {
      search: search('search_agent_back', 'back', true),
      end: end('search_agent_back_end', 'back', true),
    },
  },
  on: {
    all: { search: search('search_on', 'on', false), end: end('search_on_end', 'on', false) },
    agent: { search: search('search_agent_on', 'on', true), end: end('search_agent_on_end', 'on', true) },
  },
}

export type EventQuestion = {
  project_id: string
  direction: 'back' | 'on'
  /** Events before this number, or after it. */
  from: number
  names: readonly string[] | undefined
  agent_id: string | undefined
  actor: Actor['kind'] | undefined
  text: string | undefined
  limit: number
  max_bytes: number
}

/**
 * The events that match, oldest first. It looks at a limited number of them: `end` is the last one that it has looked at, and
 * undefined at the end of the log.
 */
export async function searchEvents(
  sql: Sql,
  { project_id, direction, from, names, agent_id, actor, text, limit, max_bytes }: EventQuestion,
): Promise<{ frames: string[]; end: number | undefined }> {
  const chosen = statements[direction][agent_id === undefined ? 'all' : 'agent']
  const rows = await sql.run<{ seq: number; frame: string; epoch: number }>(chosen.search, [
    project_id,
    from,
    names ?? null,
    actor ?? null,
    text ? `%${escapeLike(text)}%` : null,
    text ? `%${escapeLike(JSON.stringify(text).slice(1, -1))}%` : null,
    limit,
    agent_id ?? null,
    max_bytes,
  ])
  const frames = rows.map(({ frame, epoch }) => readFrame(frame, epoch).frame)
  const size = frames.reduce((sum, frame) => sum + Buffer.byteLength(frame), 0)
  const isFull = rows.length === limit || size >= max_bytes
  const last = rows.at(-1)
  if (direction === 'back') frames.reverse()
  if (isFull && last) return { frames, end: last.seq }
  const [looked] = await sql.run<{ seq: number }>(chosen.end, [project_id, from, agent_id ?? null])
  return { frames, end: looked?.seq }
}

const escapeLike = (text: string) => text.replaceAll(/[\\%_]/g, '\\$&')

import type { AgentState, Time } from '#src/domain/agent.ts'
import type { Actor, EventDetail } from '#src/domain/events.ts'
import type { SignalRecord } from '#src/domain/signal.ts'
import { agentAssignments, agentColumns, agentRecord } from './agents.ts'
import { type Sql, statement, type Transaction } from './database.ts'
import { withEpoch } from './frame-epoch.ts'
import { signalColumns, signalRecord } from './signals.ts'

/** Where a project's log ends. A seq stands for one event only within an epoch. */
export type LogHead = { epoch: number; newest: number }

/** One committed event: its place in the log and the event object of the wire contract, as JSON. */
export type LoggedEvent = {
  project_id: string
  epoch: number
  seq: number
  frame: string
  /** The trace that it is a part of, where that is recorded; not in the log. */
  traceparent?: string | undefined
  /** Of an event that this process committed, for metrics alone; neither is ever sent anywhere. */
  told?: ToldEvent
  /** By `performance.now()`. */
  committed_at?: number
}

/** What an event says, before it is text. */
export type ToldEvent = EventDetail & { actor: Actor['kind'] }

export type ProjectHead = {
  id: string
  name: string
  slug: string
  event_seq: number
  event_at: Time | null
  epoch: number
}

const lockHeads = statement(
  'lock_projects',
  `select id, name, slug, event_seq, event_at, epoch from projects
   where id = any($1::uuid[]) order by id for no key update`,
)

/** Locks the projects' numbering, after the agents. The lock is held to the commit, so seq order is commit order. */
export async function lockProjects(sql: Sql, ids: readonly string[]): Promise<Map<string, ProjectHead>> {
  const rows = await sql.run<ProjectHead>(lockHeads, [ids])
  return new Map(rows.map((row) => [row.id, row]))
}

/** Everything that one transaction changes about agents. */
export type Writes = {
  spawned: readonly AgentState[]
  changed: readonly (Omit<AgentState, 'short_term_memory'> & { short_term_memory: unknown })[]
  events: readonly (LoggedEvent & { at: Time })[]
  issued: readonly SignalRecord[]
  /** Kept signals, as they are from now on. */
  signals: readonly SignalRecord[]
  /** Agents whose earlier control signals, apart from `signals`, are superseded by a new one. */
  superseded: readonly string[]
  heads: readonly Pick<ProjectHead, 'id' | 'event_seq' | 'event_at'>[]
}

// The ids stand there twice, since from JSON alone the planner expects a hundred rows, and scans the table.
const write = statement(
  'write_changes',
  `with changed as (
     update agents a set ${agentAssignments} from json_to_recordset($1::json) as d(${agentRecord})
     where a.id = d.id and a.id = any($8::uuid[])
   ), spawned as (
     insert into agents (${agentColumns}) select ${agentColumns} from json_to_recordset($2::json) as d(${agentRecord})
   ), logged as (
     insert into events (project_id, seq, at, frame)
     select project_id, seq, at, frame
     from json_to_recordset($3::json) as d(project_id uuid, seq bigint, at timestamptz, frame json)
   ), superseded as (
     update signals set outcome = 'superseded'
     where agent_id = any($4::uuid[]) and outcome is null and kind <> 'message'
       and id not in (select id from json_to_recordset($6::json) as d(id uuid))
   ), issued as (
     insert into signals (${signalColumns}) select ${signalColumns} from json_to_recordset($5::json) as d(${signalRecord})
   ), told as (
     update signals s set attempt = d.attempt, delivered_at = d.delivered_at, acknowledged_at = d.acknowledged_at,
       outcome = d.outcome, detail = d.detail, overdue_at = d.overdue_at
     from json_to_recordset($6::json) as d(${signalRecord})
     where s.id = d.id and s.id = any($9::uuid[])
   )
   update projects p set event_seq = d.event_seq, event_at = d.event_at
   from json_to_recordset($7::json) as d(id uuid, event_seq bigint, event_at timestamptz) where p.id = d.id`,
)

/** Writes the agents, the events that tell of them and the signals that they issue: one statement, with the commit. */
export function writeChanges(sql: Transaction, writes: Writes): void {
  sql.send(write, [
    JSON.stringify(writes.changed),
    JSON.stringify(writes.spawned),
    // The frames are JSON already, and are kept to the letter.
    `[${writes.events.map(toEventRecord).join(',')}]`,
    writes.superseded,
    JSON.stringify(writes.issued),
    JSON.stringify(writes.signals.map((signal) => ({ ...signal, payload: null }))),
    JSON.stringify(writes.heads),
    writes.changed.map((agent) => agent.id),
    writes.signals.map((signal) => signal.id),
  ])
}

function toEventRecord({ project_id, seq, at, frame }: LoggedEvent & { at: Time }): string {
  return `{"project_id":"${project_id}","seq":${seq},"at":"${at}","frame":${frame}}`
}

/** What one reading of the log takes: it ends with the event that reaches this. A frame may have some 200 KB. */
export const MAX_READ_BYTES = 1024 * 1024

// The window is over the limited rows alone, which come in order by the key.
const readAfter = statement(
  'read_events',
  `select project_id, seq, frame, epoch from (
     select project_id, seq, frame, epoch,
       sum(octet_length(frame::text)) over (order by seq rows between unbounded preceding and 1 preceding) as before
     from (
       select e.project_id, e.seq, e.frame, p.epoch from events e join projects p on p.id = e.project_id
       where e.project_id = $1 and e.seq > $2 order by e.seq limit $3
     ) limited
   ) sized where before is null or before < $4 order by seq`,
)

export type LogRange = { project_id: string; after: number; limit: number; max_bytes?: number }

/**
 * The log after `after`, oldest first, all in the project's epoch of now: up to `limit` events, fewer where they are
 * large, but one where there is one. Reading only forwards, so it never misses what commits meanwhile.
 */
export async function readEvents(
  sql: Sql,
  { project_id, after, limit, max_bytes = MAX_READ_BYTES }: LogRange,
): Promise<LoggedEvent[]> {
  const events = await sql.run<LoggedEvent>(readAfter, [project_id, after, limit, max_bytes])
  return events.map((event) => ({ ...event, frame: withEpoch(event.frame, event.epoch) }))
}

const bounds = statement(
  'log_bounds',
  `select p.epoch, p.event_seq as newest,
     coalesce((select min(seq) from events e where e.project_id = p.id), p.event_seq + 1) as oldest
   from projects p where p.id = $1`,
)

/** The end of a project's log, and the oldest number that is still kept (newest + 1 when none is). */
export async function readLogBounds(
  sql: Sql,
  project_id: string,
): Promise<(LogHead & { oldest: number }) | undefined> {
  return (await sql.run<LogHead & { oldest: number }>(bounds, [project_id]))[0]
}

const heads = statement(
  'log_heads',
  'select id, epoch, event_seq as newest from projects where id = any($1::uuid[])',
)

/** The end of each of several logs: one statement for the tail check. */
export async function readLogHeads(sql: Sql, project_ids: readonly string[]): Promise<Map<string, LogHead>> {
  const rows = await sql.run<LogHead & { id: string }>(heads, [project_ids])
  return new Map(rows.map(({ id, ...head }) => [id, head]))
}

import type { Actor } from '#src/domain/actor.ts'
import type { AgentState } from '#src/domain/agent.ts'
import type { EventDetail, EventName } from '#src/domain/events.ts'
import type { SignalRecord } from '#src/domain/signal.ts'
import type { Time } from '#src/domain/time.ts'
import type { Used } from '#src/domain/usage.ts'
import { agentAssignments, agentColumns, agentRecord } from './agents.ts'
import { MAX_READ_BYTES } from './bounds.ts'
import { type Sql, statement, type Transaction } from './database.ts'
import { type EventHead, readFrame } from './event-frame.ts'
import { signalColumns, signalRecord, toSignalRow } from './signals.ts'

/** Where a project's log ends. A seq identifies an event only within an epoch. */
export type LogHead = { epoch: number; newest: number }

/** One committed event: its place in the log, and the event object of the wire contract as JSON. */
export type LoggedEvent = EventHead & {
  project_id: string
  seq: number
  frame: string
  /** The trace that the event is a part of, if that is recorded. The log does not keep it. */
  traceparent?: string | undefined
  /**
   * What this process committed, for metrics alone; it is never sent anywhere. An event that is published for those before
   * it, too, has the details of all.
   */
  eventDetails?: readonly EventSummary[]
  /** By `performance.now()`; only this process's events have it. */
  committed_at?: number
}

/** What an event says, before it is text, how many events say the same, and the usage that came with them. */
export type EventSummary = Omit<EventDetail, 'name'> & {
  name: EventName
  actor: Actor['kind']
  times: number
  used?: Used | undefined
}

export type ProjectHead = {
  id: string
  name: string
  slug: string
  event_seq: number
  event_at: Time | null
  epoch: number
  agent_limit: number
  budget_count: number
  /** Agents that are not terminated; null: nobody has counted them since the newest event. */
  live_agents: number | null
  /** Holds that stand. */
  active_holds: number
}

// A server of the release before writes events without counting, so a count holds only with the number of its event.
const lockHeads = statement(
  'lock_projects',
  `select id, name, slug, event_seq, event_at, epoch, agent_limit, active_holds, budget_count,
     case when live_agents_seq = event_seq then live_agents end as live_agents
   from projects
   where id = any($1::uuid[]) order by id for no key update`,
)

/** Locks the projects' numbering, after the agents. The lock is held to the commit, so seq order is commit order. */
export async function lockProjects(sql: Sql, ids: readonly string[]): Promise<Map<string, ProjectHead>> {
  const rows = await sql.run<ProjectHead>(lockHeads, [ids])
  return new Map(rows.map((row) => [row.id, row]))
}

const countLive = statement(
  'count_live_agents_of',
  `select p.id, count(a.id) as live_agents
   from projects p left join agents a on a.project_id = p.id and a.status <> 'terminated'
   where p.id = any($1::uuid[]) group by p.id`,
)

/** Counts the live agents of locked projects. */
export function countLiveAgents(
  sql: Sql,
  project_ids: readonly string[],
): Promise<{ id: string; live_agents: number }[]> {
  return sql.run(countLive, [project_ids])
}

/** Everything that one transaction changes about agents. */
export type Writes = {
  spawned: readonly AgentState[]
  changed: readonly (Omit<AgentState, 'short_term_memory'> & { short_term_memory: unknown })[]
  events: readonly LoggedEvent[]
  issued: readonly SignalRecord[]
  /** Existing signals, in their new state. */
  signals: readonly SignalRecord[]
  /** Agents with a new control signal, which supersedes their earlier ones except those in `signals`. */
  superseded: readonly string[]
  heads: readonly Pick<ProjectHead, 'id' | 'event_seq' | 'event_at' | 'live_agents'>[]
}

// The ids are given twice: from JSON alone the planner expects a hundred rows, and scans the table.
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
     where agent_id = any($4::uuid[]) and outcome is null and kind not in ('message', 'answer')
       and id not in (select id from json_to_recordset($6::json) as d(id uuid))
   ), issued as (
     insert into signals (${signalColumns}) select ${signalColumns} from json_to_recordset($5::json) as d(${signalRecord})
   ), updated as (
     update signals s set attempt = d.attempt, delivered_at = d.delivered_at, acknowledged_at = d.acknowledged_at,
       outcome = d.outcome, detail = d.detail, overdue_at = d.overdue_at, fetched_at = d.fetched_at
     from json_to_recordset($6::json) as d(${signalRecord})
     where s.id = d.id and s.id = any($9::uuid[])
   )
   update projects p set event_seq = d.event_seq, event_at = d.event_at,
     live_agents = d.live_agents, live_agents_seq = d.event_seq
   from json_to_recordset($7::json) as d(id uuid, event_seq bigint, event_at timestamptz, live_agents int)
   where p.id = d.id`,
)

/** Writes the agents, their events and their signals in one statement, which is sent with the commit. */
export function writeChanges(sql: Transaction, writes: Writes): void {
  sql.send(write, [
    JSON.stringify(writes.changed),
    JSON.stringify(writes.spawned),
    // The frames are JSON already, and must be kept to the letter.
    `[${writes.events.map(toEventRecord).join(',')}]`,
    writes.superseded,
    JSON.stringify(writes.issued.map(toSignalRow)),
    JSON.stringify(writes.signals.map((signal) => ({ ...toSignalRow(signal), payload: null }))),
    JSON.stringify(writes.heads),
    writes.changed.map((agent) => agent.id),
    writes.signals.map((signal) => signal.id),
  ])
}

function toEventRecord({ project_id, seq, at, frame }: LoggedEvent): string {
  return `{"project_id":"${project_id}","seq":${seq},"at":"${at}","frame":${frame}}`
}

// The window covers only the limited rows, which the key's index returns in order.
const readAfter = statement(
  'read_events',
  `select seq, frame, epoch from (
     select seq, frame, epoch,
       sum(octet_length(frame::text)) over (order by seq rows between unbounded preceding and 1 preceding) as before
     from (
       select e.seq, e.frame, p.epoch from events e join projects p on p.id = e.project_id
       where e.project_id = $1 and e.seq > $2 order by e.seq limit $3
     ) limited
   ) sized where before is null or before < $4 order by seq`,
)

export type LogRange = { project_id: string; after: number; limit: number; max_bytes?: number }

/**
 * The log after `after`, oldest first, all in the project's current epoch: up to `limit` events, fewer if they are large, but
 * at least one if there is one. Numbers commit in order, so reading forwards never misses an event.
 */
export async function readEvents(
  sql: Sql,
  { project_id, after, limit, max_bytes = MAX_READ_BYTES }: LogRange,
): Promise<LoggedEvent[]> {
  const values = [project_id, after, limit, max_bytes]
  const rows = await sql.run<{ seq: number; frame: string; epoch: number }>(readAfter, values)
  return rows.map(({ seq, frame, epoch }) => ({ project_id, seq, ...readFrame(frame, epoch) }))
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

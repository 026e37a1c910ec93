import type { SignalOutcome, SignalRecord } from '#src/domain/signal.ts'
import type { Time } from '#src/domain/time.ts'
import { MAX_COUNTED_SIGNALS } from './bounds.ts'
import { type Sql, statement } from './database.ts'
import { AWAITED_FETCH, OPEN_ANSWER } from './open-signals.ts'
import { type Listed, listStatements, type PageRange, readList } from './page.ts'

/** The columns of a SignalRecord, with their types where rows come in as JSON. */
const columns = {
  id: 'uuid',
  agent_id: 'uuid',
  seq: 'bigint',
  kind: 'text',
  payload: 'jsonb',
  reason: 'text',
  mode: 'text',
  issued_at: 'timestamptz',
  attempt: 'int',
  delivered_at: 'timestamptz',
  acknowledged_at: 'timestamptz',
  outcome: 'text',
  detail: 'text',
  overdue_at: 'timestamptz',
  fetched_at: 'timestamptz',
  traceparent: 'text',
} as const satisfies Record<keyof SignalRecord, string>

const names = Object.keys(columns) as (keyof SignalRecord)[]
export const signalColumns = names.join(', ')
/** Servers of the release before modes go on writing signals without one during an upgrade. */
const completeMode = `coalesce(mode, case kind when 'pause' then 'checkpoint' when 'terminate' then 'graceful' end)`
/** What to select in the place of a column. */
const readAs: Partial<Record<keyof SignalRecord, string>> = {
  mode: completeMode,
  outcome: `nullif(outcome, '${OPEN_ANSWER}')`,
}
/** For `select`. */
const readColumns = names
  .map((name) => (readAs[name] === undefined ? name : `${readAs[name]} as ${name}`))
  .join(', ')
/** For `from json_to_recordset($1) as d(…)`. */
export const signalRecord = names.map((name) => `${name} ${columns[name]}`).join(', ')

/** A signal as a row of `signalRecord`. */
export function toSignalRow(
  signal: SignalRecord,
): Omit<SignalRecord, 'outcome'> & { outcome: string | null } {
  const { kind, outcome } = signal
  return { ...signal, outcome: kind === 'answer' && outcome === null ? OPEN_ANSWER : outcome }
}

/** Each part has an index of its own. */
const openSignals = `(select * from signals where outcome is null
     union all select * from signals where outcome = '${OPEN_ANSWER}')`

const byIds = statement('read_signals', `select ${readColumns} from signals where id = any($1::uuid[])`)

export function readSignals(sql: Sql, ids: readonly string[]): Promise<SignalRecord[]> {
  return sql.run<SignalRecord>(byIds, [ids])
}

const next = statement(
  'find_next_signal',
  `select s.id, s.fetched_at from agents a left join lateral (
     select id, fetched_at from ${openSignals} o where o.agent_id = a.id
     order by coalesce(fetched_at > $3, false), case when fetched_at > $3 then fetched_at end, seq limit 1
   ) s on true
   where a.id = $1 and a.project_id = $2`,
)

/**
 * The oldest open signal that was not fetched after a time. Without one, the open signal whose last fetch is longest ago.
 * Nulls: none is open. Undefined: no such agent.
 */
export async function findNextSignal(
  sql: Sql,
  { agent_id, project_id }: { agent_id: string; project_id: string },
  after: Time,
): Promise<(Pick<SignalRecord, 'fetched_at'> & { id: string | null }) | undefined> {
  return (
    await sql.run<{ id: string | null; fetched_at: Time | null }>(next, [agent_id, project_id, after])
  )[0]
}

const overdueFetches = statement(
  'list_overdue_fetches',
  `select s.id, s.agent_id, a.project_id from signals s join agents a on a.id = s.agent_id
   where ${AWAITED_FETCH} and s.fetched_at <= now() - make_interval(secs => $3)
     and a.project_id <> all($2::uuid[])
   order by s.fetched_at limit $1`,
)

/** Orders that were fetched over HTTP this long ago and are not acknowledged, where no event has said so yet. */
export function listOverdueFetches(
  sql: Sql,
  { limit, except, seconds }: { limit: number; except: readonly string[]; seconds: number },
): Promise<{ id: string; agent_id: string; project_id: string }[]> {
  return sql.run(overdueFetches, [limit, except, seconds])
}

const open = statement(
  'open_signals',
  `select s.* from unnest($1::uuid[], $2::bigint[]) as wanted(id, position)
   cross join lateral (
     select ${readColumns} from ${openSignals} o
     where agent_id = wanted.id and seq > wanted.position order by seq limit $3
   ) s order by s.agent_id, s.seq`,
)

/** The unacknowledged signals of several agents, each after a position, oldest first. */
export function readOpenSignals(
  sql: Sql,
  wanted: readonly { agent_id: string; position: number }[],
  limit: number,
): Promise<SignalRecord[]> {
  return sql.run<SignalRecord>(open, [
    wanted.map(({ agent_id }) => agent_id),
    wanted.map(({ position }) => position),
    limit,
  ])
}

export type OpenSignals = { pending: number; delivered: number; overdue: number }

// A signal counts as overdue only while the runtime is connected, or if it was fetched over HTTP.
// The index has only open signals, so the cost grows with those, up to the bound.
const openCounts = statement(
  'count_open_signals',
  `select count(*) filter (where delivered_at is null and not is_overdue) as pending,
     count(*) filter (where delivered_at is not null and not is_overdue) as delivered,
     count(*) filter (where is_overdue) as overdue
   from (
     select delivered_at,
       overdue_at is not null
       and (fetched_at is not null or (select runtime_connected from agents a where a.id = agent_id)) as is_overdue
     from ${openSignals} o limit ${MAX_COUNTED_SIGNALS}
   ) s`,
)

/** How many signals wait to be acknowledged, of all agents; at most MAX_COUNTED_SIGNALS of them are looked at. */
export async function countOpenSignals(sql: Sql): Promise<OpenSignals> {
  const [counts] = await sql.run<OpenSignals>(openCounts)
  return counts ?? { pending: 0, delivered: 0, overdue: 0 }
}

/** A signal as REST lists it. */
export type SignalDetails = Omit<
  SignalRecord,
  'seq' | 'issued_at' | 'overdue_at' | 'fetched_at' | 'outcome' | 'traceparent'
> & {
  created_at: string
  outcome: SignalOutcome | null
}

export function toSignalDetails({
  seq: _,
  issued_at,
  overdue_at: __,
  fetched_at: ___,
  traceparent: ____,
  ...signal
}: SignalRecord): SignalDetails {
  return { ...signal, created_at: issued_at }
}

const list = listStatements('list_signals', {
  alias: 's',
  from: 'signals s where agent_id = $1',
  parameters: 1,
  columns: readColumns,
  newest: { by: 'seq', type: 'bigint', id: 'id' },
})

/** An agent's signals, newest first. */
export function listSignals(sql: Sql, agent_id: string, range: PageRange): Promise<Listed<SignalRecord>> {
  return readList<SignalRecord>(sql, list, { values: [agent_id], ...range })
}

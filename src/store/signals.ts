import type { SignalOutcome, SignalRecord } from '#src/domain/signal.ts'
import { type Sql, statement } from './database.ts'
import { type PageRange, pageStatement, readPage } from './page.ts'

/** The columns of a SignalRecord, with their types where rows come in as JSON. */
const columns = {
  id: 'uuid',
  agent_id: 'uuid',
  seq: 'bigint',
  kind: 'text',
  payload: 'jsonb',
  reason: 'text',
  issued_at: 'timestamptz',
  attempt: 'int',
  delivered_at: 'timestamptz',
  acknowledged_at: 'timestamptz',
  outcome: 'text',
  detail: 'text',
  overdue_at: 'timestamptz',
  traceparent: 'text',
} as const satisfies Record<keyof SignalRecord, string>

const names = Object.keys(columns) as (keyof SignalRecord)[]
export const signalColumns = names.join(', ')
/** For `from json_to_recordset($1) as d(…)`. */
export const signalRecord = names.map((name) => `${name} ${columns[name]}`).join(', ')

const byIds = statement('read_signals', `select ${signalColumns} from signals where id = any($1::uuid[])`)

export function readSignals(sql: Sql, ids: readonly string[]): Promise<SignalRecord[]> {
  return sql.run<SignalRecord>(byIds, [ids])
}

const open = statement(
  'open_signals',
  `select s.* from unnest($1::uuid[], $2::bigint[]) as wanted(id, position)
   cross join lateral (
     select ${signalColumns} from signals
     where agent_id = wanted.id and seq > wanted.position and outcome is null order by seq limit $3
   ) s order by s.agent_id, s.seq`,
)

/** Of each of several agents the signals after a position that nobody has acknowledged, oldest first. */
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

const MAX_COUNTED = 100_000

export type OpenSignals = { pending: number; delivered: number; overdue: number }

// The index of open signals has no others in it, so this costs what is open, up to the bound.
const openCounts = statement(
  'count_open_signals',
  `select count(*) filter (where overdue_at is null and delivered_at is null) as pending,
     count(*) filter (where overdue_at is null and delivered_at is not null) as delivered,
     count(*) filter (where overdue_at is not null) as overdue
   from (select delivered_at, overdue_at from signals where outcome is null limit ${MAX_COUNTED}) s`,
)

/** How many signals wait to be acknowledged, of all agents; at most MAX_COUNTED of them are looked at. */
export async function countOpenSignals(sql: Sql): Promise<OpenSignals> {
  const [counts] = await sql.run<OpenSignals>(openCounts)
  return counts ?? { pending: 0, delivered: 0, overdue: 0 }
}

/** A signal as REST lists it. */
export type SignalDetails = Omit<
  SignalRecord,
  'seq' | 'issued_at' | 'overdue_at' | 'outcome' | 'traceparent'
> & {
  created_at: string
  outcome: SignalOutcome | null
}

export function toSignalDetails({
  seq: _,
  issued_at,
  overdue_at: __,
  traceparent: ___,
  ...signal
}: SignalRecord): SignalDetails {
  return { ...signal, created_at: issued_at }
}

const page = pageStatement('list_signals', {
  alias: 's',
  from: 'signals s where agent_id = $1',
  parameters: 1,
  columns: signalColumns,
  key: 'id',
  order: 's.seq desc',
})

/** One page of an agent's signals, newest first, and how many there are in all. */
export function listSignals(
  sql: Sql,
  agent_id: string,
  range: PageRange,
): Promise<{ rows: SignalRecord[]; total: number }> {
  return readPage<SignalRecord>(sql, page, { values: [agent_id], ...range })
}

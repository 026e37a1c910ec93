import type { SignalOutcome, SignalRecord } from '#src/domain/signal.ts'
import { type Sql, statement } from './database.ts'

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

/** A signal as REST lists it. */
export type SignalDetails = Omit<SignalRecord, 'seq' | 'issued_at' | 'overdue_at' | 'outcome'> & {
  created_at: string
  outcome: SignalOutcome | null
}

export function toSignalDetails({
  seq: _,
  issued_at,
  overdue_at: __,
  ...signal
}: SignalRecord): SignalDetails {
  return { ...signal, created_at: issued_at }
}

const page = statement(
  'list_signals',
  `select t.total, s.* from (select count(*) as total from signals where agent_id = $1) t
   left join (select ${signalColumns} from signals where agent_id = $1
              order by seq desc limit $2 offset $3) s on true order by s.seq desc`,
)

/** One page of an agent's signals, newest first, and how many there are in all. */
export async function listSignals(
  sql: Sql,
  agent_id: string,
  { limit, offset }: { limit: number; offset: number },
): Promise<{ signals: SignalRecord[]; total: number }> {
  type Row = { total: number } & (SignalRecord | { id: null })
  const rows = await sql.run<Row>(page, [agent_id, limit, offset])
  const signals = rows.filter((row): row is { total: number } & SignalRecord => row.id !== null)
  return {
    signals: signals.map(({ total: _, ...signal }) => signal as SignalRecord),
    total: rows[0]?.total ?? 0,
  }
}

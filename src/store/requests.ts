import { LOWEST_ID } from '#src/domain/id.ts'
import type { OpenRequest, RequestRecord } from '#src/domain/request.ts'
import { toRequest } from '#src/domain/request.ts'
import type { Time } from '#src/domain/time.ts'
import { MAX_LISTED_BYTES } from './bounds.ts'
import { type Sql, statement, type Transaction } from './database.ts'

/** The columns of a request, with their types where rows come in as JSON. */
const columns = {
  id: 'uuid',
  request_id: 'text',
  project_id: 'uuid',
  agent_id: 'uuid',
  agent_name: 'text',
  reason: 'text',
  message: 'text',
  tool_call: 'json',
  options: 'json',
  response_schema: 'json',
  expires_at: 'timestamptz',
  metadata: 'jsonb',
  state: 'text',
  cause: 'text',
  option: 'text',
  payload: 'jsonb',
  note: 'text',
  answered_by: 'jsonb',
  created_at: 'timestamptz',
  ended_at: 'timestamptz',
  signal_id: 'uuid',
} as const satisfies Partial<Record<keyof RequestRecord, string>>

/** `ended_seq`: the number of the event that ended it. */
export type RequestToWrite = { request: RequestRecord; ended_seq: number | null }

const names = Object.keys(columns)
const written = [...names, 'ended_seq', 'bytes'].join(', ')
const record = Object.entries({ ...columns, ended_seq: 'bigint', bytes: 'int' })
  .map(([name, type]) => `${name} ${type}`)
  .join(', ')

/** For `select`, from `requestRows`. */
export const requestColumns = `${names.map((name) => `r.${name}`).join(', ')}, s.delivered_at, s.acknowledged_at`
export const requestRows = 'requests r left join signals s on s.id = r.signal_id'

/** What keeps the order of its keys is text in the database. */
const texts = ['tool_call', 'options', 'response_schema'] as const
export type RequestRow = Omit<RequestRecord, (typeof texts)[number]> &
  Record<(typeof texts)[number], string | null>

export function toRecord(row: RequestRow): RequestRecord {
  const parse = (text: string | null) => text && JSON.parse(text)
  return {
    ...row,
    tool_call: parse(row.tool_call),
    options: parse(row.options),
    response_schema: parse(row.response_schema),
  }
}

async function read(sql: Sql, ...query: Parameters<Sql['run']>): Promise<RequestRecord[]> {
  return (await sql.run<RequestRow>(...query)).map(toRecord)
}

const byId = statement(
  'find_request',
  `select ${requestColumns} from ${requestRows} where r.id = $1 and r.project_id = $2`,
)

export async function findRequest(
  sql: Sql,
  project_id: string,
  id: string,
): Promise<RequestRecord | undefined> {
  return (await read(sql, byId, [id, project_id]))[0]
}

const byIds = statement(
  'read_requests',
  `select ${requestColumns} from ${requestRows} where r.id = any($1::uuid[])`,
)
const byName = statement(
  'read_requests_by_runtimes_id',
  `select ${requestColumns} from ${requestRows}
   where (r.agent_id, r.request_id) in (select * from unnest($1::uuid[], $2::text[]))`,
)

/** A request by its id, or by the id that its runtime gave it. */
export type RequestKey = { id: string } | { agent_id: string; request_id: string }

/** Requests whose agents the caller's transaction has locked. */
export async function readRequests(sql: Sql, keys: readonly RequestKey[]): Promise<RequestRecord[]> {
  const ids = keys.flatMap((key) => ('id' in key ? key.id : []))
  const named = keys.flatMap((key) => ('id' in key ? [] : key))
  const found = await Promise.all([
    ids.length > 0 ? read(sql, byIds, [ids]) : [],
    named.length > 0
      ? read(sql, byName, [named.map(({ agent_id }) => agent_id), named.map(({ request_id }) => request_id)])
      : [],
  ])
  return found.flat()
}

const openAfter = statement(
  'read_open_requests',
  `select ${requestColumns} from ${requestRows}
   where r.agent_id = any($1::uuid[]) and r.ended_at is null and (r.agent_id, r.created_at, r.id) > ($2, $3, $4)
   order by r.agent_id, r.created_at, r.id limit $5`,
)

/** The open requests of some agents, agent by agent, oldest first, after the last one that the caller has read. */
export function readOpenRequests(
  sql: Sql,
  agent_ids: readonly string[],
  { after, limit }: { after: RequestRecord | undefined; limit: number },
): Promise<RequestRecord[]> {
  const position = after ? [after.agent_id, after.created_at, after.id] : [LOWEST_ID, '-infinity', LOWEST_ID]
  return read(sql, openAfter, [agent_ids, ...position, limit])
}

// A row that is left out has nulls in the place of what may be large.
const listOpen = statement(
  'list_open_requests',
  `select o.agent_id as of_agent, o.id as of_id, o.request_id as of_name, o.expires_at as of_time, ${requestColumns}
   from (
     select id, agent_id, request_id, expires_at, created_at,
       sum(bytes) over (partition by agent_id order by created_at, id) <= $2 as is_whole
     from requests where agent_id = any($1::uuid[]) and ended_at is null
   ) o left join (${requestRows}) on o.is_whole and r.id = o.id
   order by o.agent_id, o.created_at, o.id`,
)

type ListedRow = { of_agent: string; of_id: string; of_name: string; of_time: Time | null } & RequestRow

/** The open requests of several agents, oldest first; those that come after MAX_LISTED_BYTES of an agent's are short. */
export async function listOpenRequests(
  sql: Sql,
  agent_ids: readonly string[],
): Promise<Map<string, OpenRequest[]>> {
  const rows = await sql.run<ListedRow>(listOpen, [agent_ids, MAX_LISTED_BYTES])
  const listed = new Map<string, OpenRequest[]>()
  for (const { of_agent, of_id, of_name, of_time, ...row } of rows) {
    const isShort = row.id === null
    const short = { id: of_id, request_id: of_name, state: 'open' as const, expires_at: of_time }
    const own = listed.get(of_agent) ?? []
    listed.set(of_agent, [...own, isShort ? short : toRequest(toRecord(row))])
  }
  return listed
}

const save = statement(
  'save_requests',
  `insert into requests (${written}) select ${written} from json_to_recordset($1::json) as d(${record})
   on conflict (id) do update set state = excluded.state, cause = excluded.cause, option = excluded.option,
     payload = excluded.payload, note = excluded.note, answered_by = excluded.answered_by,
     ended_at = excluded.ended_at, ended_seq = excluded.ended_seq, signal_id = excluded.signal_id`,
)

/** Writes new requests, and how existing ones ended, together with the commit. */
export function saveRequests(sql: Transaction, requests: readonly RequestToWrite[]): void {
  const rows = requests.map(({ request, ended_seq }) => ({ ...request, ended_seq, bytes: sizeOf(request) }))
  if (rows.length > 0) sql.send(save, [JSON.stringify(rows)])
}

function sizeOf(request: RequestRecord): number {
  return Buffer.byteLength(JSON.stringify(toRequest(request)))
}

const endOf = statement(
  'end_requests',
  `update requests r set state = d.state, cause = d.cause, ended_at = d.ended_at, ended_seq = d.ended_seq
   from json_to_recordset($1::json) as d(id uuid, state text, cause text, ended_at timestamptz, ended_seq bigint)
   where r.id = d.id and r.id = any($2::uuid[])`,
)

/** Writes how requests ended without an answer. */
export function endRequests(sql: Transaction, requests: readonly RequestToWrite[]): void {
  const rows = requests.map(({ request: { id, state, cause, ended_at }, ended_seq }) => ({
    id,
    state,
    cause,
    ended_at,
    ended_seq,
  }))
  if (rows.length > 0) sql.send(endOf, [JSON.stringify(rows), rows.map(({ id }) => id)])
}

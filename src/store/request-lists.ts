import { type Principal, type ProjectRole, roleIn, type Standing, userBehind } from '#src/domain/access.ts'
import { LOWEST_ID } from '#src/domain/id.ts'
import type { RequestRecord, RequestState } from '#src/domain/request.ts'
import { type Sql, type Statement, statement } from './database.ts'
import type { Listed, PageRange, Position } from './page.ts'
import { type RequestRow, requestColumns, requestRows, toRecord } from './requests.ts'

export type RequestFilter = {
  project_id: string
  state: RequestState | 'all'
  agent_id?: string | undefined
  reason?: string | undefined
}

/** The open ones come first, oldest first; then the ended ones, newest first. */
type Part = 'open' | 'ended'

const matches = `r.project_id = $1 and ($2::uuid is null or r.agent_id = $2) and ($3::text is null or r.reason = $3)`
const isOpen = `${matches} and r.ended_at is null`
const hasEnded = `${matches} and r.ended_at is not null and ($4::text is null or r.state = $4)`
/** A walk through all takes a request for open that ended after the walk began, so that it comes once. */
const wasOpen = `${matches} and (r.ended_at is null or r.ended_seq > $7)`

const afterOpen = '(r.created_at, r.id) > ($4::timestamptz, $5::uuid)'
const afterEnded = '(r.ended_at, r.id) < ($5::timestamptz, $6::uuid)'
const oldestFirst = 'r.created_at, r.id'
const newestFirst = 'r.ended_at desc, r.id desc'

const counting = (name: string, where: string) =>
  statement(name, `select count(*) as total from requests r where ${where}`)
const listing = (name: string, where: string, rest: string) =>
  statement(name, `select ${requestColumns} from ${requestRows} where ${where} order by ${rest}`)

const numbered = {
  open: {
    count: counting('count_requests_open', isOpen),
    page: listing('list_requests_open', isOpen, `${oldestFirst} limit $4 offset $5`),
  },
  ended: {
    count: counting('count_requests_ended', hasEnded),
    page: listing('list_requests_ended', hasEnded, `${newestFirst} limit $5 offset $6`),
  },
} as const satisfies Record<Part, { count: Statement; page: Statement }>

/** By whether the walk is through all, and then has a number as its last parameter. */
const walked = {
  open: {
    alone: listing('walk_requests_open', `${isOpen} and ${afterOpen}`, `${oldestFirst} limit $6`),
    among: listing('walk_requests_open_of_all', `${wasOpen} and ${afterOpen}`, `${oldestFirst} limit $6`),
  },
  ended: {
    alone: listing('walk_requests_ended', `${hasEnded} and ${afterEnded}`, `${newestFirst} limit $7`),
    among: listing(
      'walk_requests_ended_of_all',
      `${hasEnded} and r.ended_seq <= $8 and ${afterEnded}`,
      `${newestFirst} limit $7`,
    ),
  },
} as const satisfies Record<Part, { alone: Statement; among: Statement }>

const partsOf = (state: RequestFilter['state']): Part[] =>
  state === 'all' ? ['open', 'ended'] : state === 'open' ? ['open'] : ['ended']

function toValues(part: Part, { project_id, state, agent_id, reason }: RequestFilter): (string | null)[] {
  const values = [project_id, agent_id ?? null, reason ?? null]
  return part === 'open' ? values : [...values, state === 'all' ? null : state]
}

/** A project's requests: the open ones, those that ended in one way, or all. */
export function listRequests(
  sql: Sql,
  filter: RequestFilter,
  range: PageRange,
): Promise<Listed<RequestRecord>> {
  return 'offset' in range ? readPage(sql, filter, range) : walk(sql, filter, range)
}

async function read(sql: Sql, query: Statement, values: readonly unknown[]): Promise<RequestRecord[]> {
  return (await sql.run<RequestRow>(query, values)).map(toRecord)
}

async function readPage(
  sql: Sql,
  filter: RequestFilter,
  { limit, offset }: { limit: number; offset: number },
): Promise<Listed<RequestRecord>> {
  const rows: RequestRecord[] = []
  let total = 0
  for (const part of partsOf(filter.state)) {
    const values = toValues(part, filter)
    const [counted] = await sql.run<{ total: number }>(numbered[part].count, values)
    const skipped = Math.max(0, offset - total)
    const wanted = limit - rows.length
    if (wanted > 0) rows.push(...(await read(sql, numbered[part].page, [...values, wanted, skipped])))
    total += counted?.total ?? 0
  }
  return { rows, total }
}

const newestSeq = statement('newest_seq', 'select event_seq as seq from projects where id = $1')

/** Where a walk is: in which part, and after which request. `seq`: the last event before a walk through all began. */
type Place = { part: Part; at: string; id: string; seq: number | undefined }

const beginnings = {
  open: { at: '-infinity', id: LOWEST_ID },
  ended: { at: 'infinity', id: 'ffffffff-ffff-ffff-ffff-ffffffffffff' },
} as const satisfies Record<Part, object>

async function begin(sql: Sql, { state, project_id }: RequestFilter): Promise<Place> {
  const [part = 'open'] = partsOf(state)
  const [newest] = state === 'all' ? await sql.run<{ seq: number }>(newestSeq, [project_id]) : []
  return { part, ...beginnings[part], seq: newest?.seq }
}

function toPlace([by, id]: Position): Place {
  const [part, at = '', seq] = by.split(' ')
  return { part: part === 'ended' ? 'ended' : 'open', at, id, seq: seq ? Number(seq) : undefined }
}

function toPosition({ part, at, id, seq }: Place): Position {
  return [seq === undefined ? `${part} ${at}` : `${part} ${at} ${seq}`, id]
}

async function walk(
  sql: Sql,
  filter: RequestFilter,
  { limit, after }: { limit: number; after: Position | null },
): Promise<Listed<RequestRecord>> {
  const { seq, ...place } = after ? toPlace(after) : await begin(sql, filter)
  const rows: RequestRecord[] = []
  const places: Place[] = []
  for (const part of partsOf(filter.state)) {
    // One row more than the limit shows whether there are more.
    const wanted = limit + 1 - rows.length
    if ((part === 'open' && place.part === 'ended') || wanted === 0) continue
    const { at, id } = part === place.part ? place : beginnings[part]
    const values = [...toValues(part, filter), at, id, wanted]
    const { alone, among } = walked[part]
    const found =
      seq === undefined ? await read(sql, alone, values) : await read(sql, among, [...values, seq])
    rows.push(...found)
    places.push(...found.map((row) => placeOf(row, part, seq)))
  }
  const last = rows.length > limit ? places[limit - 1] : undefined
  return { rows: rows.slice(0, limit), next: last ? toPosition(last) : null }
}

function placeOf({ id, created_at, ended_at }: RequestRecord, part: Part, seq: number | undefined): Place {
  return { part, at: part === 'open' ? created_at : String(ended_at), id, seq }
}

const readable = `r.ended_at is null and ($2::uuid is null or p.id = $2)
  and ($3 or p.owner_id = $1 or m.user_id is not null)`
const inProjects = `join projects p on p.id = r.project_id
   left join project_members m on m.project_id = p.id and m.user_id = $1`
const inbox = (name: string, where: string, rest: string) =>
  statement(
    name,
    `select ${requestColumns}, p.name as project_name, p.owner_id, m.role as member_role
     from ${requestRows} ${inProjects} where ${readable} and ${where} order by ${oldestFirst} ${rest}`,
  )
const inboxCount = statement(
  'count_inbox',
  `select count(*) as total from requests r ${inProjects} where ${readable}`,
)
const inboxPage = inbox('list_inbox', 'true', 'limit $4 offset $5')
const inboxWalk = inbox('walk_inbox', afterOpen, 'limit $6')

/** `role`: what the principal is in the request's project. */
export type InboxEntry = { request: RequestRecord; project_name: string; role: ProjectRole | undefined }
type InboxRow = RequestRow & Omit<Standing, 'project_id'> & { project_name: string }

/** The open requests of all projects that a principal may read, oldest first. */
export async function listInbox(
  sql: Sql,
  principal: Principal,
  range: PageRange,
): Promise<Listed<InboxEntry>> {
  const { role, maker, scope } = principal
  const is_superuser = maker ? maker.is_superuser : role === 'superuser'
  const values = [userBehind(principal), scope?.project_id ?? null, is_superuser]
  const toEntry = ({ project_name, owner_id, member_role, ...row }: InboxRow): InboxEntry => {
    const standing = { project_id: row.project_id, owner_id, member_role }
    return { request: toRecord(row), project_name, role: roleIn(principal, standing) }
  }
  if ('offset' in range) {
    const [counted] = await sql.run<{ total: number }>(inboxCount, values)
    const rows = await sql.run<InboxRow>(inboxPage, [...values, range.limit, range.offset])
    return { rows: rows.map(toEntry), total: counted?.total ?? 0 }
  }
  const { limit, after } = range
  const from = after ?? [beginnings.open.at, beginnings.open.id]
  const found = await sql.run<InboxRow>(inboxWalk, [...values, ...from, limit + 1])
  const last = found.length > limit ? found[limit - 1] : undefined
  return { rows: found.slice(0, limit).map(toEntry), next: last ? [last.created_at, last.id] : null }
}

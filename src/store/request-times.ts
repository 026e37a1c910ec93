import { MAX_COUNTED_REQUESTS } from './bounds.ts'
import { type Sql, statement } from './database.ts'

export type DueRequest = { id: string; agent_id: string; project_id: string }
type Listing = { limit: number; except: readonly string[] }

const due = statement(
  'requests_to_expire',
  `select id, agent_id, project_id from requests
   where ended_at is null and expires_at <= now() and project_id <> all($2::uuid[]) order by expires_at limit $1`,
)

/** Open requests whose time is over, the longest overdue first, but none of the projects in `except`. */
export function listDueRequests(sql: Sql, { limit, except }: Listing): Promise<DueRequest[]> {
  return sql.run<DueRequest>(due, [limit, except])
}

const leftOpen = statement(
  'requests_left_open',
  `select distinct r.agent_id, r.project_id from requests r join agents a on a.id = r.agent_id
   where r.ended_at is null and a.status = 'terminated' and r.project_id <> all($2::uuid[]) limit $1`,
)

/** Terminated agents with open requests, but none of the projects in `except`. */
export function listLeftOpen(sql: Sql, { limit, except }: Listing): Promise<Omit<DueRequest, 'id'>[]> {
  return sql.run<Omit<DueRequest, 'id'>>(leftOpen, [limit, except])
}

const forget = statement(
  'forget_requests',
  `delete from requests where id in (
     select id from requests where ended_at < now() - make_interval(secs => $1) order by ended_at limit $2
   ) returning 1 as forgotten`,
)

/** Deletes up to `limit` requests that ended more than `seconds` ago; returns how many. */
export async function forgetRequests(sql: Sql, seconds: number, limit: number): Promise<number> {
  return (await sql.run(forget, [seconds, limit])).length
}

export type OpenRequests = { open: number; oldest_seconds: number }

const openCounts = statement(
  'count_open_requests',
  `select count(*) as open, coalesce(extract(epoch from now() - min(created_at)), 0)::float8 as oldest_seconds
   from (select created_at from requests where ended_at is null limit ${MAX_COUNTED_REQUESTS}) r`,
)

/** How many requests of all agents wait, and for how long the oldest one; at most MAX_COUNTED_REQUESTS are looked at. */
export async function countOpenRequests(sql: Sql): Promise<OpenRequests> {
  const [counts] = await sql.run<OpenRequests>(openCounts)
  return counts ?? { open: 0, oldest_seconds: 0 }
}

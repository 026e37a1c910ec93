import { type Database, type Sql, statement } from './database.ts'

/** A number that no other program uses on the same database, and other than that of the migrations. */
const LOCK = 7_304_522_120

const lock = statement('retention_lock', 'select pg_try_advisory_xact_lock($1::bigint) as taken')
const prune = statement(
  'retention_prune',
  `with old as (
     select project_id, seq from events where at < now() - make_interval(secs => $1) order by at, project_id, seq limit $2
   ), pruned as (
     delete from events e using old where e.project_id = old.project_id and e.seq = old.seq returning 1
   )
   select count(*) as pruned from pruned`,
)

/**
 * Deletes up to `limit` events that are older than `seconds`, in a separate transaction, so that others wait only briefly.
 * Oldest first, and one replica at a time, so that the rest of a project's log never has a hole.
 */
export function pruneEvents(database: Database, seconds: number, limit: number): Promise<number> {
  return database.transaction(async (sql) => {
    const [attempt] = await sql.run<{ taken: boolean }>(lock, [LOCK])
    if (!attempt?.taken) return 0
    const [result] = await sql.run<{ pruned: number }>(prune, [seconds, limit])
    return result?.pruned ?? 0
  })
}

const forget = statement(
  'forget_sessions',
  `delete from refresh_tokens where ctid in (select ctid from refresh_tokens where expires_at < now() limit $1)
   returning 1 as forgotten`,
)

/** Deletes up to `limit` refresh tokens that have expired; returns how many. */
export async function forgetSessions(sql: Sql, limit: number): Promise<number> {
  return (await sql.run(forget, [limit])).length
}

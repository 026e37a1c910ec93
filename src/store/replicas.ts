import { REPLICA_KEPT_SECONDS, REPLICA_LEASE_SECONDS } from './bounds.ts'
import { type Sql, statement } from './database.ts'

const beat = statement(
  'replica_beat',
  `with before as (select seen_at from replicas where id = $1),
   renewed as (
     insert into replicas (id, seen_at) values ($1, now())
     on conflict (id) do update set seen_at = excluded.seen_at
   )
   select coalesce((select seen_at > now() - make_interval(secs => $2) from before), false) as in_time`,
)

/** Renews a replica's lease. False if it had none, or it had run out: its links may have been declared lost. */
export async function renewReplica(sql: Sql, id: string): Promise<boolean> {
  return (await sql.run<{ in_time: boolean }>(beat, [id, REPLICA_LEASE_SECONDS]))[0]?.in_time ?? false
}

const lost = statement(
  'lost_links',
  `select a.id as agent_id, a.project_id, a.runtime_replica as replica
   from replicas r join agents a on a.runtime_replica = r.id
   where r.seen_at <= now() - make_interval(secs => $1) and a.project_id <> all($3::uuid[]) limit $2`,
)

export type LostLink = { agent_id: string; project_id: string; replica: string }

/** Links whose replica is gone, but none of the projects in `except`. */
export function listLostLinks(
  sql: Sql,
  { limit, except }: { limit: number; except: readonly string[] },
): Promise<LostLink[]> {
  return sql.run<LostLink>(lost, [REPLICA_LEASE_SECONDS, limit, except])
}

const held = statement(
  'held_links',
  'select id as agent_id, project_id, lease from agents where runtime_replica = $1',
)

/** The links that a replica holds, according to the database. */
export function listHeldLinks(
  sql: Sql,
  replica: string,
): Promise<{ agent_id: string; project_id: string; lease: number }[]> {
  return sql.run(held, [replica])
}

const leases = statement('read_leases', 'select id, lease from agents where id = any($1::uuid[])')

/** The newest lease of each agent that exists. */
export async function readLeases(sql: Sql, agent_ids: readonly string[]): Promise<Map<string, number>> {
  const rows = await sql.run<{ id: string; lease: number }>(leases, [agent_ids])
  return new Map(rows.map(({ id, lease }) => [id, lease]))
}

const connected = statement(
  'connected_counts',
  `select project_id, count(*) as connected from agents
   where project_id = any($1::uuid[]) and runtime_connected group by project_id`,
)

export async function countConnected(sql: Sql, project_ids: readonly string[]): Promise<Map<string, number>> {
  const rows = await sql.run<{ project_id: string; connected: number }>(connected, [project_ids])
  return new Map(rows.map((row) => [row.project_id, row.connected]))
}

const forget = statement(
  'forget_replicas',
  `delete from replicas r where r.seen_at <= now() - make_interval(secs => $1)
     and not exists (select from agents a where a.runtime_replica = r.id)`,
)

export async function forgetReplicas(sql: Sql): Promise<void> {
  await sql.run(forget, [REPLICA_KEPT_SECONDS])
}

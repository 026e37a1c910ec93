import type { Actor } from '#src/domain/actor.ts'
import type { Hold } from '#src/domain/hold.ts'
import { HOLDS_KEPT_DAYS, MAX_COUNTED_HOLDS } from './bounds.ts'
import { type Sql, sharedRead, statement, type Transaction } from './database.ts'
import { type Listed, listStatements, type PageRange, readList } from './page.ts'

/** A group's own row has the sum of its projects. */
const affected = `case when h.project_id is null
    then (select coalesce(sum(o.affected_count), 0)::int from holds o where o.group_id = h.id and o.id <> h.id)
    else h.affected_count end as affected_count`

/** For `select`, of `holds h`. */
export const holdColumns = `h.id, h.project_id, h.group_id, h.reason, h.selector, h.agent_type_id, h.mode, h.until,
  jsonb_build_object('kind', case when h.budget_id is null then 'order' else 'budget' end, 'id', h.budget_id) as cause,
  h.created_by, h.created_at, h.released_at, h.released_by, ${affected}`

const active = sharedRead(
  'list_active_holds',
  `select ${holdColumns} from holds h where h.project_id = any($1::uuid[]) and h.released_at is null
   order by h.created_at, h.id`,
)

/** The holds that stand in these projects, oldest first. */
export function listActiveHolds(
  sql: Sql,
  project_ids: readonly string[],
): Promise<(Hold & { project_id: string })[]> {
  return sql.run<Hold & { project_id: string }>(active, [project_ids])
}

const list = listStatements('list_holds', {
  alias: 'h',
  from: `holds h where h.project_id is not distinct from $1::uuid
   and ($2::boolean is null or (h.released_at is null) = $2)`,
  parameters: 2,
  columns: holdColumns,
  newest: { by: 'created_at', type: 'timestamptz', id: 'id' },
})

/** The holds of a project, or, for null, those of all projects; newest first. */
export function listHolds(
  sql: Sql,
  { project_id, active }: { project_id: string | null; active?: boolean | undefined },
  range: PageRange,
): Promise<Listed<Hold>> {
  return readList<Hold>(sql, list, { values: [project_id, active ?? null], ...range })
}

const byId = statement(
  'find_hold',
  `select ${holdColumns} from holds h where h.id = $1 and h.project_id is not distinct from $2::uuid`,
)

export async function findHold(
  sql: Sql,
  { hold_id, project_id }: { hold_id: string; project_id: string | null },
): Promise<Hold | undefined> {
  return (await sql.run<Hold>(byId, [hold_id, project_id]))[0]
}

export type HoldToInsert = Omit<Hold, 'released_at' | 'released_by' | 'affected_count'>

const insert = statement(
  'insert_hold',
  `insert into holds (id, project_id, group_id, reason, selector, agent_type_id, mode, until, budget_id, created_by,
     created_at)
   values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10::jsonb, $11)
   on conflict (group_id, project_id) do nothing returning id`,
)

/** False: the project has a hold of this group already. */
export async function insertHold(sql: Sql, hold: HoldToInsert): Promise<boolean> {
  return (await sql.run(insert, toValues(hold))).length > 0
}

/** The same for a hold of no group, without waiting for it. */
export function sendHold(sql: Transaction, hold: HoldToInsert): void {
  sql.send(insert, toValues(hold))
}

function toValues(hold: HoldToInsert): unknown[] {
  const { id, project_id, group_id, reason, selector, agent_type_id, mode, until, cause } = hold
  const placed = [id, project_id, group_id, reason, selector, agent_type_id, mode, until, cause.id]
  const by = [JSON.stringify(hold.created_by), hold.created_at]
  return [...placed, ...by]
}

const lock = statement(
  'lock_hold',
  `select ${holdColumns} from holds h where h.id = $1 and h.project_id is not distinct from $2::uuid for update of h`,
)

/** Locks a hold, after its project. */
export async function lockHold(
  sql: Sql,
  { hold_id, project_id }: { hold_id: string; project_id: string | null },
): Promise<Hold | undefined> {
  return (await sql.run<Hold>(lock, [hold_id, project_id]))[0]
}

const release = statement(
  'release_hold',
  `with forgotten as (delete from held_parents where hold_id = $1)
   update holds h set released_at = $2, released_by = $3::jsonb, over_seconds = $4, is_settled = false,
     lease = null, leased_until = null
   where h.id = $1`,
)

export type Release = { released_at: string; released_by: Actor; over_seconds: number }

/** Releases a locked hold. What has not followed its pauses yet is left alone. */
export function releaseHoldRow(sql: Transaction, hold_id: string, values: Release): void {
  const { released_at, released_by, over_seconds } = values
  sql.send(release, [hold_id, released_at, JSON.stringify(released_by), over_seconds])
}

const countActive = statement(
  'count_active_holds',
  `update projects p set active_holds =
     (select count(*)::int from holds h where h.project_id = p.id and h.released_at is null)
   where p.id = $1`,
)

/** Counts the holds that stand, in the row of their locked project. */
export function countActiveHolds(sql: Transaction, project_id: string): void {
  sql.send(countActive, [project_id])
}

const counts = statement(
  'hold_counts',
  `select coalesce(sum(coalesce(h.placed_count, h.affected_count)), 0)::int as placed, coalesce(sum(h.resumed_count) filter (where h.id = g.id or h.released_at >= g.released_at), 0)::int as resumed
   from holds g join holds h on h.id = g.id or h.group_id = g.id where g.id = $1`,
)

/** How many agents a hold, or a group, had paused when it was settled first, and how many go on since its release. */
export async function readHoldCounts(sql: Sql, id: string): Promise<{ placed: number; resumed: number }> {
  const [found] = await sql.run<{ placed: number; resumed: number }>(counts, [id])
  return found ?? { placed: 0, resumed: 0 }
}

const own = statement(
  'count_own_holds',
  `select count(*)::int as count from holds
   where project_id is not distinct from $1::uuid and released_at is null and budget_id is null
     and (group_id is null or group_id = id)`,
)

/** The holds that people have placed in a locked project, or, for null, in all projects at once. */
export async function countOwnHolds(sql: Sql, project_id: string | null): Promise<number> {
  return (await sql.run<{ count: number }>(own, [project_id]))[0]?.count ?? 0
}

const activeCount = statement(
  'count_holds',
  `select count(*)::int as count from (
     select from holds where released_at is null and project_id is not null limit ${MAX_COUNTED_HOLDS}
   ) h`,
)

/** Holds of projects that stand; at most MAX_COUNTED_HOLDS are looked at. */
export async function countHolds(sql: Sql): Promise<number> {
  return (await sql.run<{ count: number }>(activeCount))[0]?.count ?? 0
}

const forget = statement(
  'forget_holds',
  `delete from holds where id in (
     select id from holds where released_at < now() - make_interval(days => $1) and is_settled
     order by released_at limit $2
   ) returning 1 as forgotten`,
)

/** Deletes up to `limit` holds that were released over a year ago; returns how many. */
export async function forgetHolds(sql: Sql, limit: number): Promise<number> {
  return (await sql.run(forget, [HOLDS_KEPT_DAYS, limit])).length
}

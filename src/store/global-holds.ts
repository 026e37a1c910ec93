import type { Hold } from '#src/domain/hold.ts'
import { type Sql, statement } from './database.ts'
import { holdColumns } from './holds.ts'

const share = statement(
  'share_holds_lock',
  `select pg_advisory_xact_lock_shared(hashtextextended('holds of all projects', 0))`,
)
const exclude = statement(
  'hold_holds_lock',
  `select pg_advisory_xact_lock(hashtextextended('holds of all projects', 0))`,
)

/** Taken before all other locks by a new project, which gets the holds of all projects that stand. */
export async function shareGlobalHolds(sql: Sql): Promise<void> {
  await sql.run(share)
}

/** Taken before all other locks: waits for projects that are being created, so that none misses the change that follows. */
export async function lockGlobalHolds(sql: Sql): Promise<void> {
  await sql.run(exclude)
}

const groups = statement(
  'list_global_holds_active',
  `select ${holdColumns} from holds h where h.project_id is null and h.released_at is null order by h.created_at, h.id`,
)

/** The holds of all projects that stand, oldest first. */
export function listGlobalHolds(sql: Sql): Promise<Hold[]> {
  return sql.run<Hold>(groups)
}

const groupActive = statement(
  'share_global_hold',
  'select from holds where id = $1 and released_at is null for share',
)

/** Whether a hold of all projects stands; it then does until the transaction ends. */
export async function isGroupActive(sql: Sql, id: string): Promise<boolean> {
  return (await sql.run(groupActive, [id])).length > 0
}

const missing = statement(
  'list_projects_without_hold',
  `select p.id from projects p
   where not exists (select from holds h where h.group_id = $1 and h.project_id = p.id) order by p.id limit $2`,
)

/** Projects that do not have a hold of this group yet. */
export async function listProjectsWithout(sql: Sql, group_id: string, limit: number): Promise<string[]> {
  return (await sql.run<{ id: string }>(missing, [group_id, limit])).map(({ id }) => id)
}

const members = statement(
  'list_holds_of_group',
  `select id, project_id from holds
   where group_id = $1 and project_id is not null and (not $2 or released_at is null) and (not $3 or not is_settled)
     and id > $4 order by id limit $5`,
)

/** A group's holds in projects, page by page: those that stand, or those that are not settled. */
export function listMembers(
  sql: Sql,
  group_id: string,
  { only, after, limit }: { only: 'active' | 'unsettled'; after: string; limit: number },
): Promise<{ id: string; project_id: string }[]> {
  const values = [group_id, only === 'active', only === 'unsettled', after, limit]
  return sql.run<{ id: string; project_id: string }>(members, values)
}

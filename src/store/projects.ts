import { type Principal, userBehind } from '#src/domain/access.ts'
import { type Sql, statement } from './database.ts'
import { type Listed, listStatements, type PageRange, readList } from './page.ts'

export type ProjectRow = {
  id: string
  name: string
  slug: string
  description: string | null
  owner_id: string
  /** Agents that may live at once. */
  agent_limit: number
  created_at: string
  updated_at: string
}

const columns = 'id, name, slug, description, owner_id, agent_limit, created_at, updated_at'

const byId = statement('find_project', `select ${columns} from projects where id = $1`)
const update = statement(
  'update_project',
  `update projects set name = $2, slug = $3, description = $4, updated_at = $5, agent_limit = $6 where id = $1 returning ${columns}`,
)
const lockAgents = statement(
  'lock_agents_of_project',
  'select count(*) from (select from agents where project_id = $1 order by id for update) locked',
)
const lock = statement('lock_project', 'select id from projects where id = $1 for update')
const live = statement(
  'count_live_agents',
  `select count(*) as live from agents where project_id = $1 and status <> 'terminated'`,
)
const remove = statement('delete_project', 'delete from projects where id = $1 returning name, slug')

export async function findProject(sql: Sql, id: string): Promise<ProjectRow | undefined> {
  return (await sql.run<ProjectRow>(byId, [id]))[0]
}

export async function updateProjectRow(
  sql: Sql,
  project: Omit<ProjectRow, 'owner_id' | 'created_at'>,
): Promise<ProjectRow | undefined> {
  const { id, name, slug, description, updated_at, agent_limit } = project
  return (await sql.run<ProjectRow>(update, [id, name, slug, description, updated_at, agent_limit]))[0]
}

/** Locks a project with all its agents, after the spawn lock. */
export async function lockWholeProject(sql: Sql, id: string): Promise<void> {
  await sql.run(lockAgents, [id])
  await sql.run(lock, [id])
}

type Names = Pick<ProjectRow, 'name' | 'slug'>

/** Deletes a project and everything in it; `live`, with nothing done, while it has agents that are not terminated. */
export async function deleteProjectRow(sql: Sql, id: string): Promise<Names | 'live' | undefined> {
  await lockWholeProject(sql, id)
  const [count] = await sql.run<{ live: number }>(live, [id])
  if (count && count.live > 0) return 'live'
  return (await sql.run<Names>(remove, [id]))[0]
}

const list = listStatements('list_projects', {
  alias: 'p',
  from: `projects p where ($2::uuid is null or p.id = $2)
   and ($3 or p.owner_id = $1 or exists (
     select from project_members m where m.project_id = p.id and m.user_id = $1))`,
  parameters: 3,
  columns,
  newest: { by: 'created_at', type: 'timestamptz', id: 'id' },
})

/** The projects that a principal may read, newest first. */
export function listProjects(sql: Sql, principal: Principal, range: PageRange): Promise<Listed<ProjectRow>> {
  const { role, maker, scope } = principal
  const is_superuser = maker ? maker.is_superuser : role === 'superuser'
  const values = [userBehind(principal), scope?.project_id ?? null, is_superuser]
  return readList<ProjectRow>(sql, list, { values, ...range })
}

const insert = statement(
  'insert_project',
  `insert into projects (id, name, slug, description, owner_id, event_seq, created_at, updated_at, agent_limit)
   values ($1, $2, $3, $4, $5, 0, $6, $6, $7) returning ${columns}`,
)

export async function insertProject(sql: Sql, project: Omit<ProjectRow, 'updated_at'>): Promise<ProjectRow> {
  const { id, name, slug, description, owner_id, created_at, agent_limit } = project
  const values = [id, name, slug, description, owner_id, created_at, agent_limit]
  const [row] = await sql.run<ProjectRow>(insert, values)
  if (!row) throw new Error('a project was not inserted')
  return row
}

const enter = statement(
  'enter_spawning',
  `select pg_advisory_xact_lock_shared(hashtextextended(id, 0)) from unnest($1::text[]) as d(id)`,
)
const close = statement('close_spawning', 'select pg_advisory_xact_lock(hashtextextended($1, 0))')

/** Taken before all other locks: an order for a fleet, and a spawn or a change of labels in it, exclude each other. */
export async function shareSpawnLock(sql: Sql, project_ids: readonly string[]): Promise<void> {
  if (project_ids.length > 0) await sql.run(enter, [project_ids])
}

/** Taken before all other locks: waits for running spawns and relabellings and holds up new ones, so that all agents can be locked. */
export async function holdSpawnLock(sql: Sql, project_id: string): Promise<void> {
  await sql.run(close, [project_id])
}

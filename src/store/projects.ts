import { type Sql, statement } from './database.ts'

export type ProjectRow = {
  id: string
  name: string
  slug: string
  description: string | null
  owner_id: string
  created_at: string
  updated_at: string
}

const columns = 'id, name, slug, description, owner_id, created_at, updated_at'

const byId = statement('find_project', `select ${columns} from projects where id = $1`)
const update = statement(
  'update_project',
  `update projects set name = $2, slug = $3, description = $4, updated_at = $5 where id = $1 returning ${columns}`,
)
const lock = statement('lock_project', 'select id from projects where id = $1 for update')
const live = statement(
  'count_live_agents',
  `select count(*) as live from agents where project_id = $1 and status <> 'terminated'`,
)
const remove = statement('delete_project', 'delete from projects where id = $1')

export async function findProject(sql: Sql, id: string): Promise<ProjectRow | undefined> {
  return (await sql.run<ProjectRow>(byId, [id]))[0]
}

export async function updateProjectRow(
  sql: Sql,
  project: Pick<ProjectRow, 'id' | 'name' | 'slug' | 'description' | 'updated_at'>,
): Promise<ProjectRow | undefined> {
  const { id, name, slug, description, updated_at } = project
  return (await sql.run<ProjectRow>(update, [id, name, slug, description, updated_at]))[0]
}

/** Removes a project with all that is in it; false, and nothing done, while it has agents not terminated. */
export async function deleteProjectRow(sql: Sql, id: string): Promise<boolean> {
  await sql.run(lock, [id])
  const [count] = await sql.run<{ live: number }>(live, [id])
  if (count && count.live > 0) return false
  await sql.run(remove, [id])
  return true
}

import type { Principal, ProjectRole } from '#src/domain/access.ts'
import { type Sql, statement } from './database.ts'

const userById = statement('find_user', 'select id, is_active, is_superuser from users where id = $1')

/** The user behind an access token as a principal; undefined for an unknown one. */
export async function findUserPrincipal(
  sql: Sql,
  user_id: string,
): Promise<(Principal & { is_active: boolean }) | undefined> {
  const [user] = await sql.run<{ id: string; is_active: boolean; is_superuser: boolean }>(userById, [user_id])
  return (
    user && {
      kind: 'user',
      id: user.id,
      role: user.is_superuser ? 'superuser' : 'user',
      is_active: user.is_active,
    }
  )
}

const projectById = statement('find_project_owner', 'select owner_id from projects where id = $1')

/** What a principal is in a project; undefined where there is no such project. */
export async function findProjectRole(
  sql: Sql,
  principal: Principal,
  project_id: string,
): Promise<{ role: ProjectRole | undefined } | undefined> {
  const [project] = await sql.run<{ owner_id: string }>(projectById, [project_id])
  if (!project) return undefined
  if (principal.role === 'superuser') return { role: 'superuser' }
  return { role: project.owner_id === principal.id ? 'owner' : undefined }
}

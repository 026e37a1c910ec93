import type { KeyRole, Principal, ProjectRole } from '#src/domain/access.ts'
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
  return project && { role: roleIn(principal, { project_id, ...project }) }
}

const projectByAgent = statement(
  'find_project_by_agent',
  'select p.id as project_id, p.owner_id from agents a join projects p on p.id = a.project_id where a.id = $1',
)

/** Where an agent is, and what a principal is there; undefined where there is no such agent. */
export async function findRoleByAgent(
  sql: Sql,
  principal: Principal,
  agent_id: string,
): Promise<{ project_id: string; role: ProjectRole | undefined } | undefined> {
  const [project] = await sql.run<{ project_id: string; owner_id: string }>(projectByAgent, [agent_id])
  return project && { project_id: project.project_id, role: roleIn(principal, project) }
}

function roleIn(
  { id, role, scope }: Principal,
  project: { project_id: string; owner_id: string },
): ProjectRole | undefined {
  if (scope && scope.project_id !== project.project_id) return undefined
  if (role !== 'user') return role
  return project.owner_id === id ? 'owner' : undefined
}

const keyByHash = statement(
  'find_key',
  `select k.id, k.agent_id, k.project_id, k.role, k.expires_at, u.is_active
   from api_keys k join users u on u.id = k.maker_id
   where k.key_hash = $1 and k.revoked_at is null`,
)

type KeyRow = {
  id: string
  agent_id: string
  project_id: string
  role: KeyRole
  expires_at: string | null
  is_active: boolean
}

/** The token of an agent's runtime by its hash; undefined for an unknown or revoked one, or an inactive maker. */
export async function findAgentToken(
  sql: Sql,
  key_hash: string,
): Promise<{ principal: Principal; expires_at: string | null } | undefined> {
  const [key] = await sql.run<KeyRow>(keyByHash, [key_hash])
  if (!key?.agent_id || !key.is_active) return undefined
  const { agent_id, project_id, role, expires_at } = key
  return { principal: { kind: 'runtime', id: agent_id, role, scope: { project_id, agent_id } }, expires_at }
}

import {
  type KeyRole,
  type Principal,
  type ProjectRole,
  roleIn,
  type Standing,
  userBehind,
} from '#src/domain/access.ts'
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

const standingInProject = statement(
  'find_standing',
  `select p.id as project_id, p.owner_id, m.role as member_role
   from projects p left join project_members m on m.project_id = p.id and m.user_id = $2 where p.id = $1`,
)

/** What a principal is in a project; undefined where there is no such project. */
export async function findProjectRole(
  sql: Sql,
  principal: Principal,
  project_id: string,
): Promise<{ role: ProjectRole | undefined } | undefined> {
  const [standing] = await sql.run<Standing>(standingInProject, [project_id, userBehind(principal)])
  return standing && { role: roleIn(principal, standing) }
}

const standingByAgent = statement(
  'find_standing_by_agent',
  `select p.id as project_id, p.owner_id, m.role as member_role
   from agents a join projects p on p.id = a.project_id
     left join project_members m on m.project_id = p.id and m.user_id = $2 where a.id = $1`,
)

/** Where an agent is, and what a principal is there; undefined where there is no such agent. */
export async function findRoleByAgent(
  sql: Sql,
  principal: Principal,
  agent_id: string,
): Promise<{ project_id: string; role: ProjectRole | undefined } | undefined> {
  const [standing] = await sql.run<Standing>(standingByAgent, [agent_id, userBehind(principal)])
  return standing && { project_id: standing.project_id, role: roleIn(principal, standing) }
}

const standings = statement(
  'find_standings',
  `select p.id as project_id, wanted.user_id, p.owner_id, m.role as member_role
   from unnest($1::uuid[], $2::uuid[]) as wanted(project_id, user_id)
     join projects p on p.id = wanted.project_id
     left join project_members m on m.project_id = p.id and m.user_id = wanted.user_id`,
)

/** The standing of many users in many projects; pairs whose project is gone are left out. */
export function findStandings(
  sql: Sql,
  pairs: readonly { project_id: string; user_id: string }[],
): Promise<(Standing & { user_id: string })[]> {
  return sql.run(standings, [pairs.map((pair) => pair.project_id), pairs.map((pair) => pair.user_id)])
}

/** A key that may be used now: not revoked, its maker active. One that has expired says so by its time. */
const usableKey = `select k.id, k.agent_id, k.project_id, k.role, k.expires_at, u.id as maker_id, u.is_superuser
   from api_keys k join users u on u.id = k.maker_id
   where k.revoked_at is null and u.is_active`
const keyByHash = statement('find_key', `${usableKey} and k.key_hash = $1`)

type KeyRow = {
  id: string
  agent_id: string | null
  project_id: string | null
  role: KeyRole
  expires_at: string | null
  maker_id: string
  is_superuser: boolean
}

export type KeyCredential = { key_id: string; principal: Principal; expires_at: string | null }

/** The key or token with a hash; undefined for an unknown or revoked one, or where its maker is inactive. */
export async function findKey(sql: Sql, key_hash: string): Promise<KeyCredential | undefined> {
  const [key] = await sql.run<KeyRow>(keyByHash, [key_hash])
  return key && toCredential(key)
}

function toCredential({
  id,
  agent_id,
  project_id,
  role,
  expires_at,
  maker_id,
  is_superuser,
}: KeyRow): KeyCredential {
  const principal: Principal = {
    ...(agent_id ? { kind: 'runtime', id: agent_id } : { kind: 'api_key', id }),
    role,
    maker: { id: maker_id, is_superuser },
    scope: project_id === null ? undefined : { project_id, agent_id },
  }
  return { key_id: id, principal, expires_at }
}

const keyUse = statement(
  'note_key_use',
  `update api_keys set last_used_at = $2 where id = $1 and (last_used_at is null or last_used_at < $3)`,
)

/** Notes when a key was used, to the minute: so that a busy key is not written with every request. */
export async function noteKeyUse(sql: Sql, key_id: string, now: Date): Promise<void> {
  const minute_ago = new Date(now.getTime() - 60_000)
  await sql.run(keyUse, [key_id, now.toISOString(), minute_ago.toISOString()])
}

const activeUsers = statement(
  'active_users',
  'select id, is_superuser from users where id = any($1::uuid[]) and is_active',
)
const usableKeys = statement(
  'usable_keys',
  `${usableKey} and k.id = any($1::uuid[]) and (k.expires_at is null or k.expires_at > now())`,
)

/** Of many credentials those that are still good, as principals by the id of the user or key. */
export async function findLivePrincipals(
  sql: Sql,
  { user_ids, key_ids }: { user_ids: readonly string[]; key_ids: readonly string[] },
): Promise<Map<string, Principal>> {
  const [users, keys] = await Promise.all([
    user_ids.length > 0 ? sql.run<{ id: string; is_superuser: boolean }>(activeUsers, [user_ids]) : [],
    key_ids.length > 0 ? sql.run<KeyRow>(usableKeys, [key_ids]) : [],
  ])
  const live = new Map<string, Principal>()
  for (const { id, is_superuser } of users) {
    live.set(id, { kind: 'user', id, role: is_superuser ? 'superuser' : 'user' })
  }
  for (const key of keys) live.set(key.id, toCredential(key).principal)
  return live
}

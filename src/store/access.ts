import {
  type KeyRole,
  type Principal,
  type ProjectRole,
  roleIn,
  type Standing,
  userBehind,
} from '#src/domain/access.ts'
import { quickRead, type Sql, statement } from './database.ts'

/** A user by its id, or the maker of a key by its hash, and where it stands in a project ($2, if any). */
const standing = `p.id as project_id, p.owner_id, m.role as member_role`
const joinStanding = `left join projects p on p.id = $2
     left join project_members m on m.project_id = p.id and m.user_id = u.id`

const userById = quickRead(
  'find_user',
  `select u.id, u.is_active, u.is_superuser, ${standing} from users u ${joinStanding} where u.id = $1`,
)

type StandingColumns = { project_id: string | null; owner_id: string; member_role: Standing['member_role'] }

function toStanding({ project_id, owner_id, member_role }: StandingColumns): Standing | undefined {
  return project_id === null ? undefined : { project_id, owner_id, member_role }
}

/** `standing`: undefined where no project was asked for, or there is none. */
export type Found = { principal: Principal; standing: Standing | undefined }

/** The user behind an access token; undefined for an unknown one. */
export async function findUser(
  sql: Sql,
  user_id: string,
  project_id?: string,
): Promise<(Found & { is_active: boolean }) | undefined> {
  type Row = { id: string; is_active: boolean; is_superuser: boolean } & StandingColumns
  const [user] = await sql.run<Row>(userById, [user_id, project_id ?? null])
  if (!user) return undefined
  const principal: Principal = { kind: 'user', id: user.id, role: user.is_superuser ? 'superuser' : 'user' }
  return { principal, standing: toStanding(user), is_active: user.is_active }
}

const standingInProject = quickRead(
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

const standingByAgent = quickRead(
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
const keyColumns = `k.id as key_id, k.agent_id, k.project_id as key_project_id, k.role, k.expires_at,
   k.last_used_at, u.id as maker_id, u.is_superuser`
const usableKey = 'k.revoked_at is null and u.is_active'
const keyByHash = quickRead(
  'find_key',
  `select ${keyColumns}, ${standing} from api_keys k join users u on u.id = k.maker_id ${joinStanding}
   where ${usableKey} and k.key_hash = $1`,
)

type KeyRow = {
  key_id: string
  agent_id: string | null
  key_project_id: string | null
  role: KeyRole
  expires_at: string | null
  last_used_at: string | null
  maker_id: string
  is_superuser: boolean
}

export type FoundKey = Found & { key_id: string; expires_at: string | null; last_used_at: string | null }

/** The key or token with a hash; undefined for an unknown or revoked one, or where its maker is inactive. */
export async function findKey(
  sql: Sql,
  key_hash: string,
  project_id?: string,
): Promise<FoundKey | undefined> {
  const [key] = await sql.run<KeyRow & StandingColumns>(keyByHash, [key_hash, project_id ?? null])
  if (!key) return undefined
  const { key_id, expires_at, last_used_at } = key
  return { principal: toPrincipal(key), standing: toStanding(key), key_id, expires_at, last_used_at }
}

function toPrincipal({ key_id, agent_id, key_project_id, role, maker_id, is_superuser }: KeyRow): Principal {
  return {
    ...(agent_id ? { kind: 'runtime', id: agent_id } : { kind: 'api_key', id: key_id }),
    role,
    maker: { id: maker_id, is_superuser },
    scope: key_project_id === null ? undefined : { project_id: key_project_id, agent_id },
  }
}

const keyUse = statement('note_key_use', 'update api_keys set last_used_at = $2 where id = $1')

export async function noteKeyUse(sql: Sql, key_id: string, now: string): Promise<void> {
  await sql.run(keyUse, [key_id, now])
}

const activeUsers = statement(
  'active_users',
  'select id, is_superuser from users where id = any($1::uuid[]) and is_active',
)
const usableKeys = statement(
  'usable_keys',
  `select ${keyColumns} from api_keys k join users u on u.id = k.maker_id
   where ${usableKey} and k.id = any($1::uuid[]) and (k.expires_at is null or k.expires_at > now())`,
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
  for (const key of keys) live.set(key.key_id, toPrincipal(key))
  return live
}

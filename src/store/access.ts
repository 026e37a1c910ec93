import {
  type KeyRole,
  type Principal,
  type ProjectRole,
  roleIn,
  type Standing,
  userBehind,
} from '#src/domain/access.ts'
import type { AgentStatus } from '#src/domain/lifecycle.ts'
import { type Sql, sharedRead, statement } from './database.ts'
import { type Listed, listStatements, type PageRange, readList } from './page.ts'

/** What a user, or the maker of a key, is in the project $2, if one is given. */
const standing = `p.id as project_id, p.owner_id, m.role as member_role`
const joinStanding = `left join projects p on p.id = $2
     left join project_members m on m.project_id = p.id and m.user_id = u.id`

const userById = sharedRead(
  'find_user',
  `select u.id, u.is_active, u.is_superuser, ${standing} from users u ${joinStanding} where u.id = $1`,
)

type StandingColumns = { project_id: string | null; owner_id: string; member_role: Standing['member_role'] }

function toStanding({ project_id, owner_id, member_role }: StandingColumns): Standing | undefined {
  return project_id === null ? undefined : { project_id, owner_id, member_role }
}

/** `standing` is undefined without a project, and for an unknown one. */
export type Found = { principal: Principal; standing: Standing | undefined }

/** The user behind an access token; undefined for an unknown one. */
export async function findUserPrincipal(
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

const standingInProject = sharedRead(
  'find_standing',
  `select p.id as project_id, p.owner_id, m.role as member_role
   from projects p left join project_members m on m.project_id = p.id and m.user_id = $2 where p.id = $1`,
)

/** What a principal is in a project; undefined for an unknown project. */
export async function findProjectRole(
  sql: Sql,
  principal: Principal,
  project_id: string,
): Promise<{ role: ProjectRole | undefined } | undefined> {
  const [standing] = await sql.run<Standing>(standingInProject, [project_id, userBehind(principal)])
  return standing && { role: roleIn(principal, standing) }
}

const standingByAgent = sharedRead(
  'find_standing_by_agent',
  `select p.id as project_id, p.owner_id, m.role as member_role
   from agents a join projects p on p.id = a.project_id
     left join project_members m on m.project_id = p.id and m.user_id = $2 where a.id = $1`,
)

/** The project of an agent, and what a principal is there; undefined for an unknown agent. */
export async function findRoleByAgent(
  sql: Sql,
  principal: Principal,
  agent_id: string,
): Promise<{ project_id: string; role: ProjectRole | undefined } | undefined> {
  const [standing] = await sql.run<Standing>(standingByAgent, [agent_id, userBehind(principal)])
  return standing && { project_id: standing.project_id, role: roleIn(principal, standing) }
}

export type OwnAccessRow = Standing & {
  owner_email: string
  owner_name: string | null
  id: string
  created_at: string
}

const ownAccess = listStatements('list_own_access', {
  alias: 'p',
  from: `projects p join users o on o.id = p.owner_id
     left join project_members m on m.project_id = p.id and m.user_id = $1
   where ($2 or p.owner_id = $1 or m.user_id is not null)`,
  parameters: 2,
  columns: `p.id, p.created_at, p.id as project_id, p.owner_id, o.email as owner_email, o.full_name as owner_name,
    m.role as member_role`,
  newest: { by: 'created_at', type: 'timestamptz', id: 'id' },
})

/** What a user is in each project that it may read, in the order of `listProjects`. */
export function listOwnAccess(
  sql: Sql,
  { id, role }: Principal,
  range: PageRange,
): Promise<Listed<OwnAccessRow>> {
  return readList<OwnAccessRow>(sql, ownAccess, { values: [id, role === 'superuser'], ...range })
}

const standings = statement(
  'find_standings',
  `select p.id as project_id, wanted.user_id, p.owner_id, m.role as member_role
   from unnest($1::uuid[], $2::uuid[]) as wanted(project_id, user_id)
     join projects p on p.id = wanted.project_id
     left join project_members m on m.project_id = p.id and m.user_id = wanted.user_id`,
)

/** The standing of many users in many projects, without pairs whose project is unknown. */
export function findStandings(
  sql: Sql,
  pairs: readonly { project_id: string; user_id: string }[],
): Promise<(Standing & { user_id: string })[]> {
  return sql.run(standings, [pairs.map((pair) => pair.project_id), pairs.map((pair) => pair.user_id)])
}

/** A usable key is not revoked, and its maker is active. Callers check whether it has expired. */
const keyColumns = `k.id as key_id, k.agent_id, k.project_id as key_project_id, k.role, k.expires_at,
   k.last_used_at, u.id as maker_id, u.is_superuser`
const usableKey = 'k.revoked_at is null and u.is_active'
const keyByHash = sharedRead(
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

/** The key or token with a hash; undefined for one that is unknown or revoked, or whose maker is inactive. */
export async function findKeyPrincipal(
  sql: Sql,
  key_hash: string,
  project_id?: string,
): Promise<FoundKey | undefined> {
  const [key] = await sql.run<KeyRow & StandingColumns>(keyByHash, [key_hash, project_id ?? null])
  return key && toFoundKey(key)
}

const keyWithAgent = sharedRead(
  'find_key_with_agent',
  `select ${keyColumns}, ${standing}, a.id as asked_id, a.status from api_keys k join users u on u.id = k.maker_id
     left join projects p on p.id = k.project_id
     left join project_members m on m.project_id = p.id and m.user_id = u.id
     left join agents a on a.id = coalesce(k.agent_id, $2) and a.project_id = k.project_id
   where ${usableKey} and k.key_hash = $1`,
)

export type AskedAgent = { id: string; status: AgentStatus }

/**
 * The same, with an agent of the key's project: that of a token, or else the one named. `standing` is the one in this project.
 * One statement, so that a proxy can ask before each request.
 */
export async function findKeyWithAgent(
  sql: Sql,
  key_hash: string,
  agent_id: string | undefined,
): Promise<(FoundKey & { agent: AskedAgent | undefined }) | undefined> {
  type Asked = { asked_id: string | null; status: AgentStatus }
  const [row] = await sql.run<KeyRow & StandingColumns & Asked>(keyWithAgent, [key_hash, agent_id ?? null])
  if (!row) return undefined
  const { asked_id: id, status } = row
  return { ...toFoundKey(row), agent: id === null ? undefined : { id, status } }
}

function toFoundKey(key: KeyRow & StandingColumns): FoundKey {
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

// Skips locked rows: a transaction that deletes a key's project must not hold up requests with the key.
const keyUse = statement(
  'note_key_use',
  `update api_keys set last_used_at = $2
   where id in (select id from api_keys where id = any($1::uuid[]) for no key update skip locked)`,
)

export async function noteKeyUse(sql: Sql, key_ids: readonly string[], now: string): Promise<void> {
  await sql.run(keyUse, [key_ids, now])
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

/** A user has no time of the last use. */
type LiveCredential = { principal: Principal; last_used_at?: string | null }

/** Those credentials that are still good, by the id of the user or key. */
export async function findLiveCredentials(
  sql: Sql,
  { user_ids, key_ids }: { user_ids: readonly string[]; key_ids: readonly string[] },
): Promise<Map<string, LiveCredential>> {
  const [users, keys] = await Promise.all([
    user_ids.length > 0 ? sql.run<{ id: string; is_superuser: boolean }>(activeUsers, [user_ids]) : [],
    key_ids.length > 0 ? sql.run<KeyRow>(usableKeys, [key_ids]) : [],
  ])
  const live = new Map<string, LiveCredential>()
  for (const { id, is_superuser } of users) {
    live.set(id, { principal: { kind: 'user', id, role: is_superuser ? 'superuser' : 'user' } })
  }
  for (const key of keys) {
    live.set(key.key_id, { principal: toPrincipal(key), last_used_at: key.last_used_at })
  }
  return live
}

import type { KeyRole } from '#src/domain/access.ts'
import { type Sql, statement } from './database.ts'
import { type PageRange, pageStatement, readPage } from './page.ts'

/** An API key as REST lists it: never the key itself. */
export type ApiKey = {
  id: string
  name: string
  project_id: string | null
  role: KeyRole
  maker_id: string
  expires_at: string | null
  created_at: string
  last_used_at: string | null
}

export type NewKey = Omit<ApiKey, 'last_used_at'> & { agent_id: string | null; key_hash: string }

const insert = statement(
  'insert_key',
  `insert into api_keys (id, name, key_hash, role, project_id, agent_id, maker_id, created_at, expires_at)
   values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
)

export async function insertKey(sql: Sql, key: NewKey): Promise<void> {
  const { id, name, key_hash, role, project_id, agent_id, maker_id, created_at, expires_at } = key
  await sql.run(insert, [id, name, key_hash, role, project_id, agent_id, maker_id, created_at, expires_at])
}

const forgetExpired = statement(
  'forget_agent_tokens',
  'delete from api_keys where agent_id = $1 and expires_at < $2',
)

/** The tokens of an agent that are of no use to anybody any more: so they do not pile up. */
export async function forgetExpiredTokens(sql: Sql, agent_id: string, now: string): Promise<void> {
  await sql.run(forgetExpired, [agent_id, now])
}

const columns = 'k.id, k.name, k.project_id, k.role, k.maker_id, k.expires_at, k.created_at, k.last_used_at'
/** Keys that a user may see: its own, and those of projects that it owns; a superuser ($2) sees all. */
const visible = `api_keys k left join projects p on p.id = k.project_id
   where k.agent_id is null and k.revoked_at is null and ($2 or k.maker_id = $1 or p.owner_id = $1)`

const page = pageStatement('list_keys', {
  alias: 'k',
  from: visible,
  parameters: 2,
  columns,
  key: 'id',
  order: 'k.created_at desc, k.id desc',
})

type Viewer = { user_id: string; is_superuser: boolean }

export function listKeys(
  sql: Sql,
  { user_id, is_superuser }: Viewer,
  range: PageRange,
): Promise<{ rows: ApiKey[]; total: number }> {
  return readPage<ApiKey>(sql, page, { values: [user_id, is_superuser], ...range })
}

// The row's own `revoked_at` is looked at again after a wait for its lock: of two at once, one revokes.
const revoke = statement(
  'revoke_key',
  `update api_keys set revoked_at = $4 where id = $3 and revoked_at is null and id in (select k.id from ${visible})
   returning id, name, project_id`,
)

/** Undefined: there is no such key that the user may see. */
export async function revokeKey(
  sql: Sql,
  { user_id, is_superuser }: Viewer,
  { id, now }: { id: string; now: string },
): Promise<{ id: string; name: string; project_id: string | null } | undefined> {
  const [key] = await sql.run<{ id: string; name: string; project_id: string | null }>(revoke, [
    user_id,
    is_superuser,
    id,
    now,
  ])
  return key
}

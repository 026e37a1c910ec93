import type { KeyRole } from '#src/domain/access.ts'
import { type Sql, statement } from './database.ts'
import { type Listed, listStatements, type PageRange, readList } from './page.ts'

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

export type NewKey = Omit<ApiKey, 'last_used_at'> & {
  agent_id: string | null
  key_hash: string
  issuer_id?: string
}

const insert = statement(
  'insert_key',
  `insert into api_keys (id, name, key_hash, role, project_id, agent_id, maker_id, created_at, expires_at, issuer_id)
   values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
)

export async function insertKey(sql: Sql, key: NewKey): Promise<void> {
  const { id, name, key_hash, role, project_id, agent_id, maker_id, created_at, expires_at } = key
  const values = [id, name, key_hash, role, project_id, agent_id, maker_id, created_at, expires_at]
  await sql.run(insert, [...values, key.issuer_id ?? null])
}

const forgetExpired = statement(
  'forget_agent_tokens',
  'delete from api_keys where agent_id = $1 and expires_at < $2',
)

/** Deletes an agent's expired tokens, so that they do not pile up. */
export async function forgetExpiredTokens(sql: Sql, agent_id: string, now: string): Promise<void> {
  await sql.run(forgetExpired, [agent_id, now])
}

const revokeOfAgent = statement(
  'revoke_agent_tokens',
  `update api_keys set revoked_at = $2 where agent_id = $1 and revoked_at is null
     and (expires_at is null or expires_at > $2) returning id`,
)

/** Revokes an agent's tokens; returns how many were still good. */
export async function revokeTokens(sql: Sql, agent_id: string, now: string): Promise<number> {
  const revoked = await sql.run<{ id: string }>(revokeOfAgent, [agent_id, now])
  await revokeDelegated(sql, revoked, now)
  return revoked.length
}

const revokeBelow = statement(
  'revoke_delegated',
  `with recursive below (id) as (
     select id from api_keys where issuer_id = any($1::uuid[])
     union select k.id from api_keys k join below on k.issuer_id = below.id)
   update api_keys set revoked_at = $2 where id in (select id from below) and revoked_at is null`,
)

/** A statement after the one that ends the issuers: it sees what a delegation committed while that one waited for it. */
async function revokeDelegated(sql: Sql, issuers: readonly { id: string }[], now: string): Promise<void> {
  if (issuers.length === 0) return
  await sql.run(revokeBelow, [issuers.map(({ id }) => id), now])
}

const lockIssuer = statement(
  'lock_issuer',
  'select expires_at from api_keys where id = $1 and revoked_at is null for share',
)

/** When a key expires, which cannot be revoked before the transaction ends; undefined for one that is revoked. */
export async function lockUsableKey(
  sql: Sql,
  id: string,
): Promise<{ expires_at: string | null } | undefined> {
  const [key] = await sql.run<{ expires_at: string | null }>(lockIssuer, [id])
  return key
}

const replaceDelegated = statement(
  'replace_delegated',
  'delete from api_keys where agent_id = $1 and issuer_id is not null returning id',
)

/** Ends the token that an agent's runtime was given before, with those that came from it. */
export async function dropDelegated(sql: Sql, agent_id: string, now: string): Promise<void> {
  await revokeDelegated(sql, await sql.run<{ id: string }>(replaceDelegated, [agent_id]), now)
}

const columns = 'k.id, k.name, k.project_id, k.role, k.maker_id, k.expires_at, k.created_at, k.last_used_at'
/** Keys that a user may see: its own, and those of projects that it owns; a superuser ($2) sees all. */
const visible = `api_keys k left join projects p on p.id = k.project_id
   where k.agent_id is null and k.revoked_at is null and ($2 or k.maker_id = $1 or p.owner_id = $1)`

const list = listStatements('list_keys', {
  alias: 'k',
  from: visible,
  parameters: 2,
  columns,
  newest: { by: 'created_at', type: 'timestamptz', id: 'id' },
})

type Viewer = { user_id: string; is_superuser: boolean }

export function listKeys(
  sql: Sql,
  { user_id, is_superuser }: Viewer,
  range: PageRange,
): Promise<Listed<ApiKey>> {
  return readList<ApiKey>(sql, list, { values: [user_id, is_superuser], ...range })
}

// PostgreSQL checks `revoked_at` again after a wait for the row's lock, so of two calls at once only one revokes.
const revoke = statement(
  'revoke_key',
  `update api_keys set revoked_at = $4 where id = $3 and revoked_at is null and id in (select k.id from ${visible})
   returning id, name, project_id`,
)

/** Ends the tokens that were delegated with it, too. Undefined if there is no such key, or the user may not see it. */
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
  await revokeDelegated(sql, key ? [key] : [], now)
  return key
}

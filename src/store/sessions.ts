import { v7 as uuid } from 'uuid'
import { type Sql, statement } from './database.ts'
import { type Account, lockAccount } from './users.ts'

/** A refresh token as it is while its user is locked. All times are by the database's clock. */
export type RefreshToken = {
  id: string
  family_id: string
  is_expired: boolean
  is_revoked: boolean
  is_spent: boolean
  /** It was spent so recently that its holder may have lost the answer. */
  is_repeatable: boolean
}

const ownerOf = statement('find_session_user', 'select user_id from refresh_tokens where token_hash = $1')
const find = statement(
  'find_session',
  `select id, family_id, expires_at <= clock_timestamp() as is_expired, revoked_at is not null as is_revoked,
     spent_at is not null as is_spent,
     coalesce(spent_at > clock_timestamp() - make_interval(secs => $2), false) as is_repeatable
   from refresh_tokens where token_hash = $1`,
)

/**
 * Locks the user of a refresh token, and only then reads the token: so one transaction at a time changes a family, and sees
 * what the one before it has added. Undefined for an unknown token.
 */
export async function lockSession(
  sql: Sql,
  token_hash: string,
  repeat_seconds: number,
): Promise<{ user: Account; token: RefreshToken } | undefined> {
  const [owner] = await sql.run<{ user_id: string }>(ownerOf, [token_hash])
  const user = owner && (await lockAccount(sql, owner.user_id))
  const [token] = user ? await sql.run<RefreshToken>(find, [token_hash, repeat_seconds]) : []
  return user && token && { user, token }
}

const insert = statement(
  'insert_session',
  `insert into refresh_tokens (id, family_id, user_id, token_hash, created_at, expires_at)
   values ($1, $2, $3, $4, clock_timestamp(), clock_timestamp() + make_interval(secs => $5))`,
)

export async function insertSession(
  sql: Sql,
  session: { family_id: string; user_id: string; token_hash: string; seconds: number },
): Promise<void> {
  const { family_id, user_id, token_hash, seconds } = session
  await sql.run(insert, [uuid(), family_id, user_id, token_hash, seconds])
}

const spend = statement(
  'spend_session',
  'update refresh_tokens set spent_at = clock_timestamp() where id = $1',
)

export async function spendSession(sql: Sql, id: string): Promise<void> {
  await sql.run(spend, [id])
}

const unused = statement(
  'find_unused_session',
  `select token_hash from refresh_tokens where family_id = $1 and token_hash = any($2::text[])
     and spent_at is null and revoked_at is null`,
)

/** The hash, of those given, whose token belongs to the family and is unused. */
export async function findUnused(
  sql: Sql,
  family_id: string,
  hashes: readonly string[],
): Promise<string | undefined> {
  return (await sql.run<{ token_hash: string }>(unused, [family_id, hashes]))[0]?.token_hash
}

const revokeOne = statement(
  'revoke_session_family',
  'update refresh_tokens set revoked_at = clock_timestamp() where family_id = $1 and revoked_at is null',
)
const revokeAll = statement(
  'revoke_sessions_of_user',
  `update refresh_tokens set revoked_at = clock_timestamp()
   where user_id = $1 and revoked_at is null and family_id is distinct from $2`,
)

/** Revokes every refresh token of a sign-in. The caller has locked the user. */
export async function revokeFamily(sql: Sql, family_id: string): Promise<void> {
  await sql.run(revokeOne, [family_id])
}

/** Revokes every refresh token of a user, whom the caller has locked; with `but_family`, all but those of that sign-in. */
export async function revokeSessions(sql: Sql, user_id: string, but_family?: string): Promise<void> {
  await sql.run(revokeAll, [user_id, but_family ?? null])
}

const forget = statement(
  'forget_sessions_of_user',
  'delete from refresh_tokens where user_id = $1 and expires_at < clock_timestamp()',
)

export async function forgetExpired(sql: Sql, user_id: string): Promise<void> {
  await sql.run(forget, [user_id])
}

import type { Principal } from '#src/domain/access.ts'
import { refuse } from '#src/domain/errors.ts'
import { findKey, findUserPrincipal, noteKeyUse } from '#src/store/access.ts'
import type { Database } from '#src/store/database.ts'
import { hashSecret, isKey, type TokenKeys, verifyAccessToken } from './tokens.ts'

/** Who a credential belongs to, and until when (milliseconds since 1970) it is good. */
export type Authentication = {
  principal: Principal
  expires_at: number | null
  /** What is looked at again while it is in use: the user's id, or the key's. */
  credential_id: string
}

export type Authenticate = (token: string) => Promise<Authentication>

/** Refuses with `bad_token`, `expired_token` or `user_inactive`. Asks the database each time. */
export function createAuthenticate(database: Database, keys: TokenKeys): Authenticate {
  return (token) =>
    isKey(token) ? authenticateKey(database, token) : authenticateUser(database, token, keys)
}

async function authenticateUser(database: Database, token: string, keys: TokenKeys): Promise<Authentication> {
  const claims = await verifyAccessToken(token, keys)
  const user = await findUserPrincipal(database, claims.user_id)
  if (!user) throw refuse('bad_token', 'The access token is not valid')
  if (!user.is_active) throw refuse('user_inactive', 'The user is inactive')
  const { is_active: _, ...principal } = user
  return { principal, expires_at: claims.expires * 1000, credential_id: user.id }
}

/** An API key, or the token of an agent's runtime. */
async function authenticateKey(database: Database, token: string): Promise<Authentication> {
  const found = await findKey(database, hashSecret(token))
  if (!found) throw refuse('bad_token', 'The key is not valid')
  const expires_at = found.expires_at === null ? null : Date.parse(found.expires_at)
  const now = new Date()
  if (expires_at !== null && expires_at <= now.getTime()) throw refuse('expired_token', 'The key has expired')
  await noteKeyUse(database, found.key_id, now)
  return { principal: found.principal, expires_at, credential_id: found.key_id }
}

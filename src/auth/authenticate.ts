import type { Principal } from '#src/domain/access.ts'
import { refuse } from '#src/domain/errors.ts'
import { findAgentToken, findUserPrincipal } from '#src/store/access.ts'
import type { Database } from '#src/store/database.ts'
import { AGENT_TOKEN_PREFIX, hashSecret, verifyAccessToken } from './tokens.ts'

/** Who a credential belongs to, and until when (milliseconds since 1970) it is good. */
export type Authentication = { principal: Principal; expires_at: number | null }

export type Authenticate = (token: string) => Promise<Authentication>

/** Refuses with `bad_token`, `expired_token` or `user_inactive`. Asks the database each time. */
export function createAuthenticate(database: Database, secret: string): Authenticate {
  return async (token) => {
    if (token.startsWith(`${AGENT_TOKEN_PREFIX}_`)) return authenticateAgent(database, token)
    const claims = await verifyAccessToken(token, secret)
    const user = await findUserPrincipal(database, claims.user_id)
    if (!user) throw refuse('bad_token', 'The access token is not valid')
    if (!user.is_active) throw refuse('user_inactive', 'The user is inactive')
    const { is_active: _, ...principal } = user
    return { principal, expires_at: claims.expires * 1000 }
  }
}

async function authenticateAgent(database: Database, token: string): Promise<Authentication> {
  const found = await findAgentToken(database, hashSecret(token))
  if (!found) throw refuse('bad_token', 'The token is not valid')
  const expires_at = found.expires_at === null ? null : Date.parse(found.expires_at)
  if (expires_at !== null && expires_at <= Date.now()) throw refuse('expired_token', 'The token has expired')
  return { principal: found.principal, expires_at }
}

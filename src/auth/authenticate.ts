import type { Principal } from '#src/domain/access.ts'
import { refuse } from '#src/domain/errors.ts'
import { findUserPrincipal } from '#src/store/access.ts'
import type { Database } from '#src/store/database.ts'
import { verifyAccessToken } from './tokens.ts'

/** Who a credential belongs to, and until when (milliseconds since 1970) it is good. */
export type Authentication = { principal: Principal; expires_at: number | null }

export type Authenticate = (token: string) => Promise<Authentication>

/** Refuses with `bad_token`, `expired_token` or `user_inactive`. Asks the database each time. */
export function createAuthenticate(database: Database, secret: string): Authenticate {
  return async (token) => {
    const claims = await verifyAccessToken(token, secret)
    const user = await findUserPrincipal(database, claims.user_id)
    if (!user) throw refuse('bad_token', 'The access token is not valid')
    if (!user.is_active) throw refuse('user_inactive', 'The user is inactive')
    const { is_active: _, ...principal } = user
    return { principal, expires_at: claims.expires * 1000 }
  }
}

import { createHash, randomBytes } from 'node:crypto'
import { sign, verify } from 'hono/jwt'
import { JwtTokenExpired } from 'hono/utils/jwt/types'
import * as v from 'valibot'
import { refuse } from '#src/domain/errors.ts'

export const ACCESS_TOKEN_SECONDS = 15 * 60
export const REFRESH_TOKEN_SECONDS = 7 * 24 * 60 * 60

/** What the token of one agent's runtime begins with. */
export const AGENT_TOKEN_PREFIX = 'sba'

const claimsSchema = v.object({
  sub: v.pipe(v.string(), v.uuid()),
  iat: v.number(),
  exp: v.number(),
  type: v.literal('access'),
})

/** What an access token says: its user, and when it ends (seconds since 1970). */
export type AccessClaims = { user_id: string; expires: number }

const ALGORITHM = 'HS256'

export function signAccessToken(user_id: string, secret: string): Promise<string> {
  const iat = Math.floor(Date.now() / 1000)
  return sign({ sub: user_id, iat, exp: iat + ACCESS_TOKEN_SECONDS, type: 'access' }, secret, ALGORITHM)
}

/** Refuses with `expired_token` or `bad_token`. The algorithm is ours, whatever the token's header says. */
export async function verifyAccessToken(token: string, secret: string): Promise<AccessClaims> {
  let payload: unknown
  try {
    payload = await verify(token, secret, ALGORITHM)
  } catch (error) {
    if (error instanceof JwtTokenExpired) throw refuse('expired_token', 'The access token has expired')
    throw refuse('bad_token', 'The access token is not valid')
  }
  const claims = v.safeParse(claimsSchema, payload)
  if (!claims.success) throw refuse('bad_token', 'The access token is not valid')
  return { user_id: claims.output.sub, expires: claims.output.exp }
}

/** A random secret with a prefix that says what it is, and the only form in which it is stored. */
export function createSecret(prefix: string): { secret: string; hash: string } {
  const secret = `${prefix}_${randomBytes(32).toString('base64url')}`
  return { secret, hash: hashSecret(secret) }
}

export function hashSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('hex')
}

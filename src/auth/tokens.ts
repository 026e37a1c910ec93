import { createHash, createHmac, hkdfSync, randomBytes } from 'node:crypto'
import { sign, verify } from 'hono/jwt'
import { JwtTokenSignatureMismatched } from 'hono/utils/jwt/types'
import * as v from 'valibot'
import { refuse } from '#src/domain/errors.ts'

export const ACCESS_TOKEN_SECONDS = 15 * 60
export const REFRESH_TOKEN_SECONDS = 7 * 24 * 60 * 60

/** The prefixes of API keys and of agents' tokens. */
export const API_KEY_PREFIX = 'sbx'
export const AGENT_TOKEN_PREFIX = 'sba'

export function isKey(token: string): boolean {
  return token.startsWith(`${API_KEY_PREFIX}_`) || token.startsWith(`${AGENT_TOKEN_PREFIX}_`)
}

/** The first key signs access tokens, and all are accepted, so that an operator can change keys. */
export type TokenKeys = readonly [string, ...string[]]

const claimsSchema = v.object({
  sub: v.pipe(v.string(), v.uuid()),
  iat: v.pipe(v.number(), v.finite()),
  nbf: v.optional(v.pipe(v.number(), v.finite())),
  exp: v.pipe(v.number(), v.finite()),
  type: v.literal('access'),
  // The family of its refresh tokens. Servers of the previous release leave it out.
  sid: v.optional(v.pipe(v.string(), v.uuid())),
})

/** The user and the sign-in of an access token, and when it expires (seconds since 1970). */
export type AccessClaims = { user_id: string; session_id: string | undefined; expires: number }

const ALGORITHM = 'HS256'
/** How far ahead the signer's clock may be: servers of the previous release use their machine's clock. */
const MAX_SKEW_SECONDS = 60

/** `now`: milliseconds since 1970, by the database's clock. */
export function signAccessToken(
  { user_id, session_id }: { user_id: string; session_id: string },
  [key]: TokenKeys,
  now: number,
): Promise<string> {
  const iat = Math.floor(now / 1000)
  const claims = { sub: user_id, sid: session_id, iat, exp: iat + ACCESS_TOKEN_SECONDS, type: 'access' }
  return sign(claims, key, ALGORITHM)
}

/** Tokens of some 250 bytes whose signature was checked. Beyond it the oldest 100 are forgotten, and checked again. */
const MAX_KNOWN_TOKENS = 10_000

/**
 * Verifies access tokens; refuses with `expired_token` or `bad_token`. The token's header does not choose the algorithm. A
 * signature is checked once, since it stays good; the times are checked on each call.
 */
export function createTokenVerifier(
  keys: TokenKeys,
  now: () => number,
): (token: string) => Promise<AccessClaims> {
  const known = new Map<string, Claims>()
  return async (token) => {
    const claims = known.get(token) ?? (await readClaims(token, keys))
    const verified = checkTimes(claims, Math.floor(now() / 1000))
    if (!known.has(token)) {
      for (const oldest of known.size < MAX_KNOWN_TOKENS ? [] : [...known.keys()].slice(0, 100))
        known.delete(oldest)
      known.set(token, claims)
    }
    return verified
  }
}

type Claims = v.InferOutput<typeof claimsSchema>

function checkTimes({ sub, sid, iat, nbf = iat, exp }: Claims, now: number): AccessClaims {
  if (exp <= now) throw refuse('expired_token', 'The access token has expired')
  if (Math.max(iat, nbf) > now + MAX_SKEW_SECONDS) throw badToken()
  return { user_id: sub, session_id: sid, expires: exp }
}

async function readClaims(token: string, keys: TokenKeys): Promise<Claims> {
  const claims = v.safeParse(claimsSchema, await readPayload(token, keys))
  if (!claims.success) throw badToken()
  return claims.output
}

/** The payload, if one of the keys signed it. Its times are checked later. */
async function readPayload(token: string, keys: TokenKeys): Promise<unknown> {
  for (const key of keys) {
    try {
      return await verify(token, key, { alg: ALGORITHM, exp: false, iat: false, nbf: false })
    } catch (error) {
      if (!(error instanceof JwtTokenSignatureMismatched)) throw badToken()
    }
  }
  throw badToken()
}

function badToken() {
  return refuse('bad_token', 'The access token is not valid')
}

/** A random secret with a prefix that shows its kind, and the hash, which is all that is stored. */
export function createSecret(prefix: string): { secret: string; hash: string } {
  const secret = `${prefix}_${randomBytes(32).toString('base64url')}`
  return { secret, hash: hashSecret(secret) }
}

const REFRESH_TOKEN_PREFIX = 'sbr'

export function createRefreshToken(): string {
  return createSecret(REFRESH_TOKEN_PREFIX).secret
}

/**
 * The possible successors of a refresh token, one for each key; the first is the one to give. A successor is derived, so
 * that a repeated request gets the same one although only hashes are stored. Without a key it cannot be derived.
 */
export function successorsOf(refresh_token: string, [newest, ...others]: TokenKeys): [string, ...string[]] {
  const by = (secret: string) => {
    const key = new Uint8Array(hkdfSync('sha256', secret, '', 'signalbox refresh tokens', 32))
    return `${REFRESH_TOKEN_PREFIX}_${createHmac('sha256', key).update(refresh_token).digest('base64url')}`
  }
  return [by(newest), ...others.map(by)]
}

export function hashSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('hex')
}

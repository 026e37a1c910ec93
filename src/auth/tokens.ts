import { createHash, randomBytes } from 'node:crypto'
import { sign, verify } from 'hono/jwt'
import { JwtTokenSignatureMismatched } from 'hono/utils/jwt/types'
import * as v from 'valibot'
import { refuse } from '#src/domain/errors.ts'

export const ACCESS_TOKEN_SECONDS = 15 * 60
export const REFRESH_TOKEN_SECONDS = 7 * 24 * 60 * 60

/** What API keys and the tokens of agents' runtimes begin with. */
export const API_KEY_PREFIX = 'sbx'
export const AGENT_TOKEN_PREFIX = 'sba'

export function isKey(token: string): boolean {
  return token.startsWith(`${API_KEY_PREFIX}_`) || token.startsWith(`${AGENT_TOKEN_PREFIX}_`)
}

/** The keys that access tokens are signed with: the first signs, all are accepted, so that keys can be changed. */
export type TokenKeys = readonly [string, ...string[]]

const claimsSchema = v.object({
  sub: v.pipe(v.string(), v.uuid()),
  iat: v.pipe(v.number(), v.finite()),
  nbf: v.optional(v.pipe(v.number(), v.finite())),
  exp: v.pipe(v.number(), v.finite()),
  type: v.literal('access'),
})

/** What an access token says: its user, and when it ends (seconds since 1970). */
export type AccessClaims = { user_id: string; expires: number }

const ALGORITHM = 'HS256'
/** How far the clock of the server that signed may be ahead of ours. An end is an end: it gets none of it. */
const MAX_SKEW_SECONDS = 60

export function signAccessToken(user_id: string, [key]: TokenKeys): Promise<string> {
  const iat = Math.floor(Date.now() / 1000)
  return sign({ sub: user_id, iat, exp: iat + ACCESS_TOKEN_SECONDS, type: 'access' }, key, ALGORITHM)
}

/** Tokens whose signature is known to be good; a token is some 250 bytes. */
const MAX_KNOWN_TOKENS = 10_000

/**
 * Verifies access tokens: refuses with `expired_token` or `bad_token`. The algorithm is ours, whatever the
 * token's header says. A signature is checked once, since it stays good; the times are looked at each time.
 */
export function createTokenVerifier(keys: TokenKeys): (token: string) => Promise<AccessClaims> {
  const known = new Map<string, Claims>()
  return async (token) => {
    const claims = known.get(token) ?? (await readClaims(token, keys))
    const verified = checkTimes(claims)
    if (!known.has(token)) {
      for (const oldest of known.size < MAX_KNOWN_TOKENS ? [] : [...known.keys()].slice(0, 100))
        known.delete(oldest)
      known.set(token, claims)
    }
    return verified
  }
}

type Claims = v.InferOutput<typeof claimsSchema>

function checkTimes({ sub, iat, nbf = iat, exp }: Claims): AccessClaims {
  const now = Math.floor(Date.now() / 1000)
  if (exp <= now) throw refuse('expired_token', 'The access token has expired')
  if (Math.max(iat, nbf) > now + MAX_SKEW_SECONDS) throw badToken()
  return { user_id: sub, expires: exp }
}

async function readClaims(token: string, keys: TokenKeys): Promise<Claims> {
  const claims = v.safeParse(claimsSchema, await readPayload(token, keys))
  if (!claims.success) throw badToken()
  return claims.output
}

/** The payload, once the signature is known to be by one of the keys; times are looked at after that. */
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

/** A random secret with a prefix that says what it is, and the only form in which it is stored. */
export function createSecret(prefix: string): { secret: string; hash: string } {
  const secret = `${prefix}_${randomBytes(32).toString('base64url')}`
  return { secret, hash: hashSecret(secret) }
}

export function hashSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('hex')
}

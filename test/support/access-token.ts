import { createHmac } from 'node:crypto'
import { testConfig } from './backends.ts'

const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')

/** A token made by hand, so that nothing of the code under test signs it. */
export function makeToken(
  claims: object,
  { secret = testConfig({}).secretKeys?.[0] ?? '', alg = 'HS256' } = {},
): string {
  const body = `${encode({ alg, typ: 'JWT' })}.${encode(claims)}`
  const hash = alg === 'HS512' ? 'sha512' : 'sha256'
  const signature = alg === 'none' ? '' : createHmac(hash, secret).update(body).digest('base64url')
  return `${body}.${signature}`
}

/** A user's access token that ends in so many seconds; `ends` is when, in milliseconds since 1970. */
export function makeShortToken(user_id: string, seconds: number): { token: string; ends: number } {
  const iat = Math.floor(Date.now() / 1000)
  const exp = iat + seconds
  return { token: makeToken({ sub: user_id, iat, exp, type: 'access' }), ends: exp * 1000 }
}

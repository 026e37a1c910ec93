import { createHash } from 'node:crypto'
import type { Cluster, Redis } from 'ioredis'
import { SignalboxError } from '#src/domain/errors.ts'
import { toLimitKey } from './limit-key.ts'
import { createLimiter, type LimiterWatch } from './limiter.ts'

/** Failed sign-ins to one account from one address in an hour; above it even the right password has to wait. */
const FAILURES = 50
const WINDOW_SECONDS = 60 * 60
const OPERATION = 'sign-in'

type Attempt = { email: string; address: string }

/** Makes a sign-in attempt, unless too many have failed before. Refuses with `rate_limited`. */
export type LimitSignIn = <Result>(attempt: Attempt, signIn: () => Promise<Result>) => Promise<Result>

/**
 * Limits failed sign-ins by account and address together: so nobody can lock another out of an account, and
 * slow guessing gets nowhere.
 */
export function createSignInLimit(
  redis: Redis | Cluster | undefined,
  multiplier: number,
  watch: LimiterWatch,
): LimitSignIn {
  const { insured } = watch
  const window = { name: OPERATION, points: FAILURES, seconds: WINDOW_SECONDS, multiplier, insured }
  const limiter = createLimiter(redis, window)
  watch.made(OPERATION)
  return async ({ email, address }, signIn) => {
    const key = createHash('sha256')
      .update(`${email} ${toLimitKey(address)}`)
      .digest('base64url')
    const failures = await limiter.get(key)
    if (failures && failures.remainingPoints <= 0) {
      const seconds = Math.max(1, Math.ceil(failures.msBeforeNext / 1000))
      const message = 'Too many failed sign-ins'
      watch.rejected(OPERATION)
      throw new SignalboxError('rate_limited', [{ message, field: null }], seconds)
    }
    try {
      return await signIn()
    } catch (error) {
      if (error instanceof SignalboxError && error.kind === 'wrong_login') await limiter.penalty(key)
      throw error
    }
  }
}

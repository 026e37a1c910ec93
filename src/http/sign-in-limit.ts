import { createHash } from 'node:crypto'
import type { Cluster, Redis } from 'ioredis'
import { SignalboxError, WrongPassword } from '#src/domain/errors.ts'
import { FAILED_SIGN_IN_SECONDS, MAX_FAILED_SIGN_INS } from './bounds.ts'
import { toLimitKey } from './client-address.ts'
import { createLimiter, type LimiterWatch } from './limiter.ts'

const OPERATION = 'sign-in'

type Attempt = { email: string; address: string }

/** Makes an attempt with a password, unless too many were wrong before. Refuses with `rate_limited`. */
export type LimitSignIn = <Result>(attempt: Attempt, signIn: () => Promise<Result>) => Promise<Result>

/**
 * Limits failed sign-ins by account and address together: an attacker elsewhere cannot lock an owner out, and slow
 * guessing gets nowhere.
 */
export function createSignInLimit(
  redis: Redis | Cluster | undefined,
  multiplier: number,
  watch: LimiterWatch,
): LimitSignIn {
  const { insured } = watch
  const window = {
    name: OPERATION,
    points: MAX_FAILED_SIGN_INS,
    seconds: FAILED_SIGN_IN_SECONDS,
    multiplier,
    insured,
  }
  const limiter = createLimiter(redis, window)
  watch.made(OPERATION)
  return async ({ email, address }, signIn) => {
    const key = createHash('sha256')
      .update(`${email} ${toLimitKey(address)}`)
      .digest('base64url')
    const failures = await limiter.get(key)
    if (failures && failures.remainingPoints <= 0) {
      const seconds = Math.max(1, Math.ceil(failures.msBeforeNext / 1000))
      const message = 'Too many failed sign-ins: try again later'
      watch.rejected(OPERATION)
      throw new SignalboxError('rate_limited', [{ message, field: null }], seconds)
    }
    try {
      return await signIn()
    } catch (error) {
      if (error instanceof WrongPassword) await limiter.penalty(key)
      throw error
    }
  }
}

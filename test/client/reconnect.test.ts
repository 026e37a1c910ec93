import { assert, constantFrom, double, integer, property, record } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { planReconnect } from '#src/client/connection/reconnect.ts'
import { renewalDelayMs } from '#src/client/connection/tokens.ts'
import { fullJitter } from '#src/domain/full-jitter.ts'
import { closeCodes } from '#src/protocol/close-codes.ts'

const random = double({ min: 0, max: 1, noNaN: true })
const backoff = record({
  first_ms: integer({ min: 1, max: 5_000 }),
  max_ms: integer({ min: 1, max: 60_000 }),
})
const attempt = integer({ min: 0, max: 2_000 })
const half = { backoff: { first_ms: 500, max_ms: 30_000 }, random: 0.5 }

describe('the wait before a reconnect', () => {
  it('is random up to a bound that doubles, and never above the maximum', () => {
    assert(
      property(attempt, backoff, random, (attempt, backoff, random) => {
        const wait = fullJitter(attempt, backoff, random)
        const bound = Math.min(backoff.max_ms, backoff.first_ms * 2 ** attempt)
        expect(wait).toBeGreaterThanOrEqual(0)
        expect(wait).toBeLessThanOrEqual(bound)
        expect(fullJitter(attempt, backoff, 1)).toBe(bound)
        expect(fullJitter(attempt + 1, backoff, random)).toBeGreaterThanOrEqual(wait)
      }),
    )
  })

  it('is exactly what a goodbye asks for', () => {
    assert(
      property(integer({ min: 0, max: 5_000 }), attempt, random, (retry_after_ms, attempt, random) => {
        const plan = planReconnect({ code: 1001, retry_after_ms }, attempt, { ...half, random })
        expect(plan).toEqual({ kind: 'retry', delayMs: retry_after_ms, needsToken: false })
      }),
    )
  })

  it('is longer than the rate window after too many messages', () => {
    const plan = planReconnect({ code: closeCodes.too_many.code }, 0, { ...half, random: 0 })
    expect(plan).toEqual({ kind: 'retry', delayMs: 10_000, needsToken: false })
  })
})

describe('a reconnect', () => {
  const kindOf = (code: number) => planReconnect({ code }, 0, half).kind

  it('does not happen after the codes with "no" in the protocol, and happens after every other', () => {
    const never = Object.values(closeCodes).filter(({ reconnect }) => reconnect === 'no')
    expect(never.length).toBeGreaterThan(0)
    for (const { code } of never) expect(kindOf(code)).toBe('give_up')
    for (const code of [1002, 1007, 1008]) expect(kindOf(code)).toBe('give_up')
    for (const code of [1000, 1001, 1005, 1006, 1011, 1012, 4401, 4408, 4429, 4430, 4999]) {
      expect(kindOf(code)).toBe('retry')
    }
  })

  it('needs a new token only after 4401', () => {
    for (const code of [1001, 1006, 4408, 4429, 4430]) {
      expect(planReconnect({ code }, 0, half)).toMatchObject({ needsToken: false })
    }
    expect(planReconnect({ code: 4401 }, 0, half)).toMatchObject({ needsToken: true })
  })
})

describe('the renewal of a token', () => {
  it('happens well before its end, whatever the clock says, and never in a tight loop', () => {
    const skew = constantFrom(-86_400_000, -1_000, 0, 1_000, 86_400_000)
    assert(
      property(integer({ min: 0, max: 60_000 }), skew, random, (left, skew, random) => {
        const delay = renewalDelayMs(1_000_000 + left, 1_000_000 + skew, random)
        expect(delay).toBeGreaterThanOrEqual(500)
        expect(delay).toBeLessThanOrEqual(30_000)
        if (skew === 0 && left >= 2_000) expect(delay).toBeLessThanOrEqual(left / 2)
      }),
    )
  })
})

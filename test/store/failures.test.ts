import { describe, expect, it } from 'vitest'
import { isRetryable, isUnavailable, lostReference, violatedUnique } from '#src/store/failures.ts'

const failure = (code: string, message = 'failed') => Object.assign(new Error(message), { code })

describe('a failure of the database', () => {
  it('is tried again after a deadlock and a lost race, not otherwise', () => {
    expect([failure('40P01'), failure('40001')].every(isRetryable)).toBe(true)
    expect([failure('23505'), failure('ECONNRESET'), new Error('x'), 'x'].some(isRetryable)).toBe(false)
  })

  it('says whether the server is there for us', () => {
    for (const code of ['57P01', '57P03', '53300', '08006', 'ECONNREFUSED', 'ECONNRESET']) {
      expect(isUnavailable(failure(code))).toBe(true)
    }
    expect(isUnavailable(new Error('Connection terminated unexpectedly'))).toBe(true)
    expect(isUnavailable(new AggregateError([failure('ECONNREFUSED')]))).toBe(true)
    expect(isUnavailable(new Error('wrapped', { cause: failure('ECONNREFUSED') }))).toBe(true)
    for (const error of [failure('23505'), failure('22P02'), new Error('x'), undefined]) {
      expect(isUnavailable(error)).toBe(false)
    }
  })

  it('names the unique constraint that a row ran into', () => {
    expect(violatedUnique(Object.assign(failure('23505'), { constraint: 'projects_slug_unique' }))).toBe(
      'projects_slug_unique',
    )
    expect(violatedUnique(failure('23505', 'duplicate key value violates unique constraint "a_b"'))).toBe(
      'a_b',
    )
    expect(violatedUnique(failure('23503'))).toBeUndefined()
  })

  it('says whether what was referred to is gone', () => {
    expect(lostReference(failure('23503'))).toBe(true)
    expect(lostReference(failure('23505'))).toBe(false)
  })
})

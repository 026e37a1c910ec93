import { describe, expect, it } from 'vitest'
import { isRetryable, isUnavailable, passingFailure, toRefusal, violatedUnique } from '#src/store/failures.ts'

const unreported = (error: unknown) => {
  throw error
}
const failure = (code: string, message = 'failed') => Object.assign(new Error(message), { code })

describe('a failure of the database', () => {
  it('is retried only after a deadlock or a lost race', () => {
    expect([failure('40P01'), failure('40001')].every(isRetryable)).toBe(true)
    expect([failure('23505'), failure('ECONNRESET'), new Error('x'), 'x'].some(isRetryable)).toBe(false)
  })

  it('shows whether the server is available', () => {
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

  it('passes, and drops or keeps its connection, as the table says', () => {
    const table = {
      keep: ['40001', '40P01', '55P03', '57014'],
      drop: [
        ...['08000', '08003', '08006', '08P01', '25P03', '25P04', '26000', '28000', '28P01', '3D000'],
        ...['53000', '53100', '53200', '53300', '53400', '57P01', '57P02', '57P03', '57P04', '57P05'],
        ...['58000', '58030', 'EACCES', 'EAI_AGAIN', 'ECONNREFUSED', 'ECONNRESET', 'EHOSTUNREACH'],
        ...['EMFILE', 'ENETDOWN', 'ENETUNREACH', 'ENOENT', 'ENOTFOUND', 'EPIPE', 'EPROTO', 'ETIMEDOUT'],
        ...['ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_STREAM_DESTROYED'],
      ],
      'drop-all': ['25006'],
    }
    for (const [connection, codes] of Object.entries(table)) {
      expect(codes.map((code) => [code, passingFailure(failure(code))?.connection])).toEqual(
        codes.map((code) => [code, connection]),
      )
    }
    const lasting = ['22P02', '23505', '23514', '25P02', '42601', '42P01', '57000', 'XX000', 'EISDIR', '']
    expect(lasting.filter((code) => passingFailure(failure(code)))).toEqual([])
  })

  it('is refused with what it says about the server', () => {
    const refusals = ['25006', '53100', '58030', '55P03', '57014', '40P01', 'ECONNREFUSED'].map((code) =>
      toRefusal(failure(code), unreported),
    )
    expect(new Set(refusals.map(({ kind, retry_after }) => `${kind} ${retry_after}`))).toEqual(
      new Set(['unavailable 1']),
    )
    expect(refusals.map(({ message }) => message)).toEqual([
      'The database is read-only',
      'The database is out of resources',
      'The database is failing',
      'Other work on the same project held a lock for too long; try again',
      'The database took too long; try again',
      'Other work changed the same things at the same time; try again',
      'The database cannot be reached',
    ])
  })

  it('names the unique constraint that a row violated', () => {
    expect(violatedUnique(Object.assign(failure('23505'), { constraint: 'projects_slug_unique' }))).toBe(
      'projects_slug_unique',
    )
    expect(violatedUnique(failure('23505', 'duplicate key value violates unique constraint "a_b"'))).toBe(
      'a_b',
    )
    expect(violatedUnique(failure('23503'))).toBeUndefined()
  })

  it('is refused with not_found when a row refers to a deleted one', () => {
    expect(toRefusal(failure('23503'), unreported).kind).toBe('not_found')
  })

  it('is reported and refused with internal when no code expects it', () => {
    const reported: unknown[] = []
    const error = failure('23505')
    expect(toRefusal(error, (one) => reported.push(one)).kind).toBe('internal')
    expect(reported).toEqual([error])
  })
})

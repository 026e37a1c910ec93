import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { addMoney, isAtLeast, MAX_MONEY, parseMoney } from '#src/domain/money.ts'

/** Whole ten-thousandths, as an oracle that shares nothing with the code under test. */
const units = fc.bigInt({ min: 0n, max: 99_999_999_999_999n })
const format = (amount: bigint): string => {
  const digits = amount.toString().padStart(5, '0')
  return `${digits.slice(0, -4)}.${digits.slice(-4)}`
}

describe('money', () => {
  it('is the same after it was formatted and parsed', () => {
    fc.assert(
      fc.property(units, (amount) => {
        expect(parseMoney(format(amount))).toBe(format(amount))
      }),
    )
  })

  it('is the same with and without the zeros at its end', () => {
    const short = (text: string) => text.replace(/\.?0+$/, '') || '0'
    fc.assert(
      fc.property(units, (amount) => {
        const text = format(amount)
        expect(parseMoney(text.includes('.') ? short(text) : text)).toBe(text)
      }),
    )
  })

  it('means the same as a number and as a string', () => {
    const safe = fc.integer({ min: 0, max: 2 ** 31 - 1 })
    fc.assert(
      fc.property(safe, (cents) => {
        expect(parseMoney(cents / 100)).toBe(format(BigInt(cents) * 100n))
      }),
    )
  })

  it('adds without losing a ten-thousandth', () => {
    fc.assert(
      fc.property(units, units, (left, right) => {
        expect(addMoney(format(left), format(right))).toBe(format(left + right))
      }),
    )
    expect(addMoney('0.1000', '0.2000')).toBe('0.3000')
    const tenth = Array.from({ length: 10_000 }, () => '0.0001')
    expect(tenth.reduce(addMoney, '0.0000')).toBe('1.0000')
  })

  it('compares as numbers do, not as texts', () => {
    fc.assert(
      fc.property(units, units, (left, right) => {
        expect(isAtLeast(format(left), format(right))).toBe(left >= right)
      }),
    )
    expect(isAtLeast('10.0000', '9.0000')).toBe(true)
    expect(isAtLeast('9.0000', '9.0000')).toBe(true)
  })

  it('goes from 0 to 9,999,999,999.9999', () => {
    expect(MAX_MONEY).toBe('9999999999.9999')
    expect(parseMoney(MAX_MONEY)).toBe(MAX_MONEY)
    expect(parseMoney(9_999_999_999.9999)).toBe(MAX_MONEY)
    expect(parseMoney(0)).toBe('0.0000')
    expect(parseMoney('10000000000')).toBeUndefined()
    expect(parseMoney(10_000_000_000)).toBeUndefined()
  })

  it('has at most four decimal places', () => {
    const fifth = fc.tuple(units, fc.integer({ min: 0, max: 9 }))
    fc.assert(
      fc.property(fifth, ([amount, digit]) => {
        expect(parseMoney(`${format(amount)}${digit}`)).toBeUndefined()
      }),
    )
    expect(parseMoney(0.00001)).toBeUndefined()
    expect(parseMoney(1e-7)).toBeUndefined()
    expect(parseMoney(0.1 + 0.2)).toBeUndefined()
  })

  it.each([
    -0.0001,
    -1,
    '-1',
    '-0.0001',
    '+1',
    '1e3',
    '1e-7',
    1e21,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    '',
    ' ',
    ' 1',
    '1 ',
    '1\n',
    '.5',
    '5.',
    '1,5',
    '0x10',
    '１',
    '1.2.3',
    'NaN',
    'Infinity',
  ])('is not %j', (input) => {
    expect(parseMoney(input)).toBeUndefined()
  })

  it('has four places or is undefined, for any input', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.double(), fc.float()), (input) => {
        expect(parseMoney(input) ?? '0.0000').toMatch(/^(0|[1-9]\d{0,9})\.\d{4}$/)
      }),
    )
  })
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { findInexactNumber } from '#src/domain/json.ts'

describe('a number in JSON', () => {
  it.each([
    ...['0', '0.0', '0e9', '1', '-1', '1.0', '1.10', '1e3', '1E+3', '10e-1', '-0.5', '0.1', '1e-7', '5e-324'],
    ...['9007199254740991', '1546130668394913800', '1.7976931348623157e308', '0.30000000000000004', '1e21'],
    ...[
      '100000000000000000000',
      '0.00000000000000000000000000001',
      '12345678901234567e2'.replace('7e2', '0e2'),
    ],
  ])('%s is kept', (literal) => {
    expect(findInexactNumber(`{"a":[${literal}]}`)).toBeUndefined()
  })

  it.each([
    ...['-0', '-0.0', '-0e5', '1e400', '-1e400', '1e-400', '1546130668394913822', '9007199254740993'],
    ...[
      '0.1000000000000000055511151231257827',
      '1.00000000000000001',
      `1${'0'.repeat(400)}`,
      '123456789012345678e1',
    ],
  ])('%s would be another one, and is found with its place', (literal) => {
    const text = `{"a , b":"x: -0, 1e400","c":{"d":[1,{"e\\"":[]},\n ${literal} ]}}`
    expect(findInexactNumber(text)).toEqual({ literal, path: ['c', 'd', 2] })
    expect(findInexactNumber(literal)).toEqual({ literal, path: [] })
  })

  it('is distinguished from text that looks like one', () => {
    for (const text of ['"-0"', '{"1e400":"\\\\\\", 1e400"}', '["2026-01-01T00:00:00Z","a:-0"]']) {
      expect(findInexactNumber(text)).toBeUndefined()
    }
  })

  it('that a double holds is kept, and any other is refused', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(findInexactNumber(JSON.stringify(value))).toBeUndefined()
      }),
    )
    fc.assert(
      fc.property(fc.bigInt({ min: 2n ** 53n, max: 2n ** 90n }), (whole) => {
        const isKept = BigInt(Number(whole).toLocaleString('en', { useGrouping: false })) === whole
        expect(findInexactNumber(`[${whole}]`) === undefined).toBe(isKept)
      }),
    )
  })

  it('is found in linear time', () => {
    const worst = [
      `[${'1e0,'.repeat(60_000)}1]`,
      `[0.${'0'.repeat(250_000)}1]`,
      `"${', -0'.repeat(60_000)}"`,
      `[${'"\\\\",'.repeat(50_000)}-0.1]`,
      '1'.repeat(250_000),
    ]
    for (const text of worst) {
      const began = performance.now()
      findInexactNumber(text)
      expect(performance.now() - began, text.slice(0, 20)).toBeLessThan(500)
    }
  })
})

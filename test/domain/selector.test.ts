import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SignalboxError } from '#src/domain/errors.ts'
import { matches, parseSelector, type Selector, type SelectorTerm } from '#src/domain/selector.ts'

const term = (key: string, is: SelectorTerm['is'], ...values: string[]): SelectorTerm => ({ key, is, values })

function refusalOf(text: string) {
  try {
    parseSelector(text)
  } catch (error) {
    if (!(error instanceof SignalboxError)) throw error
    const [problem] = error.problems
    return {
      kind: error.kind,
      field: problem?.field,
      at: Number(/ at position (\d+)$/.exec(error.message)?.[1]),
    }
  }
  return undefined
}

describe('a selector', () => {
  it('has a term for each requirement', () => {
    expect(
      parseSelector('team=support,env!=prod,tier in (gold,silver),zone notin (a,b),gpu,!legacy'),
    ).toEqual([
      term('team', 'in', 'support'),
      term('env', 'not_in', 'prod'),
      term('tier', 'in', 'gold', 'silver'),
      term('zone', 'not_in', 'a', 'b'),
      term('gpu', 'present'),
      term('legacy', 'absent'),
    ])
  })

  it.each<[string, SelectorTerm[]]>([
    ['', []],
    [' \t\r\n', []],
    ['a==b', [term('a', 'in', 'b')]],
    ['  a \t= b\n,\r! c ', [term('a', 'in', 'b'), term('c', 'absent')]],
    ['a=', [term('a', 'in', '')]],
    ['a!=,b', [term('a', 'not_in', ''), term('b', 'present')]],
    ['a in(b)', [term('a', 'in', 'b')]],
    ['a  notin  ( b , c )', [term('a', 'not_in', 'b', 'c')]],
    ['a in (b,b,)', [term('a', 'in', 'b', '')]],
    ['a in (,)', [term('a', 'in', '')]],
    ['in in (in,notin),notin', [term('in', 'in', 'in', 'notin'), term('notin', 'present')]],
    ['example.org/tier_1=v1.2-b_3', [term('example.org/tier_1', 'in', 'v1.2-b_3')]],
    ['a=1,a=2', [term('a', 'in', '1'), term('a', 'in', '2')]],
    [`${'k'.repeat(63)}=${'v'.repeat(63)}`, [term('k'.repeat(63), 'in', 'v'.repeat(63))]],
    [Array(20).fill('a').join(), Array(20).fill(term('a', 'present'))],
    [`a${' '.repeat(999)}`, [term('a', 'present')]],
  ])('is read from %j', (text, terms) => {
    expect(parseSelector(text)).toEqual(terms)
  })

  it.each([
    [',', 1],
    ['a,', 3],
    ['a,,b', 3],
    ['=b', 1],
    ['!', 2],
    ['!!a', 2],
    ['!a=b', 3],
    ['a b', 3],
    ['a===b', 4],
    ['a=b c', 5],
    ['a=(', 3],
    ['a>1', 2],
    ['a~b', 2],
    ['a;b', 2],
    ['a in b', 6],
    ['a in', 5],
    ['a in ()', 7],
    ['a in (b', 8],
    ['a in (b c)', 9],
    ['a in (b=c)', 8],
    ['a in (b))', 9],
    ['a in b)', 6],
    ['(a)', 1],
    ['a=b\u00a0', 4],
    ['a=b,\u{1f600}', 5],
    ['a=b,-c', 5],
    ['__proto__', 1],
    [`${'k'.repeat(64)}=a`, 1],
    ['a=b/c', 3],
    ['a=-', 3],
    [`a in (b,${'v'.repeat(64)})`, 9],
    [`${'a,'.repeat(20)}b`, 41],
    ['a'.repeat(1001), 1001],
    ['\u{1f600}'.repeat(1001), 1001],
  ])('is refused: %j, at position %i', (text, at) => {
    expect(refusalOf(text)).toEqual({ kind: 'invalid', field: 'selector', at })
  })
})

describe('matching', () => {
  it('holds for !=, notin and ! where the key is missing, and for nothing else', () => {
    for (const text of ['a!=b', 'a notin (b,c)', '!a', ''])
      expect(matches(parseSelector(text), {}), text).toBe(true)
    for (const text of ['a=b', 'a in (b,c)', 'a', 'a='])
      expect(matches(parseSelector(text), {}), text).toBe(false)
  })

  it('knows no keys but those of the labels', () => {
    expect(matches(parseSelector('constructor'), {})).toBe(false)
    expect(matches(parseSelector('constructor=x'), { constructor: 'x' })).toBe(true)
  })

  it('tells an empty value from a missing one', () => {
    expect(matches(parseSelector('a='), { a: '' })).toBe(true)
    expect(matches(parseSelector('!a'), { a: '' })).toBe(false)
    expect(matches(parseSelector('a'), { a: '' })).toBe(true)
  })
})

// Few keys and values, so that terms and labels meet.
const key = fc.constantFrom('a', 'b', 'in', 'constructor')
const value = fc.constantFrom('', 'x', 'y', 'notin')
const values = fc.uniqueArray(value, { minLength: 1, maxLength: 3 })
const anyTerm = fc.oneof(
  fc.record({ key, is: fc.constantFrom('in' as const, 'not_in' as const), values }),
  fc.record({ key, is: fc.constantFrom('present' as const, 'absent' as const), values: fc.constant([]) }),
)
const anySelector = fc.array(anyTerm, { maxLength: 20 })
const anyLabels = fc.dictionary(key, value, { noNullPrototype: true })
const gap = fc.constantFrom('', ' ', '\t', '\r\n', '  ')

/** A term in one of its spellings. `gaps` and `spelling` choose which. */
function write({ key, is, values }: SelectorTerm, [one, two]: [string, string], spelling: number): string {
  if (is === 'present') return `${one}${key}${two}`
  if (is === 'absent') return `${one}!${two}${key}`
  const [only = ''] = values
  const operator = is === 'in' ? (spelling === 0 ? '=' : '==') : '!='
  if (values.length === 1 && spelling < 2) return `${one}${key}${two}${operator}${one}${only}${two}`
  // `()` has no value, and `(,)` an empty one.
  const list = values.length === 1 && only === '' ? ',' : values.join(`${one},${two}`)
  return `${one}${key} ${is === 'in' ? 'in' : 'notin'}${two}(${one}${list}${two})`
}

/** The meaning of each term as the contract's sentences have it. */
function expectMatch(selector: Selector, labels: Record<string, string>): boolean {
  const has = new Map(Object.entries(labels))
  const meaning = {
    in: ({ key, values }: SelectorTerm) => values.some((value) => has.has(key) && has.get(key) === value),
    not_in: ({ key, values }: SelectorTerm) =>
      !has.has(key) || values.every((value) => has.get(key) !== value),
    present: ({ key }: SelectorTerm) => has.has(key),
    absent: ({ key }: SelectorTerm) => !has.has(key),
  }
  return selector.filter((one) => !meaning[one.is](one)).length === 0
}

describe('any selector', () => {
  it('is the same after it was written and read', () => {
    const spelled = fc.array(fc.tuple(anyTerm, fc.tuple(gap, gap), fc.nat(2)), { maxLength: 20 })
    fc.assert(
      fc.property(spelled, (terms) => {
        const text = terms.map(([term, gaps, spelling]) => write(term, gaps, spelling)).join(',')
        expect(parseSelector(text)).toEqual(terms.map(([term]) => term))
      }),
    )
  })

  it('matches what its terms say', () => {
    fc.assert(
      fc.property(anySelector, anyLabels, (selector, labels) => {
        expect(matches(selector, labels)).toBe(expectMatch(selector, labels))
      }),
      { numRuns: 1_000 },
    )
  })

  it('is read or refused with a position inside the text, whatever the text', () => {
    const pieces = fc.constantFrom(
      'a',
      'b-',
      '=',
      '==',
      '!',
      '(',
      ')',
      ',',
      ' ',
      'in',
      ' in ',
      'notin',
      'é',
      '>',
      '/',
    )
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 12 }), (parts) => {
        const text = parts.join('')
        const refusal = refusalOf(text)
        if (!refusal) return
        expect(refusal).toMatchObject({ kind: 'invalid', field: 'selector' })
        expect(refusal.at).toBeGreaterThanOrEqual(1)
        expect(refusal.at).toBeLessThanOrEqual([...text].length + 1)
        // What comes before the mistake is the beginning of some selector.
        expect(refusalOf(text.slice(0, refusal.at - 1))?.at ?? refusal.at).toBe(refusal.at)
      }),
    )
  })
})

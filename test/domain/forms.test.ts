import { describe, expect, it } from 'vitest'
import { checkForm, type FormField, findMistake } from '#src/domain/forms.ts'

const titled = [
  { const: 's', title: 'Small' },
  { const: 'l', title: 'Large' },
]

/** A field, values that satisfy it, and values that don't. */
const cases: [string, FormField, unknown[], unknown[]][] = [
  ['a text', { type: 'string' }, ['', 'x'.repeat(10_000)], [null, 1, true, [], {}]],
  ['a short text', { type: 'string', minLength: 2, maxLength: 3 }, ['ab', '☂😀x'], ['a', '😀', 'abcd']],
  ['a number', { type: 'number' }, [0, -1.5, 1e300], ['1', null, true]],
  ['a number in a range', { type: 'number', minimum: -1, maximum: 2.5 }, [-1, 2.5, 0], [-1.01, 2.51]],
  ['a whole number', { type: 'integer', minimum: 1 }, [1, 2e9], [0, 1.5, '2']],
  ['a flag', { type: 'boolean' }, [true, false], ['true', 0, null]],
  ['a choice', { type: 'string', enum: ['a', 'b'] }, ['a', 'b'], ['', 'c', 1, ['a']]],
  ['a choice with titles', { type: 'string', oneOf: titled }, ['s', 'l'], ['Small', 'm']],
  ['choices', { type: 'array', items: { enum: ['a', 'b'] } }, [[], ['b', 'a']], ['a', ['c'], [1], {}, null]],
  [
    'some choices with titles',
    { type: 'array', items: { anyOf: titled }, minItems: 1, maxItems: 2 },
    [['s'], ['s', 'l']],
    [[], ['s', 'l', 's'], ['Small']],
  ],
  [
    'an e-mail address',
    { type: 'string', format: 'email' },
    ['a@b', "o'neil+x@mail.example.org", `${'x'.repeat(64)}@example.org`],
    ['', 'a', '@b', 'a@', 'a b@c.d', 'a@b..c', 'a@-b', 'a@b c', `${'x'.repeat(65)}@b`, 'a@b.', 'ä@b'],
  ],
  [
    'a URI',
    { type: 'string', format: 'uri' },
    ['https://example.org/a?b=%20#c', 'mailto:a@b', 'urn:isbn:1', 'HTTP://X'],
    ['', 'example.org', '/a', 'http://', 'http://a b', 'http://ä.org', 'x:%2', '1a:b', 'http://a:b:c'],
  ],
  [
    'a date',
    { type: 'string', format: 'date' },
    ['2026-11-23', '2024-02-29'],
    ['2026-02-29', '2026-13-01', '2026-1-1', '23.11.2026', '2026-11-23T00:00:00Z', ' 2026-11-23'],
  ],
  [
    'a time',
    { type: 'string', format: 'date-time' },
    ['2026-11-23T18:03:11Z', '2026-11-23t18:03:11.204+01:00'],
    ['2026-11-23', '2026-11-23 18:03:11Z', '2026-11-23T18:03:11', '2026-02-30T00:00:00Z'],
  ],
]

describe('a form', () => {
  it.each(cases)('takes %s', (_, field, right, wrong) => {
    expect(right.map((value) => findMistake(field, value))).toEqual(right.map(() => undefined))
    expect(wrong.map((value) => typeof findMistake(field, value))).toEqual(wrong.map(() => 'string'))
  })

  const form = {
    properties: { name: { type: 'string' }, age: { type: 'integer' } },
    required: ['name', 'age'],
  } as const
  const check = (filled: object) =>
    checkForm({ ...form, required: [...form.required] }, filled, 'payload').map(({ field, message }) => [
      field,
      message,
    ])

  it('names each mistake: wrong values, missing ones and unknown ones', () => {
    expect(check({ name: 'Ada', age: 36 })).toEqual([])
    expect(check({ name: 1, toString: 1, more: { a: 1 } })).toEqual([
      ['payload.name', 'Must be a text'],
      ['payload.age', 'Field required'],
      ['payload.toString', 'Unknown field'],
      ['payload.more', 'Unknown field'],
    ])
  })

  it('is not fooled by names that every object has', () => {
    const named = { properties: JSON.parse('{"__proto__":{"type":"boolean"},"toString":{"type":"string"}}') }
    expect(checkForm(named, JSON.parse('{"__proto__":true}'), 'p')).toEqual([])
    expect(checkForm({ ...named, required: ['toString'] }, {}, 'p')).toMatchObject([{ field: 'p.toString' }])
    expect(checkForm(named, JSON.parse('{"__proto__":1}'), 'p')).toMatchObject([{ field: 'p.__proto__' }])
  })

  it.each(['email', 'uri', 'date', 'date-time'] as const)('checks a long %s in no time', (format) => {
    const begun = performance.now()
    for (const letter of ['a', 'a.', '@', '-', ':', '%', '%2', 'a@', '0', 'a:']) {
      findMistake({ type: 'string', format }, letter.repeat(100_000))
      findMistake({ type: 'string', format }, `a@${letter.repeat(100_000)}!`)
      findMistake({ type: 'string', format }, `a:${letter.repeat(100_000)} `)
    }
    expect(performance.now() - begun).toBeLessThan(2_000)
  })
})

import { describe, expect, it } from 'vitest'
import { clientMessages } from '#src/protocol/messages/up.ts'
import { checkObject } from '#src/protocol/problems.ts'
import { UNKNOWN } from '../http/suite.ts'

const frame = { type: 'request', agent_id: UNKNOWN, request_id: 'q', reason: 'confirmation', message: 'Go?' }
const check = (own: object) => checkObject(clientMessages.request, { ...frame, ...own })
const form = (properties: object, own: object = {}) => ({
  response_schema: { type: 'object', properties, ...own },
})
const fieldsOf = (own: object) => check(own).problems.map(({ field }) => field)
const titled = [{ const: 'a', title: 'A' }]

/** Every kind of field with everything it may have, in an order that no database would keep. */
const everything = {
  zip: {
    type: 'string',
    minLength: 1,
    maxLength: 9,
    default: '8001',
    title: 'ZIP',
    description: 'Of the office',
  },
  mail: { type: 'string', format: 'email', default: 'a@b' },
  site: { type: 'string', format: 'uri' },
  day: { type: 'string', format: 'date', default: '2026-11-23' },
  at: { type: 'string', format: 'date-time' },
  share: { type: 'number', minimum: 0.5, maximum: 1.5, default: 1 },
  count: { type: 'integer', minimum: 0, default: 3 },
  sure: { type: 'boolean', default: false },
  one: { type: 'string', enum: ['a', 'b'], default: 'a' },
  named: { type: 'string', enum: ['a', 'b'], enumNames: ['A', 'B'] },
  either: { type: 'string', oneOf: titled, default: 'a' },
  some: {
    type: 'array',
    items: { type: 'string', enum: ['a', 'b'] },
    minItems: 1,
    maxItems: 2,
    default: ['a'],
  },
  others: { type: 'array', items: { anyOf: titled }, default: [] },
  ['__proto__']: { type: 'boolean' },
}

describe('a form in a request', () => {
  it('may have every kind of field, and comes out as it was, in its order', () => {
    const asked = form(everything, {
      required: ['zip', 'others'],
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      title: 'Where',
      description: 'For the parcel',
      additionalProperties: false,
    })
    const { problems, output } = check(asked)
    expect(problems).toEqual([])
    expect(JSON.stringify((output as typeof asked).response_schema)).toBe(
      JSON.stringify(asked.response_schema),
    )
  })

  const schema = 'response_schema'
  const x = `${schema}.properties.x`
  it.each<[string, object, string[]]>([
    ['is no object', { response_schema: [] }, [schema]],
    ['has another type', { response_schema: { type: 'array', properties: {} } }, [`${schema}.type`]],
    ['has no properties', { response_schema: { type: 'object' } }, [`${schema}.properties`]],
    ['has a list of properties', form([]), [`${schema}.properties`]],
    ['has unknown keys', form({}, { $defs: {} }), [`${schema}.$defs`]],
    [
      'requires what it does not have',
      form({ x: { type: 'boolean' } }, { required: ['x', 'y'] }),
      [`${schema}.required.1`],
    ],
    ['has a property that is no object', form({ x: true }), [x]],
    ['has a property without a type', form({ x: {} }), [`${x}.type`]],
    ['has an object in it', form({ x: { type: 'object', properties: {} } }), [`${x}.type`]],
    ['has a null', form({ x: { type: 'null' } }), [`${x}.type`]],
    ['has several types', form({ x: { type: ['string', 'null'] } }), [`${x}.type`]],
    ['refers', form({ x: { $ref: '#/y' } }), [`${x}.type`]],
    ['has a pattern', form({ x: { type: 'string', pattern: '(a+)+$' } }), [`${x}.pattern`]],
    ['has an unknown format', form({ x: { type: 'string', format: 'regex' } }), [`${x}.format`]],
    ['has a negative length', form({ x: { type: 'string', minLength: -1 } }), [`${x}.minLength`]],
    ['has a length that is no number', form({ x: { type: 'string', maxLength: '9' } }), [`${x}.maxLength`]],
    ['takes no length', form({ x: { type: 'string', minLength: 2, maxLength: 1 } }), [`${x}.maxLength`]],
    ['takes no number', form({ x: { type: 'number', minimum: 2, maximum: 1 } }), [`${x}.maximum`]],
    ['has a length for a number', form({ x: { type: 'integer', minLength: 1 } }), [`${x}.minLength`]],
    ['has choices that are no texts', form({ x: { type: 'string', enum: [1] } }), [`${x}.enum.0`]],
    ['has no choices', form({ x: { type: 'string', enum: [] } }), [`${x}.enum`]],
    [
      'has too few names',
      form({ x: { type: 'string', enum: ['a', 'b'], enumNames: ['A'] } }),
      [`${x}.enumNames`],
    ],
    [
      'has a choice without a title',
      form({ x: { type: 'string', oneOf: [{ const: 'a' }] } }),
      [`${x}.oneOf.0.title`],
    ],
    ['has a list of anything', form({ x: { type: 'array' } }), [`${x}.items`]],
    ['has a list of texts', form({ x: { type: 'array', items: { type: 'string' } } }), [`${x}.items.enum`]],
    ['has a default of another type', form({ x: { type: 'string', default: 1 } }), [`${x}.default`]],
    [
      'has a default that is too long',
      form({ x: { type: 'string', maxLength: 1, default: 'ab' } }),
      [`${x}.default`],
    ],
    [
      'has a default that is no address',
      form({ x: { type: 'string', format: 'email', default: 'a' } }),
      [`${x}.default`],
    ],
    [
      'has a default that is no choice',
      form({ x: { type: 'string', enum: ['a'], default: 'b' } }),
      [`${x}.default`],
    ],
    [
      'has defaults that are no choices',
      form({ x: { type: 'array', items: { anyOf: titled }, default: ['b'] } }),
      [`${x}.default`],
    ],
    [
      'has a default below the minimum',
      form({ x: { type: 'integer', minimum: 2, default: 1 } }),
      [`${x}.default`],
    ],
    [
      'has two mistakes',
      form({ x: { type: 'boolean', default: 'no' }, y: 1 }),
      [`${x}.default`, `${schema}.properties.y`],
    ],
  ])('is refused if it %s, and the place is named', (_, own, fields) => {
    expect(fieldsOf(own)).toEqual(fields)
  })

  it('has at most 32 properties and 16 KiB', () => {
    const many = (count: number) =>
      form(Object.fromEntries(Array.from({ length: count }, (_, n) => [`p${n}`, { type: 'boolean' }])))
    expect([fieldsOf(many(32)), fieldsOf(many(33))]).toEqual([[], [`${schema}.properties`]])
    const sized = (bytes: number) => {
      const empty = form({ x: { type: 'string', title: '' } })
      const title = '☂'.repeat(3).padEnd(bytes - JSON.stringify(empty.response_schema).length - 6, 'x')
      return form({ x: { type: 'string', title } })
    }
    expect([fieldsOf(sized(16 * 1024)), fieldsOf(sized(16 * 1024 + 1))]).toEqual([[], [schema]])
  })
})

describe('a request', () => {
  const option = { id: 'a', label: 'A', kind: 'other' }
  const call = { id: 'c', name: 'n', arguments: {} }
  it.each<[string, object, string[]]>([
    ['no id of the runtime', { request_id: '' }, ['request_id']],
    ['a long id', { request_id: 'x'.repeat(129) }, ['request_id']],
    ['an unknown reason', { reason: 'other' }, ['reason']],
    ['a reason with a bad name', { reason: 'ns:Name' }, ['reason']],
    ['a reason with a long name', { reason: `ns:${'x'.repeat(65)}` }, ['reason']],
    ['no message', { message: '' }, ['message']],
    ['a long message', { message: 'x'.repeat(4_001) }, ['message']],
    ['a call without arguments', { tool_call: { id: 'c', name: 'n' } }, ['tool_call.arguments']],
    ['a call with a list', { tool_call: { ...call, arguments: [] } }, ['tool_call.arguments']],
    ['a call with more', { tool_call: { ...call, more: 1 } }, ['tool_call.more']],
    ['a large call', { tool_call: { ...call, arguments: { x: 'x'.repeat(16 * 1024) } } }, ['tool_call']],
    [
      'too many options',
      { options: Array.from({ length: 9 }, (_, n) => ({ ...option, id: `${n}` })) },
      ['options'],
    ],
    ['the same option twice', { options: [option, option] }, ['options']],
    ['an option of no kind', { options: [{ ...option, kind: 'maybe' }] }, ['options.0.kind']],
    [
      'an option with a long label',
      { options: [{ ...option, label: 'x'.repeat(101) }] },
      ['options.0.label'],
    ],
    ['a time that is none', { expires_at: 'soon' }, ['expires_at']],
    ['large metadata', { metadata: { x: 'x'.repeat(4 * 1024) } }, ['metadata']],
    ['the end as its status', { status: 'terminated' }, ['status']],
    ['unknown fields', { expires_in: 7 }, ['expires_in']],
  ])('is refused with %s', (_, own, fields) => {
    expect(fieldsOf(own)).toEqual(fields)
  })

  it('may have everything, up to its largest', () => {
    const own = {
      id: 'f',
      request_id: '☂'.repeat(128),
      reason: `${'a'.repeat(64)}:${'0.-_'.repeat(16)}`,
      message: '😀'.repeat(4_000),
      tool_call: { id: 'c'.repeat(255), name: 'n'.repeat(255), arguments: { b: 1, a: [{}] } },
      options: Array.from({ length: 8 }, (_, n) => ({ ...option, id: `${n}`, label: 'x'.repeat(100) })),
      expires_at: '2026-11-23T18:03:11+01:00',
      metadata: { thread: 7 },
      status: 'waiting',
    }
    const { problems, output } = check(own)
    expect(problems).toEqual([])
    expect(output).toEqual({
      ...frame,
      ...own,
      expires_at: '2026-11-23T17:03:11.000Z',
      response_schema: null,
    })
    expect(Object.keys((output as typeof own).tool_call.arguments)).toEqual(['b', 'a'])
    expect(check({ options: [] }).output).toMatchObject({ options: null, tool_call: null, metadata: null })
  })
})

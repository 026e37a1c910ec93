import fc from 'fast-check'

/**
 * JSON made from a schema, and then spoilt. What no JavaScript value can say in JSON (a number beyond all
 * numbers, a nesting that would overflow a stack) is a token, written `"@raw:…"` until the text is made; the
 * name of a resource is one too (`"@agent_id"`), until it is known which one is meant.
 */
export type Schema = {
  type?: string
  format?: string
  enum?: unknown[]
  const?: unknown
  anyOf?: Schema[]
  items?: Schema
  properties?: Record<string, Schema>
  required?: string[]
  maximum?: number
}

/** What must never come back in an answer or stand in a log. */
export const SECRET = 'hunter2-'
const secretNames = new Set(['password', 'current_password', 'refresh_token', 'token'])

const nested = (depth: number, [open, close]: readonly [string, string]) =>
  `${open.repeat(depth)}1${close.repeat(depth)}`
const unknownKeys = (count: number) =>
  `{${Array.from({ length: count }, (_, index) => `"key${index}":0`).join(',')}}`

const rawTexts: Record<string, string> = {
  infinite: '1e999',
  tiny: '1e-999',
  minusZero: '-0',
  precise: '1546130668394913822',
  swelling: `{"a":[${Array(8_000).fill('5e-324').join(',')}]}`,
  long: `1${'0'.repeat(400)}`,
  nan: 'NaN',
  twice: '{"name":"a","name":"b","status":"idle","status":"paused"}',
  proto: '{"__proto__":{"is_superuser":true},"constructor":{"prototype":{"x":1}}}',
  deepArrays: nested(10, ['[', ']']),
  deepObjects: nested(63, ['{"a":', '}']),
  deeper: nested(66, ['[', ']']),
  deepest: nested(10_000, ['[', ']']),
  deepestObjects: nested(5_000, ['{"a":', '}']),
  wide: `[${'1,'.repeat(30_000)}1]`,
  keys: unknownKeys(9_000),
}
const raw = (name: keyof typeof rawTexts) => `@raw:${name}`

/** The text of a value with its tokens filled in; `names` says what `@agent_id` and the like stand for. */
export function toText(value: unknown, names: Record<string, string>): string {
  return fill(JSON.stringify(value) ?? '', names).replaceAll(
    /"@raw:(\w+)"/g,
    (_, name: string) => rawTexts[name] ?? '',
  )
}

export function fill(text: string, names: Record<string, string>): string {
  return text.replaceAll(/@(\w+)\b(?!:)/g, (token, name: string) => names[name] ?? token)
}

/** Values that nothing expects. */
export const hostile: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom(...Object.keys(rawTexts).map((name) => raw(name))),
  fc.constantFrom(null, true, false, 0, -1, 1.5, 0.00001, 1e308, 2 ** 53, -(2 ** 63), 9_999_999_999.9999),
  fc.constantFrom(
    '',
    ' ',
    '\0',
    'a\0b',
    '\ud800',
    'x\udc00y',
    '\u202e\ufeff',
    '💥'.repeat(300),
    '1e9',
    'NaN',
  ),
  fc.constantFrom(
    'constructor',
    '__proto__',
    "'; drop table agents; --",
    '<!--&quot;',
    '%00',
    '../../etc/passwd',
  ),
  fc.constantFrom('9999-12-31T23:59:59.999-23:59', '0000-01-01T00:00:00Z', '2026-02-30T00:00:00Z', '+275760'),
  fc.constantFrom(
    'a@b\0',
    'a@b',
    '9999999999.9999',
    '-0.0001',
    '0x10',
    '٣',
    '00000000-0000-0000-0000-00000000000g',
  ),
  fc.integer({ min: 0, max: 70_000 }).map((length) => 'x'.repeat(length)),
  fc.constantFrom(
    [],
    {},
    [[]],
    [null],
    { toString: 1 },
    ['@agent_id', '@agent_id'],
    Array(1_001).fill('@agent_id'),
  ),
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.double(),
  fc.maxSafeInteger(),
)

const keys = fc.constantFrom(
  '__proto__',
  'constructor',
  'toString',
  '',
  'id',
  'a.b',
  '\0',
  '\ud800',
  'x'.repeat(5_000),
)

export function fromSchema(schema: Schema, name = ''): fc.Arbitrary<unknown> {
  if (schema.enum) return fc.constantFrom(...schema.enum)
  if (schema.const !== undefined) return fc.constant(schema.const)
  if (schema.anyOf) return fc.oneof(...schema.anyOf.map((one) => fromSchema(one, name)))
  if (name === 'response_schema') return fc.constantFrom(null, { properties: { sum: { type: 'integer' } } })
  if (schema.type === 'null') return fc.constant(null)
  if (schema.type === 'boolean') return fc.boolean()
  if (schema.type === 'string') return aString(schema, name)
  if (schema.type === 'integer' || schema.type === 'number') {
    const max = Math.min(schema.maximum ?? 1_000_000, 1_000_000)
    return fc.oneof({ weight: 9, arbitrary: fc.nat(max) }, { weight: 1, arbitrary: fc.maxSafeInteger() })
  }
  if (schema.type === 'array') return fc.array(fromSchema(schema.items ?? {}, name), { maxLength: 5 })
  if (!schema.properties)
    return fc.dictionary(fc.string({ maxLength: 9 }), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 4 })
  const { properties, required = [] } = schema
  const entries = Object.entries(properties).map(([key, one]) => [key, fromSchema(one, key)] as const)
  return fc.record(Object.fromEntries(entries), { requiredKeys: required })
}

/** Fields that hold ids of agents under other names. */
const ofAgents: ReadonlySet<string> = new Set(['ids', 'parent_id'])

function aString({ format }: Schema, name: string): fc.Arbitrary<string> {
  if (secretNames.has(name)) return fc.nat(999_999).map((n) => `${SECRET}${n}`)
  if (format === 'uuid') {
    return fc.oneof(
      { weight: 9, arbitrary: fc.constant(`@${ofAgents.has(name) ? 'agent_id' : name}`) },
      fc.uuid(),
    )
  }
  if (name === 'email') return fc.nat(999_999).map((n) => `fuzz${n}@example.org`)
  if (name === 'agent_type') return fc.constant('@agent_type_id')
  // Few enough that several ask for the same.
  if (name === 'request_id') {
    return fc.oneof(
      fc.constant('@request_id'),
      fc.nat(9).map((n) => `fuzz-${n}`),
    )
  }
  if (name === 'reason') return fc.constantFrom('tool_call', 'input_required', 'fuzz:reason', 'any other')
  if (name === 'external_id') return fc.nat(30).map((n) => `fuzz-${n}`)
  if (name === 'slug') return fc.nat(999_999).map((n) => `fuzz-${n}`)
  if (/_at$/.test(name))
    return fc
      .date({ noInvalidDate: true, min: new Date(0), max: new Date(4e12) })
      .map((date) => date.toISOString())
  if (/cost/.test(name)) return fc.nat(10_000_000).map((n) => (n / 10_000).toFixed(4))
  // Long polls are for other tests: here an answer has to come soon.
  if (name === 'wait') return fc.constantFrom('0', '1', '26', '-1')
  if (/^(page|limit|after)$/.test(name)) return fc.nat(100).map(String)
  return fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
}

type Spoil = (value: unknown) => unknown

const pickKey = (value: object, at: number) =>
  Object.keys(value)[at % Math.max(1, Object.keys(value).length)] ?? 'name'
const onObject =
  (change: (value: Record<string, unknown>) => unknown): Spoil =>
  (value) =>
    typeof value === 'object' && value !== null && !Array.isArray(value) ? change({ ...value }) : value

/** One thing that is done to a value. Keys are set so that `__proto__` is one, too. */
const spoils: fc.Arbitrary<Spoil> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .tuple(fc.nat(20), hostile)
      .map(([at, value]) => onObject((before) => ({ ...before, [pickKey(before, at)]: value }))),
  },
  {
    weight: 2,
    arbitrary: fc
      .nat(20)
      .map((at) => onObject((before) => ({ ...before, [pickKey(before, at)]: undefined }))),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(keys, hostile)
      .map(([key, value]) =>
        onObject((before) => Object.fromEntries([...Object.entries(before), [key, value]])),
      ),
  },
  { weight: 1, arbitrary: hostile.map((value) => () => value) },
)

/** Values of a schema, half of them spoilt in one way or in several. */
export function spoilt(schema: Schema): fc.Arbitrary<unknown> {
  const none = fc.constant<Spoil[]>([])
  const some = fc.array(spoils, { minLength: 1, maxLength: 3 })
  return fc
    .tuple(fromSchema(schema), fc.oneof(none, some))
    .map(([value, all]) => all.reduce<unknown>((before, spoil) => spoil(before), value))
}

/** What is done to the text of a message: bytes that are no JSON, or too many. */
export const textSpoils: fc.Arbitrary<(text: string) => string> = fc.oneof(
  { weight: 12, arbitrary: fc.constant((text: string) => text) },
  fc
    .double({ min: 0, max: 1, noNaN: true })
    .map((share) => (text: string) => text.slice(0, Math.floor(text.length * share))),
  fc.constantFrom(
    () => '',
    (text: string) => `\ufeff${text}`,
    (text: string) => `${text}${text}`,
    (text: string) => text.replaceAll('"', "'"),
    (text: string) => text.padEnd(50_000),
  ),
)

import fc from 'fast-check'
import { fromSchema, hostile, type Schema, spoilt, textSpoils, toText } from './json.ts'
import type { Place } from './places.ts'
import { contentTypes, headers, methods } from './request-heads.ts'

export type Operation = {
  method: string
  path: string
  query: { name: string; schema: Schema }[]
  body: Schema | undefined
  statuses: number[]
}

type Described = {
  parameters: { name: string; in: string; schema: Schema }[]
  requestBody?: { content: Record<string, { schema: Schema }> }
  responses: Record<string, unknown>
}
export type Document = { paths: Record<string, Record<string, Described>> }

export function readOperations({ paths }: Document): Operation[] {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { parameters, requestBody, responses }]) => ({
      method: method.toUpperCase(),
      path,
      query: parameters.filter((parameter) => parameter.in === 'query'),
      body: requestBody?.content['application/json']?.schema,
      statuses: Object.keys(responses).map(Number),
    })),
  )
}

/** A request as it was made up; the resources that it names are known when it is sent. */
export type Request = {
  operation: Operation
  method: string
  /** Path and query, with tokens. */
  target: string
  headers: Record<string, string>
  /** Which credentials it has: a name of those that the test holds. */
  who: string
  body: ((names: Place) => string | Buffer) | undefined
  place: number
}

const segments = fc.oneof(
  fc.uuid(),
  fc.constantFrom(
    'x',
    '%',
    '%zz',
    '%00',
    '%ff',
    '%2e%2e%2f',
    '..',
    '.',
    '',
    '%F0%9F%92%A5',
    '*',
    '{id}',
    'me',
  ),
  fc.constantFrom(
    'metrics',
    'actions',
    "'--",
    '%0d%0aX-A:%20b',
    '%c0%ae',
    ';a=b',
    '\u00e9',
    'a%2Fb',
    '@agent_id%20',
  ),
  fc.constantFrom('@agent_id@agent_id', '%40', '-1', 'null', 'undefined', '__proto__'),
  fc.constantFrom(100, 5_000, 12_000, 17_000).map((length) => 'x'.repeat(length)),
)

/** The resource that the last name of a path stands for. */
function nameOf(path: string, parameter: string): string {
  const singular: Record<string, string> = { users: 'user_id', projects: 'project_id', 'api-keys': 'key_id' }
  const collection = path.split('/').at(-2) ?? ''
  return parameter === 'id' ? (singular[collection] ?? 'agent_type_id') : parameter
}

function aPath({ path }: Operation): fc.Arbitrary<string> {
  const parts = path.split('/').map((part) => {
    const parameter = /^\{(\w+)\}$/.exec(part)?.[1]
    const real = fc.constant(parameter ? `@${nameOf(path, parameter)}` : part)
    return fc.oneof({ weight: parameter ? 12 : 99, arbitrary: real }, { weight: 1, arbitrary: segments })
  })
  return fc.tuple(...parts).map((all) => all.join('/'))
}

const encodedHostile = hostile.map((value) =>
  encodeURIComponent(
    String(typeof value === 'object' ? JSON.stringify(value) : value)
      .toWellFormed()
      .slice(0, 3_000),
  ),
)
const queryValues = fc.oneof(
  encodedHostile,
  fc.constantFrom('%', '%zz', '%00', '%ff', '&&', '=', '+', '20&limit=0', '1&page=2'),
)

function aQuery({ query }: Operation): fc.Arbitrary<string> {
  const known = query.map(({ name, schema }) =>
    fc.oneof(
      { weight: 5, arbitrary: fc.constant('') },
      {
        weight: 3,
        arbitrary: fromSchema(schema, name).map(
          (value) => `${name}=${encodeURIComponent(String(value).toWellFormed())}`,
        ),
      },
      {
        weight: name === 'wait' ? 0 : 2,
        arbitrary: queryValues.map((value) => `${name}=${value}`),
      },
    ),
  )
  const unknown = fc.constantFrom(
    '',
    '',
    '',
    '',
    'x=1',
    '__proto__=1',
    'constructor=%00',
    '%',
    '=',
    'a[]=1&a[b]=2',
    '?',
  )
  return fc.tuple(...known, unknown).map((parts) => parts.filter((part) => part !== '').join('&'))
}

const bodySpoils = fc.oneof(
  { weight: 15, arbitrary: textSpoils },
  { weight: 1, arbitrary: fc.constant((text: string) => Buffer.from(text, 'latin1')) },
  {
    weight: 1,
    arbitrary: fc.constant((text: string) =>
      Buffer.concat([Buffer.from(text), Buffer.from([0xff, 0xc0, 0x80])]),
    ),
  },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom(262_144, 262_145, 400_000, 1_500_000)
      .map((length) => (text: string) => text.padEnd(length)),
  },
)

function aBody({ body }: Operation): fc.Arbitrary<Request['body']> {
  if (!body)
    return fc.oneof(
      { weight: 9, arbitrary: fc.constant(undefined) },
      { weight: 1, arbitrary: fc.constant(() => '{"a":1}') },
    )
  const made = fc.tuple(spoilt(body), bodySpoils).map(
    ([value, spoil]) =>
      (names: Place) =>
        spoil(toText(value, names)),
  )
  return fc.oneof({ weight: 14, arbitrary: made }, { weight: 1, arbitrary: fc.constant(undefined) })
}

/** Requests for these operations, about half of them such as a client may send. */
export function requests(operations: readonly Operation[], who: readonly string[]): fc.Arbitrary<Request> {
  const superuser = { weight: 4 * who.length, arbitrary: fc.constant(who[0] ?? '') }
  return fc.constantFrom(...operations).chain((operation) =>
    fc
      .record({
        method: fc.oneof(
          { weight: 30, arbitrary: fc.constant(operation.method) },
          { weight: 1, arbitrary: methods },
        ),
        path: aPath(operation),
        query: aQuery(operation),
        headers,
        type: contentTypes,
        who: fc.oneof(superuser, { weight: who.length, arbitrary: fc.constantFrom(...who) }),
        body: aBody(operation),
        place: fc.nat(),
      })
      .map(({ path, query, type, ...rest }) => ({
        ...rest,
        operation,
        target: query === '' ? path : `${path}?${query}`,
        headers: rest.body ? { ...rest.headers, 'content-type': type } : rest.headers,
      })),
  )
}

import { isUtf8 } from 'node:buffer'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { toAddress, toLimitKey } from '#src/http/client-address.ts'
import { statement } from '#src/store/database.ts'
import { useApp } from '../http/suite.ts'
import { backends } from '../support/backends.ts'
import { type Agent, createFleet, type Fleet, spawn, unique } from '../support/rest.ts'
import { runs, seed } from './fuzz-server.ts'

const KIB64 = 64 * 1024
const size = statement(
  'stored_size',
  `select greatest((select max(octet_length(short_term_memory::text)) from agents where id = $1),
     (select max(octet_length(payload::text)) from signals where agent_id = $1)) as bytes`,
)
const property = <Values extends [unknown, ...unknown[]]>(
  numRuns: number,
  arbitraries: { [Index in keyof Values]: fc.Arbitrary<Values[Index]> },
  check: (...values: Values) => Promise<void>,
) => fc.assert(fc.asyncProperty(...arbitraries, check), { seed, numRuns: Math.ceil(numRuns) })

/** Number literals, most of them at an edge of what a double holds. */
const digits = (max: number) => fc.stringMatching(new RegExp(`^[1-9][0-9]{0,${max}}$`))
const literal = fc.oneof(
  fc
    .double({ noNaN: true, noDefaultInfinity: true })
    .filter((value) => !Object.is(value, -0))
    .map(String),
  fc.constantFrom('0', '-0', '-0.0', '5e-324', '1e400', '1e-400', '1E5', '1.10', '9007199254740993', '1e22'),
  digits(24),
  fc.tuple(digits(20), digits(20)).map((parts) => parts.join('.')),
  fc.tuple(digits(3), fc.integer({ min: -340, max: 320 })).map((parts) => parts.join('e')),
)

type Json = { text: string; numbers: string[] }
const many = (parts: Json[], [open, close]: readonly [string, string]): Json => ({
  text: `${open}${parts.map(({ text }) => text).join(',')}${close}`,
  numbers: parts.flatMap(({ numbers }) => numbers),
})
const keyed = (parts: readonly (readonly [string, Json])[]): Json =>
  many(
    parts.map(([key, { text, numbers }]) => ({ text: `${JSON.stringify(key)}:${text}`, numbers })),
    ['{', '}'],
  )
const key = fc.string({ unit: 'grapheme', maxLength: 6 })
const { value } = fc.letrec<{ value: Json; list: Json; object: Json }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    literal.map((text) => ({ text, numbers: [text] })),
    key.map((text) => ({ text: JSON.stringify(text), numbers: [] })),
    tie('list'),
    tie('object'),
  ),
  list: fc.array(tie('value'), { maxLength: 4 }).map((parts) => many(parts, ['[', ']'])),
  object: fc
    .uniqueArray(fc.tuple(key, tie('value')), { maxLength: 4, selector: ([name]) => name })
    .map(keyed),
}))
/** Some of them repeat what they hold until it is large. */
const object = fc.tuple(value, fc.oneof(fc.constant(1), fc.constantFrom(50, 500))).map(([part, count]) => {
  const copies = Math.min(count, Math.max(1, Math.floor((KIB64 - 100) / (part.text.length + 1))))
  return keyed([['a', many(Array<Json>(copies).fill(part), ['[', ']'])]])
})

/** Exactly what a literal says, in digits; an oracle that shares nothing with the code under test. */
function exactly(text: string): string {
  const [mantissa = '', exponent = '0'] = text.toLowerCase().split('e')
  const [whole = '', fraction = ''] = mantissa.split('.')
  const shift = 500n + BigInt(exponent) - BigInt(fraction.length)
  const sign = text.startsWith('-') ? '-' : '+'
  return sign + String(BigInt((whole + fraction).replace('-', '')) * 10n ** shift)
}
const isExact = (text: string) =>
  Number.isFinite(Number(text)) && exactly(JSON.stringify(Number(text))) === exactly(text)

describe('what is accepted', () => {
  const [backend = backends[0]] = backends.slice(1)
  if (!backend) throw new Error('there is no backend')
  const running = useApp(backend)
  let fleet: Fleet
  let agent: Agent
  beforeAll(async () => {
    fleet = await createFleet(running().rest)
    agent = await spawn(fleet)
  })
  const call = async (method: string, path: string, body?: string | Buffer) => {
    const headers = { authorization: `Bearer ${fleet.rest.token}`, 'content-type': 'application/json' }
    const init = body === undefined ? { method, headers } : { method, headers, body }
    const response = await running().app.api.request(`/api/v1${path}`, init, {})
    return { status: response.status, text: await response.text() }
  }

  it('of numbers comes back as it was said, everywhere in the same bytes, and is stored in its bounds', async () => {
    const path = `${fleet.agents}/${agent.id}`
    const uses = [
      ['PATCH', path, path, (json: string) => `{"short_term_memory":${json}}`],
      [
        'POST',
        `${path}/signals`,
        `${path}/signals?limit=1`,
        (json: string) => `{"kind":"message","payload":${json}}`,
      ],
    ] as const
    let accepted = 0
    await property(runs / 20, [object, fc.constantFrom(...uses)], async ({ text, numbers }, use) => {
      const [method, target, place, toBody] = use
      const { status, text: answer } = await call(method, target, toBody(text))
      if (!numbers.every(isExact)) {
        expect(status, text.slice(0, 300)).toBe(422)
        return
      }
      // What is written out may be too large; then it is refused, and not stored.
      if (status === 422) {
        expect(numbers.some((number) => /e/.test(String(Number(number))))).toBe(true)
        return
      }
      expect(status, answer).toBeLessThan(300)
      accepted++
      const own = /"(?:short_term_memory|payload)":(\{"a":\[.*?\]\}),"(?:long_term_memory_ref|reason)"/s
      const kept = own.exec(answer)?.[1] ?? ''
      expect(JSON.parse(kept)).toEqual(JSON.parse(text))
      expect((await call('GET', place)).text).toContain(kept)
      const [row] = await running().app.database.run<{ bytes: number }>(size, [agent.id])
      expect(row?.bytes).toBeLessThan(2 * KIB64)
    })
    expect(accepted).toBeGreaterThan(0)
  })

  it('is UTF-8', async () => {
    const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
    const bytes = fc.oneof(
      text.map((title) => Buffer.from(title, 'latin1')),
      fc
        .tuple(text, fc.uint8Array({ maxLength: 4 }))
        .map(([title, more]) => Buffer.concat([Buffer.from(title), more])),
    )
    await property(runs / 20, [bytes], async (title) => {
      const body = Buffer.concat([Buffer.from('{"title":"a'), title, Buffer.from('"}')])
      const { status } = await call('POST', `/projects/${fleet.project_id}/issues`, body)
      if (!isUtf8(body)) expect(status).toBe(400)
      expect([201, 400, 422]).toContain(status)
    })
  })

  it('of names and passwords is the same, however it is typed', async () => {
    const text = fc.string({ unit: 'grapheme', minLength: 8, maxLength: 20 }).filter((typed) => {
      const bare = typed.normalize('NFC').trim()
      return [...bare].length >= 8 && !/[\0\p{Cs}]/u.test(bare) && bare.length <= 128
    })
    const forms = fc.tuple(fc.constantFrom('NFC', 'NFD'), fc.constantFrom('NFC', 'NFD'))
    await property(runs / 200, [text, forms], async (typed, [first, second]) => {
      const [one, other] = [typed.trim().normalize(first), typed.trim().normalize(second)]
      const { id } = await spawn(fleet, { name: one })
      const { text: found } = await call('GET', `${fleet.agents}?limit=1&q=${encodeURIComponent(other)}`)
      expect(found).toContain(id)
      const email = `${unique('z\u00eb')}@example.org`
      const user = await fleet.rest.post('/users', { email: email.normalize(first), password: one })
      expect(user.status, JSON.stringify(user.body)).toBe(201)
      const signedIn = await fleet.rest.post('/auth/login', {
        email: email.normalize(second),
        password: other,
      })
      expect(signedIn.status).toBe(200)
    })
  })

  it('of addresses is one client, with or without a port and brackets', () => {
    const address = fc.oneof(
      fc.ipV4().map((ip) => ({ ip, forms: [ip, `[::ffff:${ip}]`] })),
      fc.ipV6().map((ip) => ({ ip, forms: [`[${ip}]`, `"[${ip}]"`] })),
    )
    fc.assert(
      fc.property(address, fc.nat(65_535), ({ ip, forms }, port) => {
        const keys = forms.flatMap((form) => [form, `${form}:${port}`.replace(/"(:\d+)$/, '$1"')])
        for (const spelling of [ip, ...keys]) {
          expect(toLimitKey(toAddress(spelling)), spelling).toBe(toLimitKey(ip))
        }
      }),
      { seed, numRuns: runs },
    )
  })
})

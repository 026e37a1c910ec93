import * as v from 'valibot'
import { isTime } from '#src/domain/formats.ts'
import { MAX_MONEY, parseMoney } from '#src/domain/money.ts'

/** The kinds of value that bodies and queries are made of. Lengths are in characters. */

/** A schema with its meaning, as the documents show it. */
export function field<const Schema extends v.GenericSchema>(schema: Schema, meaning: string) {
  return v.pipe(schema, v.description(meaning))
}

/** Counts code points, as the database does; a JavaScript length counts UTF-16 units. */
function hasAtMost(max: number) {
  const fits = (value: string) => value.length <= max || [...value.slice(0, 2 * max + 1)].length <= max
  return v.check<string, string>(fits, `Must have at most ${max} characters`)
}

export function text(max: number) {
  return v.pipe(v.string(), hasAtMost(max))
}

/** In NFC, as names are stored. */
export function searchText(max: number) {
  return v.pipe(v.string(), v.normalize('NFC'), hasAtMost(max))
}

/** A name in NFC: trimmed, and not empty after trimming. */
export function label(max: number) {
  return v.pipe(v.string(), v.trim(), v.normalize('NFC'), v.minLength(1, 'Must not be empty'), hasAtMost(max))
}

export const uuid = v.pipe(v.string(), v.uuid('Must be a UUID'), v.toLowerCase())

export const slug = v.pipe(
  v.string(),
  v.maxLength(255, 'Must have at most 255 characters'),
  v.regex(/^[a-z0-9][a-z0-9_-]*$/, 'Must be lower-case letters, digits, hyphens and underscores'),
)

export const count = v.pipe(
  v.number(),
  v.safeInteger('Must be a whole number'),
  v.minValue(0, 'Must not be negative'),
)

export function wholeNumber(min: number, max: number = Number.MAX_SAFE_INTEGER) {
  return v.pipe(
    v.number(),
    v.safeInteger('Must be a whole number'),
    v.minValue(min, `Must be at least ${min}`),
    v.maxValue(max, `Must be at most ${max}`),
  )
}

/** Accepts a decimal string or a number with at most four decimal places; gives a string with four. */
export const money = v.pipe(
  v.union([v.string(), v.number()], 'Must be a decimal string or a number'),
  v.rawTransform(({ dataset, addIssue, NEVER }) => {
    const amount = parseMoney(dataset.value)
    if (amount !== undefined) return amount
    addIssue({ message: `Must be an amount from 0 to ${MAX_MONEY} with at most four decimal places` })
    return NEVER
  }),
)

/** Accepts RFC 3339 with any offset; gives UTC with milliseconds. */
export const time = v.pipe(
  v.string(),
  v.check(isTime, 'Must be an RFC 3339 time'),
  v.transform((value) => new Date(value).toISOString()),
)

/** Rounded times have to be times of the wire, too. */
export const queryTime = v.pipe(
  time,
  v.check((value) => value >= '1970' && value < '9999', 'Must be in the years 1970 to 9998'),
)

/** A time as the server writes it. */
export const isoTime = v.pipe(v.string(), v.isoTimestamp())

const encoder = new TextEncoder()

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A JSON object of at most `max` bytes, as JSON and as the database writes it. */
export function jsonObject(max: number) {
  return v.pipe(
    // Not v.record, which drops keys such as `__proto__`.
    v.custom<Record<string, unknown>>(isObject, 'Must be an object'),
    v.check(
      (value) => encoder.encode(JSON.stringify(value)).length + countHiddenDigits(value) <= max,
      `Must have at most ${max} bytes as JSON, with its numbers written out`,
    ),
    v.transform((value) => sortKeys(value) as Record<string, unknown>),
  )
}

/** A JSON object of at most `max` bytes. Its keys keep their order, so the database must keep it as text (`json`). */
export function plainObject<Value extends object = Record<string, unknown>>(max: number) {
  return v.pipe(
    v.custom<Value>(isObject, 'Must be an object'),
    v.check(
      (value) => encoder.encode(JSON.stringify(value)).length <= max,
      `Must have at most ${max} bytes as JSON`,
    ),
  )
}

/** The characters that exponents save: the database writes 5e-324 with 326 characters. */
function countHiddenDigits(value: unknown): number {
  if (typeof value === 'number') return countDigits(value) - String(value).length
  if (typeof value !== 'object' || value === null) return 0
  return Object.values(value).reduce<number>((sum, item) => sum + countHiddenDigits(item), 0)
}

const exponential = /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/

/** As decimal, without an exponent. */
function countDigits(value: number): number {
  const [, sign, , fraction = '', exponent] = exponential.exec(String(value)) ?? []
  if (sign === undefined) return String(value).length
  const power = Number(exponent)
  return (
    sign.length + (power < 0 ? '0.'.length - power + fraction.length : 1 + Math.max(power, fraction.length))
  )
}

/**
 * Puts keys into the database's order, by length and then by bytes, so that an object is the same text in the answer to
 * its request, in the log, and in later reads.
 */
export function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys)
  if (!isObject(value)) return value
  const entries = Object.entries(value).map(([key, item]) => ({ key, size: utf8Size(key), item }))
  entries.sort((left, right) => left.size - right.size || compareBytes(left.key, right.key))
  return Object.fromEntries(entries.map(({ key, item }) => [key, sortKeys(item)]))
}

const notAscii = /[\u0080-\uffff]/

function utf8Size(text: string): number {
  return notAscii.test(text) ? encoder.encode(text).length : text.length
}

/** Compares code points, whose order is that of UTF-8; UTF-16 units differ where there are surrogates. */
function compareBytes(left: string, right: string): number {
  if (!notAscii.test(left) && !notAscii.test(right)) return left < right ? -1 : 1
  const others = [...right].values()
  for (const character of left) {
    const difference = (character.codePointAt(0) ?? 0) - (others.next().value?.codePointAt(0) ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

/** A yes or no in a query string. */
export const queryFlag = v.pipe(
  v.picklist(['true', 'false']),
  v.transform((value) => value === 'true'),
)

/** A whole number in a query string. */
export function queryNumber({ min, max }: { min: number; max: number }) {
  return v.pipe(
    v.string(),
    v.regex(/^\d{1,15}$/, 'Must be a whole number'),
    v.transform(Number),
    v.minValue(min, `Must be at least ${min}`),
    v.maxValue(max, `Must be at most ${max}`),
  )
}

import * as v from 'valibot'
import { MAX_MONEY, parseMoney } from '#src/domain/money.ts'

/** The kinds of value that bodies and queries are made of. Lengths are in characters. */

/** Counts code points, as the database does; a JavaScript length counts UTF-16 units. */
function hasAtMost(max: number) {
  const fits = (value: string) => value.length <= max || [...value.slice(0, 2 * max + 1)].length <= max
  return v.check<string, string>(fits, `Must have at most ${max} characters`)
}

export function text(max: number) {
  return v.pipe(v.string(), hasAtMost(max))
}

/** Trimmed, and not empty after that. */
export function label(max: number) {
  return v.pipe(v.string(), v.trim(), v.minLength(1, 'Must not be empty'), hasAtMost(max))
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

/** A whole number from `min` to `max`; what lies outside is one problem. */
export function wholeNumber(min: number, max: number = Number.MAX_SAFE_INTEGER) {
  return v.pipe(
    v.number(),
    v.safeInteger('Must be a whole number'),
    v.minValue(min, `Must be at least ${min}`),
    v.maxValue(max, `Must be at most ${max}`),
  )
}

/** A decimal string or a number, with at most four decimal places; inside it is a string with four. */
export const money = v.pipe(
  v.union([v.string(), v.number()], 'Must be a decimal string or a number'),
  v.rawTransform(({ dataset, addIssue, NEVER }) => {
    const amount = parseMoney(dataset.value)
    if (amount !== undefined) return amount
    addIssue({ message: `Must be an amount from 0 to ${MAX_MONEY} with at most four decimal places` })
    return NEVER
  }),
)

const rfc3339 = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:[Zz]|[+-]\d{2}:\d{2})$/

/** A day that the calendar has, in a year from 1 to 9999 wherever the offset moves it. */
function isTime(value: string): boolean {
  if (!rfc3339.test(value) || Number.isNaN(Date.parse(value))) return false
  const day = value.slice(0, 10)
  const midnight = new Date(`${day}T00:00:00Z`)
  if (Number.isNaN(midnight.getTime()) || midnight.toISOString().slice(0, 10) !== day) return false
  const year = new Date(value).getUTCFullYear()
  return year >= 1 && year <= 9999
}

/** RFC 3339 with any offset; inside it is UTC with milliseconds. */
export const time = v.pipe(
  v.string(),
  v.check(isTime, 'Must be an RFC 3339 time'),
  v.transform((value) => new Date(value).toISOString()),
)

const encoder = new TextEncoder()

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A JSON object of at most `max` bytes as JSON. */
export function jsonObject(max: number) {
  return v.pipe(
    // Kept to the letter: a record would drop keys such as `__proto__`.
    v.custom<Record<string, unknown>>(isObject, 'Must be an object'),
    v.check(
      (value) => encoder.encode(JSON.stringify(value)).length <= max,
      `Must have at most ${max} bytes as JSON`,
    ),
  )
}

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

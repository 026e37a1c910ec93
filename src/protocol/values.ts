import * as v from 'valibot'
import { MAX_MONEY, parseMoney } from '#src/domain/money.ts'

/** The kinds of value that bodies and queries are made of. Lengths are in characters. */

export function text(max: number) {
  return v.pipe(v.string(), v.maxLength(max, `Must have at most ${max} characters`))
}

/** Trimmed, and not empty after that. */
export function label(max: number) {
  return v.pipe(
    v.string(),
    v.trim(),
    v.minLength(1, 'Must not be empty'),
    v.maxLength(max, `Must have at most ${max} characters`),
  )
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

/** RFC 3339 with any offset; inside it is UTC with milliseconds. */
export const time = v.pipe(
  v.string(),
  v.check((value) => rfc3339.test(value) && !Number.isNaN(Date.parse(value)), 'Must be an RFC 3339 time'),
  v.transform((value) => new Date(value).toISOString()),
)

const encoder = new TextEncoder()

/** A JSON object of at most `max` bytes as JSON. */
export function jsonObject(max: number) {
  return v.pipe(
    v.record(v.string(), v.unknown()),
    v.check((value) => !Array.isArray(value), 'Must be an object'),
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

import * as v from 'valibot'
import { type Problem, shorten } from '#src/domain/errors.ts'
import { findInexactNumber } from '#src/domain/json.ts'
import { isObject } from './values.ts'

/** One problem for each issue of a schema. No value is echoed. */
export function toProblems(issues: readonly v.BaseIssue<unknown>[]): Problem[] {
  return issues.map((issue) => ({ message: messageOf(issue), field: v.getDotPath(issue) }))
}

/**
 * The problems of a value against a schema of an object; empty where there are none. Valibot stops at the
 * first unknown key; here each is named.
 */
export function checkObject(
  schema: v.GenericSchema,
  value: unknown,
): { problems: readonly Problem[]; output: unknown } {
  if (!isObject(value))
    return { problems: [{ message: 'Must be an object', field: null }], output: undefined }
  const entries =
    'entries' in schema && schema.type === 'strict_object' ? (schema.entries as object) : undefined
  const isKnown = (key: string) => !entries || Object.hasOwn(entries, key)
  const unknown = Object.keys(value).filter((key) => !isKnown(key))
  const known =
    unknown.length > 0 ? Object.fromEntries(Object.entries(value).filter(([key]) => isKnown(key))) : value
  const parsed = v.safeParse(schema, known, { abortEarly: hasLongList(known) })
  const problems = [
    ...(parsed.success ? [] : toProblems(parsed.issues)),
    ...unknown.map((field) => ({ message: 'Unknown field', field })),
  ]
  return { problems: shorten(problems), output: parsed.success ? parsed.output : undefined }
}

/** No message may have a longer list, so the first mistake in one is enough: a body has room for 130,000. */
const MAX_LIST = 1_000

function hasLongList(value: object): boolean {
  return Object.values(value).some((item) => Array.isArray(item) && item.length > MAX_LIST)
}

function messageOf(issue: v.BaseIssue<unknown>): string {
  if (issue.type === 'strict_object' && issue.expected === 'never') return 'Unknown field'
  if (issue.kind === 'schema' && issue.received === 'undefined') return 'Field required'
  // What `v.custom` expects only its message says.
  if (issue.kind === 'schema' && issue.expected && issue.type !== 'custom')
    return `Expected ${issue.expected}`
  return issue.message
}

/** How deep values may be nested, in requests and frames alike. */
export const MAX_DEPTH = 64

export function isTooDeep(value: unknown): boolean {
  let level = [value]
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MAX_DEPTH) return true
    level = level.flatMap((item) => (typeof item === 'object' && item !== null ? Object.values(item) : []))
  }
  return false
}

/** Finds text that no column can hold, with its path, before it reaches the database. */
export function findUnstorable(value: unknown, path: readonly string[] = []): Problem | undefined {
  if (typeof value === 'string') {
    if (value.isWellFormed() && !value.includes('\0')) return undefined
    return { message: 'Must be well-formed text without NUL', field: path.join('.') || null }
  }
  if (typeof value !== 'object' || value === null) return undefined
  for (const [key, item] of Object.entries(value)) {
    const problem = findUnstorable(item, [...path, key]) ?? findUnstorable(key, path)
    if (problem) return problem
  }
  return undefined
}

/** Checks a decoded value before its schema does. `text` is the JSON that it was decoded from, if any. */
export function findProblem(value: unknown, text = ''): Problem | undefined {
  if (isTooDeep(value)) return { message: `Must not be nested deeper than ${MAX_DEPTH} levels`, field: null }
  return findUnstorable(value) ?? findInexact(text)
}

/**
 * All problems of a decoded value: of each field the first that `findProblem` would find, or else what the schema finds. A
 * value that is no object, or nested too deep, has one.
 */
export function checkDecoded(
  schema: v.GenericSchema,
  value: unknown,
  text = '',
): { problems: readonly Problem[]; output: unknown } {
  const problem = findProblem(value, text)
  if (!problem) return checkObject(schema, value)
  if (!isObject(value) || isTooDeep(value)) return { problems: [problem], output: undefined }
  const unstorable = Object.entries(value).flatMap(
    ([key, item]) => findUnstorable(item, [key]) ?? findUnstorable(key) ?? [],
  )
  const found = [...unstorable, findInexact(text)].filter((other) => other !== undefined)
  const named = new Set(found.map(topOf))
  const others = checkObject(schema, value).problems.filter((other) => !named.has(topOf(other)))
  return { problems: shorten([...found, ...others]), output: undefined }
}

/** The outermost field of a problem. */
const topOf = ({ field }: Problem) => field?.split('.')[0]

/** The server stores and sends on the doubles that JSON.parse makes, so it refuses numbers that these would change. */
function findInexact(text: string): Problem | undefined {
  const inexact = findInexactNumber(text)
  if (!inexact) return undefined
  const message = 'A double does not hold this number exactly: send it as a string'
  return { message, field: inexact.path.join('.') || null }
}

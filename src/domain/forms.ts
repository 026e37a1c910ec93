import type { Problem } from './errors.ts'
import { isDate, isEmail, isTime, isUri } from './formats.ts'

/** One choice of a form. */
type Titled = { const: string; title: string }

type TextField = {
  type: 'string'
  minLength?: number | undefined
  maxLength?: number | undefined
  format?: keyof typeof formats | undefined
}
type NumberField = {
  type: 'number' | 'integer'
  minimum?: number | undefined
  maximum?: number | undefined
}
type ChoiceField = { type: 'string' } & ({ enum: string[] } | { oneOf: Titled[] })
type ChoicesField = {
  type: 'array'
  items: { enum: string[] } | { anyOf: Titled[] }
  minItems?: number | undefined
  maxItems?: number | undefined
}

export type FormField = TextField | NumberField | { type: 'boolean' } | ChoiceField | ChoicesField

/** What a person fills in: a JSON Schema of a flat object, as MCP's elicitation allows. */
export type Form = { properties: Record<string, FormField>; required?: string[] | undefined }

const formats = {
  email: { is: isEmail, meaning: 'an e-mail address' },
  uri: { is: isUri, meaning: 'a URI' },
  date: { is: isDate, meaning: 'a date such as 2026-11-23' },
  'date-time': { is: isTime, meaning: 'an RFC 3339 time' },
} as const

export const formatNames = Object.keys(formats) as (keyof typeof formats)[]

/** One problem for each mistake in the object, at `PLACE.NAME`. Properties that the form does not have are mistakes. */
export function checkForm({ properties, required = [] }: Form, filled: object, place: string): Problem[] {
  const problems: Problem[] = []
  const note = (name: string, message: string | undefined) => {
    if (message !== undefined) problems.push({ message, field: `${place}.${name}` })
  }
  for (const [name, field] of Object.entries(properties)) {
    if (Object.hasOwn(filled, name)) note(name, findMistake(field, (filled as Record<string, unknown>)[name]))
    else if (required.includes(name)) note(name, 'Field required')
  }
  for (const name of Object.keys(filled)) if (!Object.hasOwn(properties, name)) note(name, 'Unknown field')
  return problems
}

/** What is wrong with the value of a field; undefined: nothing. */
export function findMistake(field: FormField, value: unknown): string | undefined {
  if (field.type === 'boolean') return typeof value === 'boolean' ? undefined : 'Must be true or false'
  if (field.type === 'array') return mistakeInChoices(field, value)
  if (field.type !== 'string') return mistakeInNumber(field, value)
  if ('enum' in field) return mistakeInChoice(field.enum, value)
  return 'oneOf' in field ? mistakeInChoice(constantsOf(field.oneOf), value) : mistakeInText(field, value)
}

const constantsOf = (choices: readonly Titled[]) => choices.map((choice) => choice.const)

function mistakeInChoice(choices: readonly string[], value: unknown): string | undefined {
  return choices.some((choice) => choice === value) ? undefined : `Must be one of ${choices.join(', ')}`
}

function mistakeInChoices({ items, minItems, maxItems }: ChoicesField, value: unknown): string | undefined {
  const choices = new Set<unknown>('enum' in items ? items.enum : constantsOf(items.anyOf))
  if (!Array.isArray(value)) return 'Must be a list'
  if (!value.every((item) => choices.has(item))) return `Must have only items from ${[...choices].join(', ')}`
  if (minItems !== undefined && value.length < minItems) return `Must have at least ${minItems} items`
  if (maxItems !== undefined && value.length > maxItems) return `Must have at most ${maxItems} items`
  return undefined
}

function mistakeInNumber({ type, minimum, maximum }: NumberField, value: unknown): string | undefined {
  if (typeof value !== 'number') return 'Must be a number'
  if (type === 'integer' && !Number.isInteger(value)) return 'Must be a whole number'
  if (minimum !== undefined && value < minimum) return `Must be at least ${minimum}`
  if (maximum !== undefined && value > maximum) return `Must be at most ${maximum}`
  return undefined
}

/** A length is in code points, as in JSON Schema. */
function mistakeInText({ minLength, maxLength, format }: TextField, value: unknown): string | undefined {
  if (typeof value !== 'string') return 'Must be a text'
  const length = [...value].length
  if (minLength !== undefined && length < minLength) return `Must have at least ${minLength} characters`
  if (maxLength !== undefined && length > maxLength) return `Must have at most ${maxLength} characters`
  return format === undefined || formats[format].is(value) ? undefined : `Must be ${formats[format].meaning}`
}

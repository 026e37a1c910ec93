import { checkForm, type Form, type FormField } from '#src/domain/forms.ts'
import { findInexactNumber } from '#src/domain/json.ts'
import { sayProblem } from './problems.ts'
import { fromFieldTime, toFieldTime } from './zone.ts'

/** What a field holds while somebody fills it in; a choice that nobody has made is missing. */
export type Value = string | boolean | readonly string[]
export type Values = ReadonlyMap<string, Value>

type Titled = FormField & { title?: string; description?: string; default?: unknown; enumNames?: string[] }

type Kind = 'text' | 'lines' | 'number' | 'flag' | 'one' | 'many' | 'email' | 'uri' | 'date' | 'date-time'

/** A field as the page draws it. */
export type ShownField = {
  name: string
  kind: Kind
  label: string
  description: string | undefined
  /** What the value must be like. */
  hint: string | undefined
  isRequired: boolean
  choices: readonly { value: string; label: string }[]
}

/** A text that may be longer gets several lines. */
const MAX_ONE_LINE = 200

export function readForm({ properties, required = [] }: Form): ShownField[] {
  return Object.entries(properties).map(([name, field]) => {
    const { title, description }: Titled = field
    return {
      name,
      kind: kindOf(field),
      label: title ?? name,
      description,
      hint: hintOf(field),
      isRequired: required.includes(name),
      choices: choicesOf(field),
    }
  })
}

function kindOf(field: Titled): Kind {
  if (field.type === 'boolean') return 'flag'
  if (field.type === 'array') return 'many'
  if (field.type !== 'string') return 'number'
  if ('enum' in field || 'oneOf' in field) return 'one'
  if (field.format) return field.format
  const isLong = (field.maxLength ?? 0) > MAX_ONE_LINE || String(field.default ?? '').includes('\n')
  return isLong ? 'lines' : 'text'
}

function choicesOf(field: Titled): ShownField['choices'] {
  if (field.type === 'array') {
    return 'enum' in field.items ? field.items.enum.map(plain) : field.items.anyOf.map(titled)
  }
  if ('enum' in field) return field.enum.map((value, index) => plain(value, field.enumNames?.[index]))
  return 'oneOf' in field ? field.oneOf.map(titled) : []
}

const plain = (value: string, name?: unknown) => ({ value, label: typeof name === 'string' ? name : value })
const titled = ({ const: value, title }: { const: string; title: string }) => ({ value, label: title })

function hintOf(field: FormField): string | undefined {
  if (field.type === 'array') return range(field.minItems, field.maxItems, 'to be chosen')
  if (field.type === 'boolean') return undefined
  if (field.type !== 'string') {
    return range(field.minimum, field.maximum, '') ?? (field.type === 'integer' ? 'whole number' : undefined)
  }
  if ('enum' in field || 'oneOf' in field) return undefined
  return field.format === 'date-time'
    ? 'your local time'
    : range(field.minLength, field.maxLength, 'characters')
}

function range(from: number | undefined, to: number | undefined, what: string): string | undefined {
  const bounds =
    from !== undefined && to !== undefined
      ? `${from} to ${to}`
      : from !== undefined
        ? `at least ${from}`
        : to !== undefined && `at most ${to}`
  return bounds ? `${bounds} ${what}`.trim() : undefined
}

/** The defaults, which a person sees before sending them. */
export function startValues({ properties }: Form): Values {
  const values = new Map<string, Value>()
  for (const [name, field] of Object.entries(properties)) {
    const value = startValue(field)
    if (value !== undefined) values.set(name, value)
  }
  return values
}

function startValue(field: Titled): Value | undefined {
  const { default: given } = field
  if (field.type === 'boolean') return given === true
  if (field.type === 'array') return Array.isArray(given) ? given.map(String) : []
  if (typeof given !== 'string' && typeof given !== 'number') return undefined
  return kindOf(field) === 'date-time' ? toFieldTime(String(given)) : String(given)
}

/** The payload. What was left empty is not in it; a flag that nobody has set is false. */
export function toPayload({ properties, required = [] }: Form, values: Values): Record<string, unknown> {
  const entries = Object.entries(properties).flatMap(([name, field]) => {
    const value = toEntry(field, values.get(name), required.includes(name))
    return value === undefined ? [] : [[name, value] as const]
  })
  return Object.fromEntries(entries)
}

function toEntry(field: Titled, value: Value | undefined, isRequired: boolean): unknown {
  const kind = kindOf(field)
  if (kind === 'flag') return value === true
  if (Array.isArray(value)) {
    // Without a choice, an optional list with a minimum would be a mistake.
    return value.length > 0 || isRequired ? value : undefined
  }
  if (kind === 'one') return value
  if (typeof value !== 'string' || value.trim() === '') return undefined
  if (kind === 'number') return toNumber(value.trim())
  return kind === 'date-time' ? toTime(value, field.default) : value
}

/** A text that is no number stays a text, which is then the mistake. */
function toNumber(text: string): number | string {
  const value = Number(text)
  return Number.isFinite(value) && !findInexactNumber(text) ? value : text
}

/** A default that nobody has changed stays as it was given. */
function toTime(typed: string, given: unknown): string {
  if (typeof given === 'string' && toFieldTime(given) === typed) return given
  return fromFieldTime(typed) ?? typed
}

/** The server's own check, by field. */
export function findMistakes(form: Form, payload: object): Map<string, string> {
  return byField(checkForm(form, payload, 'payload')).fields
}

type Problems = readonly { field?: string | null | undefined; message: string }[]

/** Problems of the fields of a form, and all others, in words for people. */
export function byField(problems: Problems): { fields: Map<string, string>; others: string[] } {
  const fields = new Map<string, string>()
  const others: string[] = []
  for (const problem of problems) {
    const { field } = problem
    const message = sayProblem(problem.message)
    if (field?.startsWith('payload.')) fields.set(field.slice('payload.'.length), message)
    else others.push(field ? `${field}: ${message}` : message)
  }
  return { fields, others }
}

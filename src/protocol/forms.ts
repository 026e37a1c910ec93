import * as v from 'valibot'
import { type Form, type FormField, findMistake, formatNames } from '#src/domain/forms.ts'
import { toProblems } from './problems.ts'
import { count, isObject, plainObject } from './values.ts'

const MAX_PROPERTIES = 32
const MAX_BYTES = 16 * 1024

const annotations = { title: v.optional(v.string()), description: v.optional(v.string()) }
const titled = v.strictObject({ const: v.string(), title: v.string() })
const choices = <Item extends v.GenericSchema>(item: Item) =>
  v.pipe(v.array(item), v.minLength(1, 'Must not be empty'))
const sizes = { minItems: v.optional(count), maxItems: v.optional(count) }
const defaultText = v.optional(v.string())
const defaultTexts = v.optional(v.array(v.string()))

/** The fields that a form may have. */
const text = v.strictObject({
  type: v.literal('string'),
  minLength: v.optional(count),
  maxLength: v.optional(count),
  format: v.optional(v.picklist(formatNames, `Must be one of ${formatNames.join(', ')}`)),
  default: defaultText,
  ...annotations,
})
const number = v.strictObject({
  type: v.picklist(['number', 'integer']),
  minimum: v.optional(v.number()),
  maximum: v.optional(v.number()),
  default: v.optional(v.number()),
  ...annotations,
})
const flag = v.strictObject({
  type: v.literal('boolean'),
  default: v.optional(v.boolean()),
  ...annotations,
})
const choice = v.strictObject({
  type: v.literal('string'),
  enum: choices(v.string()),
  enumNames: v.optional(v.array(v.string())),
  default: defaultText,
  ...annotations,
})
const titledChoice = v.strictObject({
  type: v.literal('string'),
  oneOf: choices(titled),
  default: defaultText,
  ...annotations,
})
const severalChoices = v.strictObject({
  type: v.literal('array'),
  items: v.strictObject({ type: v.optional(v.literal('string')), enum: choices(v.string()) }),
  ...sizes,
  default: defaultTexts,
  ...annotations,
})
const severalTitledChoices = v.strictObject({
  type: v.literal('array'),
  items: v.strictObject({ anyOf: choices(titled) }),
  ...sizes,
  default: defaultTexts,
  ...annotations,
})
/** A field that is none of them lacks its type. */
const unknownField = v.looseObject({
  type: v.picklist(
    ['string', 'number', 'integer', 'boolean', 'array'],
    'Must be one of string, number, integer, boolean, array',
  ),
})

function shapeOf(field: Record<string, unknown>): v.GenericSchema {
  const has = (key: string, value: unknown = field) => isObject(value) && Object.hasOwn(value, key)
  if (field.type === 'string') return has('enum') ? choice : has('oneOf') ? titledChoice : text
  if (field.type === 'array') return has('anyOf', field.items) ? severalTitledChoices : severalChoices
  if (field.type === 'boolean') return flag
  return field.type === 'number' || field.type === 'integer' ? number : unknownField
}

/** A mistake, and the keys that lead to it. */
type Mistake = { message: string; keys: readonly unknown[] }

const ranges = [
  ['minLength', 'maxLength'],
  ['minimum', 'maximum'],
  ['minItems', 'maxItems'],
] as const

function mistakesInField(field: unknown): Mistake[] {
  if (!isObject(field)) return [{ message: 'Must be an object', keys: [] }]
  const mistakes = mistakesBy(shapeOf(field), field)
  if (mistakes.length > 0) return mistakes
  for (const [low, high] of ranges) {
    if (Number(field[low]) > Number(field[high])) {
      mistakes.push({ message: `Must be at least ${low}`, keys: [high] })
    }
  }
  const { enum: values, enumNames: names } = field
  if (Array.isArray(names) && Array.isArray(values) && names.length !== values.length) {
    mistakes.push({ message: 'Must have a name for each value', keys: ['enumNames'] })
  }
  const wrong = Object.hasOwn(field, 'default') && findMistake(field as FormField, field.default)
  if (wrong) mistakes.push({ message: wrong, keys: ['default'] })
  return mistakes
}

const form = v.strictObject({
  type: v.literal('object'),
  properties: v.custom<object>(isObject, 'Must be an object'),
  required: v.optional(v.array(v.string())),
  $schema: defaultText,
  additionalProperties: v.optional(v.boolean()),
  ...annotations,
})

function mistakesInForm(value: object): Mistake[] {
  const mistakes = mistakesBy(form, value)
  if (mistakes.length > 0) return mistakes
  const { properties, required = [] } = value as Form
  const fields = Object.entries(properties)
  if (fields.length > MAX_PROPERTIES) {
    return [{ message: `Must have at most ${MAX_PROPERTIES} properties`, keys: ['properties'] }]
  }
  const wrong = fields.flatMap(([name, field]) =>
    mistakesInField(field).map(({ message, keys }) => ({ message, keys: ['properties', name, ...keys] })),
  )
  const unknown = required.flatMap((name, index) =>
    Object.hasOwn(properties, name) ? [] : [{ message: 'Must be a property', keys: ['required', index] }],
  )
  return [...wrong, ...unknown]
}

function mistakesBy(schema: v.GenericSchema, value: object): Mistake[] {
  const { issues = [] } = v.safeParse(schema, value)
  const messages = toProblems(issues)
  return issues.map(({ path = [] }, index) => ({
    message: messages[index]?.message ?? '',
    keys: path.map(({ key }) => key),
  }))
}

/** The JSON Schema of a flat form. Its output is its input, with the fields in the runtime's order. */
export const responseSchema = v.pipe(
  plainObject<Form>(MAX_BYTES),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return
    const { value } = dataset
    for (const { message, keys } of mistakesInForm(value)) {
      const [first, ...rest] = keys.map((key) => ({
        type: 'unknown' as const,
        origin: 'value' as const,
        input: value,
        key,
        value: undefined,
      }))
      addIssue({ message, ...(first && { path: [first, ...rest] }) })
    }
  }),
  v.description(
    `A JSON Schema of a flat object with up to ${MAX_PROPERTIES} properties, as MCP's elicitation allows; at most ${MAX_BYTES} bytes`,
  ),
)

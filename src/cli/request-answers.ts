import type { AgentRequest, AnswerBody } from '#src/client/rest/rest.ts'
import { type FormField, findMistake } from '#src/domain/forms.ts'
import { CliError } from './failure.ts'
import { listChoices } from './request-text.ts'

type Choices = Pick<AgentRequest, 'options' | 'response_schema'>

/** A yes: the first of the options that allows something. */
export function toYes({ options }: Choices): AnswerBody {
  if (!options) return { status: 'resolved' }
  const option = options.find(({ kind }) => kind.startsWith('allow_'))?.id
  if (option !== undefined) return { status: 'resolved', option }
  const ids = options.map(({ id }) => id).join(', ')
  throw new CliError('failed', 'None of the options is a yes', `use "requests answer" with --option: ${ids}`)
}

/** A no: the first of the options that rejects something, unless the form would have to be filled in for it. */
export function toNo({ options, response_schema }: Choices): AnswerBody {
  const option = response_schema ? undefined : options?.find(({ kind }) => kind.startsWith('reject_'))?.id
  return option === undefined ? { status: 'cancelled' } : { status: 'resolved', option }
}

const flags: Partial<Record<string, boolean>> = {
  y: true,
  yes: true,
  true: true,
  n: false,
  no: false,
  false: false,
}

/** What a person typed, as the field's type has it. What does not fit stays a text, for the check to name it. */
export function toValue(field: FormField | undefined, text: string): unknown {
  if (field?.type === 'boolean') return flags[text.trim().toLowerCase()] ?? text
  if (field?.type === 'number' || field?.type === 'integer') {
    const number = Number(text)
    return text.trim() === '' || !Number.isFinite(number) ? text : number
  }
  return field?.type === 'array' ? toChoices(field, text) : text
}

/** One choice, which may have commas in its name, or several with commas between them. */
function toChoices({ items }: Extract<FormField, { type: 'array' }>, text: string): string[] {
  if (listChoices(items).includes(text.trim())) return [text.trim()]
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')
}

/** The same, and what is wrong with it. */
export function readValue(field: FormField, text: string): { value: unknown; mistake: string | undefined } {
  const value = toValue(field, text)
  return { value, mistake: findMistake(field, value) }
}

/** The payload from `NAME=VALUE`. Only a field that takes several choices may be given several times. */
export function toPayload(
  { response_schema }: Choices,
  given: ReadonlyMap<string, readonly string[]>,
): Record<string, unknown> {
  const entries = [...given].map(([name, texts]) => {
    const field = response_schema?.properties[name]
    if (field?.type === 'array') return [name, texts.flatMap((text) => toChoices(field, text))]
    const [text = '', ...others] = texts
    if (others.length > 0) throw new CliError('usage', `--set gives "${name}" more than one value`)
    return [name, toValue(field, text)]
  })
  return Object.fromEntries(entries)
}

/** The payload of `--payload`. */
export function parsePayload(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value }
  } catch {}
  throw new CliError('usage', '--payload must be a JSON object')
}

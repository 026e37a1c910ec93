import type { AgentRequest } from '#src/client/rest/rest.ts'
import type { FormField } from '#src/domain/forms.ts'
import { describeActor, toFields } from './text.ts'

/** A field of a form as the server has it. */
export type ShownField = { name: string; field: FormField; title: string; isRequired: boolean }

export function listFields({ response_schema }: Pick<AgentRequest, 'response_schema'>): ShownField[] {
  const { properties = {}, required = [] } = response_schema ?? {}
  return Object.entries(properties).map(([name, field]) => {
    const { title = name }: { type: string; title?: string } = field
    return { name, field, title, isRequired: required.includes(name) }
  })
}

/** What the field takes, such as `integer` or `stage, prod`. */
export function describeField({ field }: ShownField): string {
  if (field.type === 'boolean') return 'yes or no'
  if (field.type === 'array') return `any of ${listChoices(field.items).join(', ')}, with commas`
  if (field.type !== 'string') return field.type === 'integer' ? 'whole number' : 'number'
  const choices = listChoices(field)
  if (choices.length > 0) return choices.join(', ')
  return ('format' in field && field.format) || 'text'
}

/** The values that a field of choices takes, or the items of a field of several. */
export function listChoices(field: object): string[] {
  if ('enum' in field) return field.enum as string[]
  const titled = 'oneOf' in field ? field.oneOf : 'anyOf' in field ? field.anyOf : []
  return (titled as { const: string }[]).map((choice) => choice.const)
}

/** What the agent wants to do or know, for a person who decides. */
export function describeRequest(request: AgentRequest): Record<string, string> {
  const { tool_call, options, expires_at } = request
  return {
    agent: request.agent_name,
    asks: request.message,
    reason: request.reason,
    ...(tool_call && { tool: tool_call.name, arguments: JSON.stringify(tool_call.arguments) }),
    ...(options && { options: options.map(({ id, label }) => `${id} (${label})`).join(', ') }),
    ...Object.fromEntries(
      listFields(request).map((shown) => [
        `  ${shown.name}`,
        `${shown.title}: ${describeField(shown)}${shown.isRequired ? '' : ', optional'}`,
      ]),
    ),
    since: request.created_at,
    ...(expires_at && { until: expires_at }),
  }
}

/** How it ended: the option, or who said no. */
export function describeEnding({ state, cause, option }: AgentRequest): string {
  if (state === 'open' || state === 'expired') return state
  if (cause !== 'answered') return `cancelled, ${cause}`
  if (state === 'cancelled') return 'denied'
  return option === null ? 'answered' : `answered ${option}`
}

export function toText(request: AgentRequest): string {
  const { payload, note, answered_by, ended_at } = request
  return toFields({
    ...describeRequest(request),
    state: describeEnding(request),
    ...(payload && { answer: JSON.stringify(payload) }),
    ...(note !== null && { note }),
    ...(answered_by && { by: describeActor(answered_by) }),
    ...(ended_at && { ended: ended_at }),
    'request id': request.request_id,
    id: request.id,
  })
}

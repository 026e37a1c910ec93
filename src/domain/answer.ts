import { type Problem, SignalboxError, shorten } from './errors.ts'
import { checkForm } from './forms.ts'
import type { RequestRecord } from './request.ts'

/** What a person says: `resolved` with what was asked for, or `cancelled` without. */
export type Answer = {
  status: 'resolved' | 'cancelled'
  option: string | null
  payload: Record<string, unknown> | null
  note: string | null
}

/** Refuses with `invalid` an answer that is not one to this request. */
export function assertAnswers(request: RequestRecord, answer: Answer): void {
  const problems =
    answer.status === 'cancelled'
      ? findExcess(answer)
      : [...findWrongOption(request, answer), ...findWrongPayload(request, answer)]
  if (problems.length > 0) throw new SignalboxError('invalid', shorten(problems))
}

function findExcess(answer: Answer): Problem[] {
  return (['option', 'payload'] as const)
    .filter((field) => answer[field] !== null)
    .map((field) => ({ message: 'A cancelled request takes only a note', field }))
}

function findWrongOption({ options }: RequestRecord, { option }: Answer): Problem[] {
  if (!options) return option === null ? [] : [{ message: 'The request has no options', field: 'option' }]
  if (option === null) return [{ message: 'Field required', field: 'option' }]
  const ids = options.map(({ id }) => id)
  return ids.includes(option) ? [] : [{ message: `Must be one of ${ids.join(', ')}`, field: 'option' }]
}

function findWrongPayload({ response_schema }: RequestRecord, { payload }: Answer): readonly Problem[] {
  if (!response_schema) return []
  if (!payload) return [{ message: 'Field required', field: 'payload' }]
  return checkForm(response_schema, payload, 'payload')
}

/** What the runtime gets. Keys are in the database's order, so that this is the same text before and after it. */
export function toAnswerPayload(request: RequestRecord): Record<string, unknown> {
  const { note, option, state: status, payload, request_id, answered_by } = request
  const by = answered_by && { id: answered_by.id, kind: answered_by.kind }
  return { note, option, status, payload, request_id, answered_by: by }
}

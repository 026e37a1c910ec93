import type { Actor } from '#src/domain/actor.ts'
import type { RequestSummary } from '#src/domain/request.ts'

/** A request. Those that the inbox listed say whether the user may answer them. */
export type Asked = RequestSummary & { project_name?: string; can_answer?: boolean }

const reasons: Partial<Record<string, string>> = {
  tool_call: 'Tool call',
  input_required: 'Input',
  confirmation: 'Confirmation',
}

/** A reason with a namespace is shown as it is. */
export const sayReason = (reason: string): string => reasons[reason] ?? reason

type Ended = Pick<
  RequestSummary,
  'state' | 'cause' | 'option' | 'options' | 'response_schema' | 'answered_by'
>

/** How it ended: 'answered "Allow once"'. */
export function sayEnding({ state, cause, option, options, response_schema }: Ended): string {
  if (state === 'open') return 'open'
  if (state === 'expired') return 'expired without an answer'
  if (cause === 'withdrawn') return 'withdrawn by its runtime'
  if (cause === 'terminated') return 'cancelled with its agent'
  if (state === 'cancelled') return 'denied'
  const label = options?.find(({ id }) => id === option)?.label
  if (label !== undefined) return `answered "${label}"`
  return response_schema ? 'answered' : 'approved'
}

/** How it ended and by whom: "denied by Ada". */
export function sayEndingAndActor(request: Ended, nameOf: (actor: Actor) => string): string {
  const { answered_by } = request
  return answered_by ? `${sayEnding(request)} by ${nameOf(answered_by)}` : sayEnding(request)
}

export type Choice = { status: 'resolved'; option?: string } | { status: 'cancelled' }

/** What `y` answers: the first option that allows. Undefined if people must choose themselves. */
export function sayYes({ options }: Pick<RequestSummary, 'options'>): Choice | undefined {
  if (!options) return { status: 'resolved' }
  const allowing = options.find(({ kind }) => kind.startsWith('allow'))
  return allowing && { status: 'resolved', option: allowing.id }
}

/** What `n` answers: the first option that rejects. Nobody has to fill in a form to say no. */
export function sayNo({
  options,
  response_schema,
}: Pick<RequestSummary, 'options' | 'response_schema'>): Choice {
  const rejecting = options?.find(({ kind }) => kind.startsWith('reject'))
  return rejecting && !response_schema
    ? { status: 'resolved', option: rejecting.id }
    : { status: 'cancelled' }
}

/** Open ones oldest first. */
export function byAge(left: Asked, right: Asked): number {
  return left.created_at.localeCompare(right.created_at) || left.id.localeCompare(right.id)
}

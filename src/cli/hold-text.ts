import type { Budget, Hold } from '#src/client/rest/rest.ts'
import { describeActor, toFields } from './text.ts'

type Scope = Pick<Hold, 'selector' | 'agent_type_id'> & Partial<Pick<Budget, 'agent_id'>>

/** The agents that a hold or a budget is for. */
export function describeScope({ selector, agent_type_id, agent_id }: Scope): string {
  if (agent_id) return `agent ${agent_id} and its descendants`
  const parts = [
    ...(agent_type_id === null ? [] : [`type ${agent_type_id}`]),
    ...(selector ? [selector] : []),
  ]
  return parts.length > 0 ? parts.join(', ') : 'all'
}

export function toText(hold: Hold): string {
  const { until, released_at, released_by, group_id } = hold
  return toFields({
    reason: hold.reason,
    agents: describeScope(hold),
    mode: hold.mode,
    paused: String(hold.affected_count),
    placed: `${hold.created_at} by ${describeActor(hold.created_by)}`,
    ...(until !== null && { until }),
    ...(released_at !== null &&
      released_by && { released: `${released_at} by ${describeActor(released_by)}` }),
    ...(group_id !== null && { group: group_id }),
    id: hold.id,
  })
}

import { type ActiveHolds, noHolds } from './active-holds.ts'
import type { AgentState } from './agent.ts'
import type { Hold } from './hold.ts'
import { isAtLeast } from './money.ts'

export type Limit = 'token limit' | 'cost limit'

/** The limit that an agent's usage has reached, if any. Usage at the limit counts as over it. */
export function exceededLimit(
  agent: Pick<AgentState, 'token_limit' | 'tokens_used' | 'cost_limit' | 'cost_incurred'>,
): Limit | undefined {
  if (agent.token_limit !== null && agent.tokens_used >= agent.token_limit) return 'token limit'
  if (agent.cost_limit !== null && isAtLeast(agent.cost_incurred, agent.cost_limit)) return 'cost limit'
  return undefined
}

/** Why a paused agent cannot resume; undefined if it can. Of several holds the oldest counts. */
export function reasonToStay(agent: AgentState, holds: ActiveHolds = noHolds): string | undefined {
  const [hold] = holds.of(agent)
  if (hold) return reasonHeld(hold)
  const limit = exceededLimit(agent)
  if (limit) return `Agent is over its ${limit}`
  const [budget] = agent.over_budgets
  return budget && `Agent is over budget ${budget.name}`
}

export function reasonHeld({ reason }: Hold): string {
  return `Agent is held: ${reason}`
}

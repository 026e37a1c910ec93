import type { AgentState } from './agent.ts'
import { isAtLeast } from './money.ts'

export type Limit = 'token limit' | 'cost limit'

/** The limit that an agent's usage has reached, if any; at the limit counts as over it. */
export function exceededLimit(
  agent: Pick<AgentState, 'token_limit' | 'tokens_used' | 'cost_limit' | 'cost_incurred'>,
): Limit | undefined {
  if (agent.token_limit !== null && agent.tokens_used >= agent.token_limit) return 'token limit'
  if (agent.cost_limit !== null && isAtLeast(agent.cost_incurred, agent.cost_limit)) return 'cost limit'
  return undefined
}

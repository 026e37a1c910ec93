import type { AgentSummary } from '#src/domain/agent.ts'

/** The share of its tightest limit that an agent has used, from 0; undefined without a limit. */
export function budgetUse(agent: AgentSummary): number | undefined {
  const uses: number[] = []
  if (agent.token_limit !== null) uses.push(ratio(agent.tokens_used, agent.token_limit))
  if (agent.cost_limit !== null) uses.push(ratio(Number(agent.cost_incurred), Number(agent.cost_limit)))
  return uses.length > 0 ? Math.max(...uses) : undefined
}

/** A limit of zero counts as reached from the start. */
export function ratio(used: number, limit: number): number {
  return limit === 0 ? 1 : used / limit
}

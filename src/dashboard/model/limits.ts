import type { Api } from '#src/client/rest/rest.ts'
import type { AgentSummary } from '#src/domain/agent.ts'
import { exceededLimit } from '#src/domain/budget.ts'
import { formatCount, formatExactMoney } from './format.ts'

type Used = Pick<AgentSummary, 'token_limit' | 'tokens_used' | 'cost_limit' | 'cost_incurred'>

export const isOverTokens = (agent: Used): boolean =>
  exceededLimit({ ...agent, cost_limit: null }) !== undefined
export const isOverCost = (agent: Used): boolean =>
  exceededLimit({ ...agent, token_limit: null }) !== undefined

/** "432,000 of 288,000 tokens, $1.20 of $2.00" */
export function sayUse({ tokens_used, token_limit, cost_incurred, cost_limit }: Used): string {
  const tokens = token_limit === null ? '' : ` of ${formatCount(token_limit)}`
  const cost = cost_limit === null ? '' : ` of ${formatExactMoney(Number(cost_limit))}`
  return `${formatCount(tokens_used)}${tokens} tokens, ${formatExactMoney(Number(cost_incurred))}${cost}`
}

export type LimitChange = { token_limit?: number | null | undefined; cost_limit?: string | null | undefined }

/**
 * Changes the limits of one agent after the other. The first refusal is most likely about the input and concerns all: it is
 * thrown. A later one ends the changes, and says how far they have come.
 */
export async function setLimits(
  api: Api,
  agents: readonly AgentSummary[],
  changeOf: (agent: AgentSummary) => LimitChange,
): Promise<string | undefined> {
  for (const [index, agent] of agents.entries()) {
    try {
      await api.agents.update(agent.project_id, agent.id, changeOf(agent))
    } catch (error) {
      if (index === 0) throw error
      const reason = error instanceof Error ? error.message : String(error)
      return `Limits set for ${index} of ${agents.length} agents. ${agent.name}: ${reason}`
    }
  }
  return undefined
}

import type { AgentSummary } from '#src/domain/agent.ts'
import { exceededLimit, type Limit } from '#src/domain/budget.ts'
import type { Hold } from '#src/domain/hold.ts'
import type { ProjectBudget } from '#src/domain/project-budget.ts'

/** The server takes 30 changes a minute from one address. */
export const MAX_WITH_LIMITS = 25

/** What keeps a paused agent from being resumed, and has to be lifted first. */
export type Block =
  | { kind: 'hold'; hold: Hold }
  | { kind: 'limit'; limit: Limit }
  | { kind: 'budget'; budget_id: string }

type Stops = {
  holds: ReadonlyMap<string, Hold>
  budgets: ReadonlyMap<string, Pick<ProjectBudget, 'name'>>
}
type Blocked = Pick<
  AgentSummary,
  'status' | 'holds' | 'control' | 'token_limit' | 'tokens_used' | 'cost_limit' | 'cost_incurred'
>

/** In the server's order: of several holds the oldest counts, then the agent's own limits, then a budget of its tree. */
export function blockOf(agent: Blocked, { holds }: Pick<Stops, 'holds'>): Block | undefined {
  if (agent.status !== 'paused') return undefined
  for (const id of agent.holds) {
    const hold = holds.get(id)
    if (hold) return toBlock(hold)
  }
  const limit = exceededLimit(agent)
  if (limit) return { kind: 'limit', limit }
  const cause = agent.control?.cause
  return cause?.kind === 'budget' && cause.id !== null ? { kind: 'budget', budget_id: cause.id } : undefined
}

/** The hold of a budget ends with a higher limit: people can't release it. */
export function toBlock(hold: Hold): Block {
  const { kind, id } = hold.cause
  return kind === 'budget' && id !== null ? { kind, budget_id: id } : { kind: 'hold', hold }
}

/** "held: The source database is wrong"; undefined for a limit of its own, which needs attention in other words. */
export function sayBlock(block: Block | undefined, { budgets }: Pick<Stops, 'budgets'>): string | undefined {
  if (block?.kind === 'hold') return `held: ${block.hold.reason}`
  if (block?.kind !== 'budget') return undefined
  const name = budgets.get(block.budget_id)?.name
  return name === undefined ? 'over a budget' : `over budget ${name}`
}

/** What an operator does about it. */
export function liftingOf(block: Block): string {
  return block.kind === 'hold' ? "Release the project's hold…" : 'Raise limit and resume'
}

function keyOf(block: Block): string {
  if (block.kind === 'hold') return block.hold.id
  return block.kind === 'budget' ? block.budget_id : 'limit'
}

export type BlockedGroup<Agent> = { block: Block; agents: Agent[] }

/** Agents by what blocks them; those that nothing blocks are in no group. */
export function groupBlocked<Agent extends Blocked>(
  agents: readonly Agent[],
  stops: Pick<Stops, 'holds'>,
): BlockedGroup<Agent>[] {
  const groups = new Map<string, BlockedGroup<Agent>>()
  for (const agent of agents) {
    const block = blockOf(agent, stops)
    if (!block) continue
    const group = groups.get(keyOf(block)) ?? { block, agents: [] }
    group.agents.push(agent)
    groups.set(keyOf(block), group)
  }
  return [...groups.values()]
}

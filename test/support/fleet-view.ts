import { expect, vi } from 'vitest'
import type { Agent, Fleet, Rest } from './rest.ts'

/** Every agent of a fleet, as one replica's REST shows it. */
export async function listAgents(fleet: Fleet, rest: Rest): Promise<Agent[]> {
  const agents: Agent[] = []
  for (let page = 1; ; page++) {
    const { body } = await rest.get<{ data: Agent[]; pagination: { has_next: boolean } }>(
      `${fleet.agents}?limit=100&page=${page}`,
    )
    agents.push(...body.data)
    if (!body.pagination.has_next) return agents
  }
}

export type Until = { isSo: (agent: Agent) => boolean; within_ms: number }

/** Every agent of the fleet, once REST shows that it is so of each; fails at the deadline with those of which it isn't. */
export async function untilEachAgent(fleet: Fleet, rest: Rest, { isSo, within_ms }: Until): Promise<Agent[]> {
  let agents: Agent[] = []
  const others = async () => {
    agents = await listAgents(fleet, rest)
    return agents.filter((agent) => !isSo(agent))
  }
  await vi.waitFor(async () => expect(await others()).toEqual([]), { timeout: within_ms, interval: 100 })
  return agents
}

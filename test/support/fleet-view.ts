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

/** Asks again until what REST shows is so of every agent; fails at the deadline with one of which it isn't. */
export async function eventually(fleet: Fleet, rest: Rest, { isSo, within_ms }: Until): Promise<Agent[]> {
  const deadline = Date.now() + within_ms
  for (;;) {
    const agents = await listAgents(fleet, rest)
    if (agents.every(isSo)) return agents
    if (Date.now() > deadline) throw new Error(JSON.stringify(agents.find((agent) => !isSo(agent))))
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

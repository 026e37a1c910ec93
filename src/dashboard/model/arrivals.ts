import type { AgentSummary } from '#src/domain/agent.ts'
import { slugOf } from './slug.ts'

type Agents = ReadonlyMap<string, AgentSummary>

/** What a program with this name calls itself, at each of its starts. */
export function externalIdOf(name: string): string {
  return slugOf(name) || 'agent-1'
}

/** A name whose program takes over no agent of the project. */
export function unusedName(agents: Agents): string {
  const taken = new Set([...agents.values()].map(({ external_id }) => external_id))
  for (let number = 1; ; number++) {
    const name = number === 1 ? 'First agent' : `Agent ${number}`
    if (!taken.has(externalIdOf(name))) return name
  }
}

/** The live agent that a program with this id would run. */
export function findHolder(agents: Agents, external_id: string): AgentSummary | undefined {
  return [...agents.values()].find(
    (agent) => agent.external_id === external_id && agent.status !== 'terminated',
  )
}

/** The agent of this id, if a runtime of it has come since the agents were as `before`. */
export function findArrival(agents: Agents, before: Agents, external_id: string): AgentSummary | undefined {
  const holder = findHolder(agents, external_id)
  return holder && hasCome(holder, before.get(holder.id)) ? holder : undefined
}

/** A runtime over HTTP does not connect. Its first report counts: a command of a person is later activity, too. */
function hasCome(agent: AgentSummary, before: AgentSummary | undefined): boolean {
  const { runtime, last_activity_at, status } = agent
  if (runtime.connected) return !before?.runtime.connected || runtime.since !== before.runtime.since
  return status !== 'paused' && last_activity_at !== null && (before?.last_activity_at ?? null) === null
}

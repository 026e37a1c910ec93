import type { AgentSummary } from '#src/domain/agent.ts'

type Agents = ReadonlyMap<string, AgentSummary>

/** Which agents had a runtime at a moment of the log. */
export type Moment = { seq: number; active: ReadonlySet<string> }

/** A runtime is connected, or has called over HTTP, which does not connect. A command of a person is activity, too. */
function isActive({ runtime, last_activity_at, status }: AgentSummary): boolean {
  const isStopped = status === 'paused' || status === 'terminated'
  return runtime.connected || (last_activity_at !== null && !isStopped)
}

export function noteMoment(agents: Agents, seq: number): Moment {
  const active = [...agents.values()].filter(isActive).map(({ id }) => id)
  return { seq, active: new Set(active) }
}

/** The first agent whose runtime came after the moment; one with the name that is waited for may come again. */
export function findArrival(
  agents: Agents,
  { seq, active }: Moment,
  external_id: string,
): AgentSummary | undefined {
  let found: AgentSummary | undefined
  for (const agent of agents.values()) {
    const isAwaited = agent.external_id === external_id || !active.has(agent.id)
    if (!isAwaited || agent.seq <= seq || !isActive(agent)) continue
    if (!found || agent.seq < found.seq) found = agent
  }
  return found
}

import type { AgentSummary } from '#src/domain/agent.ts'
import { formatCount, plural } from './format.ts'
import { shownStatus } from './progress.ts'

const stages = ['paused', 'pausing', 'lost'] as const
type Stage = (typeof stages)[number]

/** The agents that a hold keeps paused, by how far they are. */
export type Held = Record<Stage, number>

/** By hold. */
export function countHeld(agents: Iterable<AgentSummary>): ReadonlyMap<string, Held> {
  const held = new Map<string, Held>()
  for (const agent of agents) {
    if (agent.status !== 'paused') continue
    const shown = shownStatus(agent)
    const stage = stages.find((name) => name === shown) ?? 'paused'
    for (const id of agent.holds) {
      const counts = held.get(id) ?? { paused: 0, pausing: 0, lost: 0 }
      counts[stage]++
      held.set(id, counts)
    }
  }
  return held
}

/** "2 agents paused, 4 pausing, 1 lost" */
export function sayHeld(held: Held = { paused: 0, pausing: 0, lost: 0 }): string {
  const open = stages
    .slice(1)
    .flatMap((stage) => (held[stage] > 0 ? [`${formatCount(held[stage])} ${stage}`] : []))
  return [`${plural(held.paused, 'agent')} paused`, ...open].join(', ')
}

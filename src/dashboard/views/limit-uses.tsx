import type { AgentSummary } from '#src/domain/agent.ts'
import { sayUse } from '../model/limits.ts'

/** What each agent has used of its limits. */
export function LimitUses({ agents }: { agents: readonly AgentSummary[] }) {
  return (
    <ul class="limit-uses" aria-label="Use of the limits">
      {agents.map((agent) => (
        <li key={agent.id}>
          <b>{agent.name}</b> <span class="faint">{sayUse(agent)}</span>
        </li>
      ))}
    </ul>
  )
}

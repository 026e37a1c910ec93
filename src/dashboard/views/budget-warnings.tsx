import type { AgentSummary } from '#src/domain/agent.ts'
import { NEAR_LIMIT } from '../model/attention.ts'
import { budgetUse } from '../model/budget-use.ts'
import { formatCount, formatMoney, formatShort } from '../model/format.ts'
import { links } from '../model/links.ts'
import { useSettled } from '../model/loaded.ts'
import type { ProjectLive } from '../model/project-live.ts'
import { Lamp } from '../parts/marks.tsx'

const SHOWN = 12
const EVERY_MS = 1_000

/** Agents that have used at least 80% of a limit. */
export function BudgetWarnings({ live }: { live: ProjectLive }) {
  useSettled(live.version.value, EVERY_MS)
  const near = [...live.agents.values()]
    .filter(({ status }) => status !== 'terminated')
    .map((agent) => ({ agent, use: budgetUse(agent) ?? 0 }))
    .filter(({ use }) => use >= NEAR_LIMIT)
    .sort((left, right) => right.use - left.use)
  return (
    <section class="panel warnings" aria-label="Near their limits">
      <header class="panel-head">
        <h3>Agents near their limits</h3>
        <span class="faint">{near.length > 0 ? `${formatCount(near.length)} at 80% or more` : ''}</span>
      </header>
      {near.length === 0 && <p class="faint none">None has used 80% of a limit</p>}
      <ul>
        {near.slice(0, SHOWN).map(({ agent, use }) => (
          <li key={agent.id} class={use >= 1 ? 'warning budget-over' : 'warning budget-near'}>
            <Lamp status={agent.status} />
            <a href={links.agent(agent.project_id, agent.id)}>{agent.name}</a>
            <span class="faint">{describeUse(agent)}</span>
            <b>{Math.floor(use * 100)}%</b>
            <span class="bar" aria-hidden="true">
              <i style={{ transform: `scaleX(${Math.min(1, use)})` }} />
            </span>
          </li>
        ))}
      </ul>
    </section>
  )
}

function describeUse({ token_limit, tokens_used, cost_limit, cost_incurred }: AgentSummary): string {
  const uses = [
    token_limit !== null && `${formatShort(tokens_used)} of ${formatShort(token_limit)} tokens`,
    cost_limit !== null && `${formatMoney(Number(cost_incurred))} of ${formatMoney(Number(cost_limit))}`,
  ]
  return uses.filter(Boolean).join(' · ')
}

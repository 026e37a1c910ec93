import { useMemo } from 'preact/hooks'
import type { AgentSummary } from '#src/domain/agent.ts'
import { columns } from '../model/arrange.ts'
import { formatCount, plural } from '../model/format.ts'
import { links } from '../model/links.ts'
import { useSettled } from '../model/loaded.ts'
import type { ProjectLive } from '../model/project-live.ts'
import { Status } from '../parts/marks.tsx'

const SHOWN = 12
const EVERY_MS = 500

/** What the agent has started: those that need attention first, ended ones last. */
export function AgentChildren({ live, agent }: { live: ProjectLive; agent: AgentSummary }) {
  const version = useSettled(live.version.value, EVERY_MS)
  const { children, below } = useMemo(
    () => ({
      children: childrenOf(live, agent.id),
      below: [...live.trees.descendants([agent.id])].length,
    }),
    [live, agent.id, version],
  )
  if (children.length === 0) return null
  return (
    <section class="panel" aria-label="Children">
      <header class="panel-head">
        <h3>{plural(children.length, 'child', 'children')}</h3>
        {below > children.length && (
          <span class="faint">{formatCount(below - children.length)} more below them</span>
        )}
      </header>
      <ul>
        {children.slice(0, SHOWN).map((child) => (
          <li key={child.id} class="child">
            <a href={links.agent(child.project_id, child.id)} title={child.name}>
              {child.name}
            </a>
            <Status agent={child} />
          </li>
        ))}
      </ul>
      <p class="panel-foot">
        <a href={links.children(agent.project_id, agent.id)}>
          {children.length > SHOWN ? `Show all ${formatCount(children.length)}` : 'Show in the fleet'}
        </a>
      </p>
    </section>
  )
}

function childrenOf({ agents, trees }: ProjectLive, id: string): AgentSummary[] {
  const { status, name } = columns
  return [...trees.children(id)]
    .map((child) => agents.get(child))
    .filter((child) => child !== undefined)
    .sort((left, right) => status.compare(left, right) || name.compare(left, right))
}

import type { Project } from '#src/client/rest/rest.ts'
import { useAppState } from '../app-state-context.ts'
import { formatCount, formatShort } from '../model/format.ts'
import { links } from '../model/links.ts'
import type { ProjectLive } from '../model/project-live.ts'
import { place } from '../model/route.ts'
import { inService, shares } from '../model/totals.ts'
import { NeedsBadge } from '../parts/needs-badge.tsx'

/** Every project with its number of agents. */
export function ProjectRail() {
  const app = useAppState()
  const { value, problem } = app.projects.value
  return (
    <div class="rail-projects">
      <a class="rail-title" href={links.projects}>
        Projects
      </a>
      {!value && <p class="faint">{problem ?? 'Loading'}</p>}
      <ul>
        {value?.map((project) => (
          <li key={project.id}>
            <RailProject project={project} />
          </li>
        ))}
      </ul>
    </div>
  )
}

function RailProject({ project }: { project: Project }) {
  const live = useAppState().live(project.id)
  void live?.version.value
  const isKnown = live?.isFilled && live.state.value.kind !== 'closed'
  const at = place.value
  const isHere = at.view !== 'request' && 'project_id' in at && at.project_id === project.id
  return (
    <a href={links.fleet(project.id)} class="rail-project" aria-current={isHere ? 'page' : undefined}>
      <span class="rail-name">{project.name}</span>
      {isKnown && <NeedsBadge concerns={live.concerns.value} />}
      <span class="rail-count">{isKnown ? formatShort(inService(live.totals)) : ''}</span>
      {isKnown && (
        <>
          <Mix live={live} />
          <span class="hidden">agents: {sayMix(live)}</span>
        </>
      )}
    </a>
  )
}

/** "11 working, 17 lost" */
const sayMix = ({ totals }: ProjectLive) =>
  shares(totals)
    .map(([status, count]) => `${formatCount(count)} ${status}`)
    .join(', ')

/** The shares of what the agents are shown as, as one line. */
export function Mix({ live }: { live: ProjectLive }) {
  return (
    <span class="mix" title={sayMix(live)} aria-hidden="true">
      {shares(live.totals).map(([status, count]) => (
        <i key={status} class={`mix-${status}`} style={{ flexGrow: count }} />
      ))}
    </span>
  )
}

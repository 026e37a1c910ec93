import type { Project } from '#src/client/rest/rest.ts'
import { useAppState } from '../app-state-context.ts'
import { formatShort } from '../model/format.ts'
import { links } from '../model/links.ts'
import { place } from '../model/route.ts'
import { inService } from '../model/totals.ts'
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
      {isKnown && <Mix live={live} />}
    </a>
  )
}

const drawn = ['working', 'waiting', 'idle', 'paused'] as const

/** The shares of the statuses, as one line. */
export function Mix({ live }: { live: NonNullable<ReturnType<ReturnType<typeof useAppState>['live']>> }) {
  const { by_status, unsettled } = live.totals
  return (
    <span class="mix" aria-hidden="true">
      {drawn
        .filter((status) => by_status[status] > 0)
        .map((status) => (
          <i key={status} class={`mix-${status}`} style={{ flexGrow: by_status[status] }} />
        ))}
      {unsettled.terminated > 0 && <i class="mix-stopping" style={{ flexGrow: unsettled.terminated }} />}
    </span>
  )
}

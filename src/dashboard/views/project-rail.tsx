import type { Project } from '#src/client/rest.ts'
import { formatShort } from '../model/format.ts'
import { links, place } from '../model/route.ts'
import { inService } from '../model/totals.ts'
import { useWorld } from '../world-context.ts'

/** Every project with its counts, at all times. */
export function ProjectRail() {
  const world = useWorld()
  const { value, problem } = world.projects.value
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
  const live = useWorld().live(project.id)
  void live?.version.value
  const at = place.value
  const isHere = 'project_id' in at && at.project_id === project.id
  return (
    <a href={links.fleet(project.id)} class="rail-project" aria-current={isHere ? 'page' : undefined}>
      <span class="rail-name">{project.name}</span>
      <span class="rail-count">{live?.isFilled ? formatShort(inService(live.totals)) : ''}</span>
      {live?.isFilled && <Mix live={live} />}
    </a>
  )
}

const drawn = ['working', 'waiting', 'idle', 'paused'] as const

/** The shares of the statuses as one line. */
export function Mix({ live }: { live: NonNullable<ReturnType<ReturnType<typeof useWorld>['live']>> }) {
  const { by_status } = live.totals
  return (
    <span class="mix" aria-hidden="true">
      {drawn
        .filter((status) => by_status[status] > 0)
        .map((status) => (
          <i key={status} class={`mix-${status}`} style={{ flexGrow: by_status[status] }} />
        ))}
    </span>
  )
}

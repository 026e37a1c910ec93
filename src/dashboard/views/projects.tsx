import type { Project } from '#src/client/rest.ts'
import { type AgentStatus, agentStatuses } from '#src/domain/lifecycle.ts'
import { formatCount, formatMoney, formatShort } from '../model/format.ts'
import { links } from '../model/route.ts'
import { fromUnits } from '../model/totals.ts'
import { Lamp } from '../parts/marks.tsx'
import { State } from '../parts/states.tsx'
import { useWorld } from '../world-context.ts'
import { Mix } from './project-rail.tsx'

const shown = agentStatuses.filter((status): status is AgentStatus => status !== 'terminated')

/** Where one begins: all projects at a glance. */
export function Projects() {
  const world = useWorld()
  const { value, problem } = world.projects.value
  return (
    <div class="page">
      <header class="page-head">
        <h1>Projects</h1>
      </header>
      {!value && !problem && <State kind="loading" title="Loading the projects" />}
      {!value && problem && (
        <State kind="problem" title="The projects cannot be shown">
          <p>{problem}</p>
          <button type="button" onClick={() => void world.readProjects()}>
            Try again
          </button>
        </State>
      )}
      {value?.length === 0 && (
        <State title="No project yet">
          <p>
            Projects are made over the API (<code>POST /api/v1/projects</code>), or their owner makes you a
            member.
          </p>
        </State>
      )}
      <ul class="cards">
        {value?.map((project) => (
          <li key={project.id}>
            <Card project={project} />
          </li>
        ))}
      </ul>
    </div>
  )
}

function Card({ project }: { project: Project }) {
  const live = useWorld().live(project.id)
  void live?.version.value
  return (
    <a class="card" href={links.fleet(project.id)}>
      <h2>{project.name}</h2>
      <p class="faint">{project.description ?? project.slug}</p>
      {!live && <p class="faint">Open it to see it live</p>}
      {live && !live.isFilled && <p class="faint">Loading</p>}
      {live?.isFilled && (
        <>
          <Mix live={live} />
          <dl class="card-counts">
            {shown.map((status) => (
              <div key={status}>
                <dt>
                  <Lamp status={status} />
                  {status}
                </dt>
                <dd>{formatCount(live.totals.by_status[status])}</dd>
              </div>
            ))}
          </dl>
          <p class="card-foot">
            {formatCount(live.totals.connected)} connected · {formatShort(live.totals.tokens)} tokens ·{' '}
            {formatMoney(fromUnits(live.totals.cost_units))}
          </p>
        </>
      )}
    </a>
  )
}

import { useState } from 'preact/hooks'
import type { Project } from '#src/client/rest/rest.ts'
import { type AgentStatus, agentStatuses } from '#src/domain/lifecycle.ts'
import { useAppState } from '../app-state-context.ts'
import { sayKinds } from '../model/attention.ts'
import { formatCount, formatMoney, formatShort } from '../model/format.ts'
import { links } from '../model/links.ts'
import { goTo } from '../model/route.ts'
import { fromUnits } from '../model/totals.ts'
import { needsClass } from '../model/wall.ts'
import { Icon } from '../parts/icons.tsx'
import { lazy } from '../parts/lazy.tsx'
import { State } from '../parts/states.tsx'
import { StatusCounts } from '../parts/status-count.tsx'
import { Mix } from './project-rail.tsx'
import { ProjectTools, useArranged } from './project-tools.tsx'

const FirstRun = lazy('the first steps', async () => (await import('./connect.tsx')).FirstRun)
const NewProject = lazy('the form', async () => (await import('./project-form.tsx')).NewProject)

const shown = agentStatuses.filter((status): status is AgentStatus => status !== 'terminated')

/** The start page: all projects at a glance. */
export function Projects() {
  const app = useAppState()
  const { value, problem } = app.projects.value
  const shownProjects = useArranged(value ?? [])
  const [isCreating, setCreating] = useState(false)
  return (
    <div class="page">
      <header class="page-head">
        <h1>Projects</h1>
        <ProjectTools count={value?.length ?? 0} />
        {value && value.length > 0 && (
          <button type="button" onClick={() => setCreating(true)}>
            <Icon name="plus" />
            New project
          </button>
        )}
      </header>
      {isCreating && <NewProject onClose={() => setCreating(false)} />}
      {!value && !problem && <State kind="loading" title="Loading the projects" />}
      {!value && problem && (
        <State kind="problem" title="Couldn't load projects">
          <p>{problem}</p>
          <button type="button" onClick={() => void app.readProjects()}>
            Try again
          </button>
        </State>
      )}
      {value && value.length > 0 && shownProjects.length === 0 && (
        <State title="No projects match this search" />
      )}
      {value?.length === 0 && <FirstRun onCreated={({ id }) => goTo(links.connect(id))} />}
      <ul class="cards">
        {shownProjects.map((project) => (
          <li key={project.id}>
            <Card project={project} />
          </li>
        ))}
      </ul>
    </div>
  )
}

function Card({ project }: { project: Project }) {
  const live = useAppState().live(project.id)
  void live?.version.value
  return (
    <article class="card">
      <h2>
        <a class="card-link" href={links.fleet(project.id)}>
          {project.name}
        </a>
      </h2>
      <p class="faint">{project.description ?? project.slug}</p>
      {!live && <p class="faint">Open the project to see it live</p>}
      {live && !live.isFilled && <p class="faint">Loading</p>}
      {live?.isFilled && (
        <>
          <Mix live={live} />
          <StatusCounts class="card-counts" totals={live.totals} statuses={shown} />
          {live.concerns.value.size > 0 && (
            <a
              class={`card-needs ${needsClass(live.concerns.value)}`}
              href={links.needing(project.id)}
              title="Show these in the fleet"
            >
              <Icon name="needs" />
              {sayKinds(live.concerns.value)}
            </a>
          )}
          <p class="card-foot">
            {formatCount(live.totals.connected)} connected · {formatShort(live.totals.tokens)} tokens ·{' '}
            {formatMoney(fromUnits(live.totals.costUnits))}
          </p>
        </>
      )}
    </article>
  )
}

import type { Project } from '#src/client/rest.ts'
import type { ProjectLive } from '../model/project-live.ts'
import { links, type Place } from '../model/route.ts'
import { Connection } from '../parts/connection.tsx'
import { State } from '../parts/states.tsx'
import { useWorld } from '../world-context.ts'
import { AgentView } from './agent.tsx'
import { FleetView } from './fleet.tsx'
import { Members } from './members.tsx'
import { Overview } from './overview.tsx'
import { StopEverything } from './stop-everything.tsx'

type ProjectPlace = Extract<Place, { project_id: string }>

/** One project: its head, which says how live it is, and one of its pages. */
export function ProjectView({ place }: { place: ProjectPlace }) {
  const world = useWorld()
  const project = world.project(place.project_id)
  const { value, problem } = world.projects.value
  if (!project) {
    if (!value && !problem) return <State kind="loading" title="Loading the project" />
    return (
      <State
        kind="problem"
        title={value ? 'This project is not yours to see' : 'The project cannot be shown'}
      >
        <p>{value ? 'It does not exist, or its owner has not made you a member.' : problem}</p>
        <a href={links.projects}>All projects</a>
      </State>
    )
  }
  const live = world.live(project.id)
  if (!live) {
    return (
      <State kind="problem" title="Too many projects on one page">
        <p>One connection carries a hundred projects. Reload the page here to see this one live.</p>
      </State>
    )
  }
  return <Loaded project={project} live={live} place={place} />
}

type Props = { project: Project; live: ProjectLive; place: ProjectPlace }

function Loaded({ project, live, place }: Props) {
  const state = live.state.value
  void (live.isFilled || live.version.value)
  const isForbidden = state.kind === 'closed' && state.reason !== 'requested'
  return (
    <div class={`project project-${state.kind}`}>
      <ProjectHead project={project} live={live} place={place} />
      {isForbidden && (
        <State kind="problem" title="The watch of this project has ended">
          <p>{state.error.message}.</p>
        </State>
      )}
      {!isForbidden && !live.isFilled && <Filling isOffline={state.kind === 'offline'} />}
      {!isForbidden && live.isFilled && <Pages project={project} live={live} place={place} />}
    </div>
  )
}

function Filling({ isOffline }: { isOffline: boolean }) {
  if (isOffline) return <State kind="problem" title="Signalbox is out of reach" />
  return <State kind="loading" title="Loading the fleet" />
}

function Pages({ project, live, place }: Props) {
  if (place.view === 'agent') {
    return <AgentView key={place.agent_id} project={project} live={live} agent_id={place.agent_id} />
  }
  if (place.view === 'overview') return <Overview project={project} live={live} />
  if (place.view === 'members') return <Members project={project} />
  return <FleetView project={project} live={live} />
}

const tabs = [
  ['fleet', 'Fleet'],
  ['overview', 'Overview'],
  ['members', 'Members'],
] as const

function ProjectHead({ project, live, place }: Props) {
  const { standings } = useWorld()
  return (
    <header class="project-head">
      <div class="project-title">
        <h1>{project.name}</h1>
        <span class="role">{standings.role(project).value ?? ''}</span>
      </div>
      <nav class="tabs" aria-label="Pages of the project">
        {tabs.map(([view, label]) => (
          <a
            key={view}
            href={links[view](project.id)}
            aria-current={place.view === view ? 'page' : undefined}
          >
            {label}
          </a>
        ))}
      </nav>
      <Connection state={live.state.value} />
      {standings.may(project, 'control_agent') && <StopEverything project={project} live={live} />}
    </header>
  )
}

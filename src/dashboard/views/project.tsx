import { useEffect, useRef } from 'preact/hooks'
import type { ClosedReason } from '#src/client/index.ts'
import type { Project } from '#src/client/rest/rest.ts'
import type { ProjectRole } from '#src/domain/access.ts'
import { useAppState } from '../app-state-context.ts'
import { dropLifting, lifting, startHold } from '../model/lifting.ts'
import { links, projectPages } from '../model/links.ts'
import { atMoment, moment } from '../model/past.ts'
import type { ProjectLive } from '../model/project-live.ts'
import type { Place } from '../model/route.ts'
import { stopOf } from '../model/stops.ts'
import { Connection, ShowingPast } from '../parts/connection.tsx'
import { Icon } from '../parts/icons.tsx'
import { lazy } from '../parts/lazy.tsx'
import { NeedsBadge } from '../parts/needs-badge.tsx'
import { State } from '../parts/states.tsx'
import { FleetView } from './fleet.tsx'
import { HoldBanners } from './hold-banner.tsx'
import { dropOrder, OrderDialog, startWished } from './order-dialog.tsx'
import { StopEverything } from './stop-everything.tsx'

const Agent = lazy('the agent', async () => (await import('./agent.tsx')).AgentView)
const Budgets = lazy('the budgets', async () => (await import('./budgets.tsx')).BudgetsView)
const Connect = lazy('the steps', async () => (await import('./connect.tsx')).ConnectView)
const Lifting = lazy('the dialog', async () => (await import('./lifting.tsx')).LiftingDialog)
const Log = lazy('the log', async () => (await import('./log.tsx')).LogView)
const Members = lazy('the members', async () => (await import('./members.tsx')).Members)
const Overview = lazy('the overview', async () => (await import('./overview.tsx')).Overview)
const PastFleet = lazy('the past', async () => (await import('./past.tsx')).PastFleetView)
const Settings = lazy('the settings', async () => (await import('./settings.tsx')).SettingsView)
const Stopping = lazy('the stop', async () => (await import('./stopping.tsx')).Stopping)
const Usage = lazy('the usage', async () => (await import('./usage.tsx')).UsageView)

type ProjectPlace = Extract<Place, { project_id: string }>

/** One project: its head, with the state of the connection, and one of its pages. */
export function ProjectView({ place }: { place: ProjectPlace }) {
  const app = useAppState()
  const project = app.project(place.project_id)
  const { value, problem } = app.projects.value
  if (!project) {
    if (!value && !problem) return <State kind="loading" title="Loading the project" />
    return (
      <State
        kind="problem"
        title={value ? sayMissing(app.ending(place.project_id)) : "Couldn't load the project"}
      >
        {!value && <p>{problem}</p>}
        <WaysOn />
      </State>
    )
  }
  const live = app.live(project.id)
  if (!live) {
    return (
      <State kind="problem" title="Live view is limited to 100 projects">
        <p>Reload the page here to see this project live.</p>
      </State>
    )
  }
  return <Loaded project={project} live={live} place={place} />
}

type Props = { project: Project; live: ProjectLive; place: ProjectPlace }

const endings: Partial<Record<ClosedReason, string>> = {
  forbidden: 'Your access to this project was removed',
  deleted: 'This project was deleted',
}

function WaysOn() {
  const app = useAppState()
  return (
    <p class="state-actions">
      <a class="button" href={links.projects}>
        All projects
      </a>
      <button type="button" onClick={() => void app.readProjects()}>
        Check again
      </button>
    </p>
  )
}

function sayMissing(ending: ClosedReason | undefined): string {
  return (ending && endings[ending]) ?? "You don't have access to this project"
}

function Loaded({ project, live, place }: Props) {
  const state = live.state.value
  void (live.isFilled || live.version.value)
  const dialog = lifting.value
  useEffect(() => dropLifting, [place.view])
  const agent_id = 'agent_id' in place ? place.agent_id : undefined
  useEffect(() => {
    startWished(agent_id)
    return dropOrder
  }, [place.view, agent_id])
  const hasEnded = state.kind === 'closed' && state.reason !== 'requested'
  return (
    <div class={`project project-${state.kind}`}>
      <ProjectHead project={project} live={live} place={place} />
      {!isPast(place) && <HoldBanners project={project} live={live} />}
      {stopOf(live).value && <Stopping project={project} live={live} />}
      {hasEnded && (
        <State kind="problem" title="Live updates of this project have ended">
          <p>{state.error.message}.</p>
          <WaysOn />
        </State>
      )}
      {!hasEnded && !live.isFilled && <Filling isOffline={state.kind === 'offline'} />}
      {!hasEnded && live.isFilled && <Pages project={project} live={live} place={place} />}
      <OrderDialog project={project} live={live} />
      {dialog && <Lifting asked={dialog} project={project} live={live} onClose={dropLifting} />}
    </div>
  )
}

function Filling({ isOffline }: { isOffline: boolean }) {
  if (isOffline) return <State kind="problem" title="Can't reach the server" />
  return <State kind="loading" title="Loading the fleet" />
}

function Pages({ project, live, place }: Props) {
  if (place.view === 'agent') {
    return <Agent key={place.agent_id} project={project} live={live} agent_id={place.agent_id} />
  }
  if (place.view === 'overview') return <Overview project={project} live={live} />
  if (place.view === 'log') return <Log project={project} live={live} />
  if (place.view === 'usage') return <Usage project={project} live={live} />
  if (place.view === 'budgets') return <Budgets project={project} live={live} />
  if (place.view === 'members') return <Members project={project} />
  if (place.view === 'settings') return <Settings project={project} live={live} />
  if (place.view === 'connect') return <Connect project={project} live={live} />
  const at = moment.value
  if (at !== undefined) return <PastFleet project={project} live={live} at={at} />
  return <FleetView project={project} live={live} />
}

/** Whether the page shows a moment that is over. */
function isPast({ view }: ProjectPlace): boolean {
  return (view === 'fleet' || view === 'overview') && moment.value !== undefined
}

/** The fleet and the overview show the same moment. */
function hrefOf(view: (typeof projectPages)[number][0], project_id: string): string {
  const link = links[view](project_id)
  return view === 'fleet' || view === 'overview' ? atMoment(link) : link
}

/** An agent is in the fleet, also one that is still to come. */
function currentOf(
  { view }: ProjectPlace,
  tab: (typeof projectPages)[number][0],
): 'page' | 'true' | undefined {
  if (view === tab) return 'page'
  return (view === 'agent' || view === 'connect') && tab === 'fleet' ? 'true' : undefined
}

/** An admin's own project says so. */
function sayRole(role: ProjectRole | undefined, isOwner: boolean): string | undefined {
  if (isOwner) return 'owner'
  return role === 'superuser' ? 'admin' : role
}

function ProjectHead({ project, live, place }: Props) {
  const { me, permissions } = useAppState()
  const role = permissions.role(project)
  const pages = useRef<HTMLElement>(null)
  const past = isPast(place) ? moment.value : undefined
  // A phone has no room for all of them.
  useEffect(() => {
    pages.current?.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'nearest' })
  }, [place.view])
  return (
    <header class="project-head">
      <div class="project-title">
        <h1>{project.name}</h1>
        <span class="role">{sayRole(role, project.owner_id === me.id)}</span>
      </div>
      <nav class="tabs" ref={pages} aria-label="Pages of the project">
        {projectPages.map(([view, label]) => (
          <a key={view} href={hrefOf(view, project.id)} aria-current={currentOf(place, view)}>
            {label}
            {view === 'fleet' && <NeedsBadge concerns={live.concerns.value} class="tab-needs" />}
          </a>
        ))}
      </nav>
      {past === undefined ? <Connection state={live.state.value} /> : <ShowingPast at={past} />}
      {permissions.may(project, 'place_hold') && (
        <button type="button" class="hold" onClick={startHold}>
          <Icon name="hold" />
          Hold…
        </button>
      )}
      {permissions.may(project, 'control_agent') && <StopEverything project={project} live={live} />}
    </header>
  )
}

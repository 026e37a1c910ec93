import { useEffect, useLayoutEffect, useMemo } from 'preact/hooks'
import type { Project } from '#src/client/rest/rest.ts'
import { useAppState } from '../app-state-context.ts'
import { FleetList } from '../model/fleet-list.ts'
import type { FleetSource } from '../model/fleet-source.ts'
import { links } from '../model/links.ts'
import { State } from '../parts/states.tsx'
import { BulkBar } from './bulk-bar.tsx'
import { FleetFilters } from './fleet-filters.tsx'
import { FleetGrid } from './fleet-grid.tsx'
import { LostBanner } from './lost-banner.tsx'
import { RowMenu } from './row-menu.tsx'
import { isTyping } from './shortcuts.ts'

/** Every agent of a project, with the actions on them. */
export function FleetView({ project, live }: { project: Project; live: FleetSource }) {
  const { permissions } = useAppState()
  const list = useMemo(() => new FleetList(live), [live])
  useEffect(() => () => list.close(), [list])
  useLayoutEffect(() => {
    document.addEventListener('keydown', findBySlash)
    return () => document.removeEventListener('keydown', findBySlash)
  }, [])
  const mayControl = !live.isPast && permissions.may(project, 'control_agent')
  return (
    <section class="fleet" aria-label={`Agents of ${project.name}`}>
      <FleetFilters project={project} list={list} />
      <LostBanner list={list} />
      <FleetGrid project={project} list={list} mayControl={mayControl} />
      <Nothing list={list} />
      {mayControl && <BulkBar list={list} />}
      {mayControl && <RowMenu />}
    </section>
  )
}

/** `/` focuses the search, unless the user is typing. */
function findBySlash(event: KeyboardEvent): void {
  if (event.key !== '/' || isTyping(event.target)) return
  event.preventDefault()
  document.getElementById('search')?.focus()
}

function NoAgents({ project_id }: { project_id: string }) {
  const app = useAppState()
  const project = app.project(project_id)
  const maySpawn = project && app.permissions.may(project, 'spawn_agent')
  const mayConnect = project && app.permissions.may(project, 'manage_keys')
  return (
    <State title="No agents yet">
      {maySpawn && <p>Spawn your first agent{mayConnect && ', or connect one from code'}.</p>}
      {mayConnect && (
        <a class="button" href={links.connect(project_id)}>
          Connect an agent
        </a>
      )}
    </State>
  )
}

function Nothing({ list }: { list: FleetList }) {
  if (list.ids.value.length > 0) return null
  void list.live.version.value
  if (list.live.agents.size === 0) {
    return <NoAgents project_id={list.live.project_id} />
  }
  const { problem } = list.search.value
  return (
    <State title={problem === undefined ? 'No agents match these filters' : "The selector can't be read"}>
      <button type="button" onClick={() => list.clearFilters()}>
        Clear the filters
      </button>
    </State>
  )
}

import { useEffect, useMemo } from 'preact/hooks'
import type { Project } from '#src/client/rest.ts'
import { FleetList } from '../model/fleet-list.ts'
import type { ProjectLive } from '../model/project-live.ts'
import { replaceQuery } from '../model/route.ts'
import { State } from '../parts/states.tsx'
import { useWorld } from '../world-context.ts'
import { BulkBar } from './bulk-bar.tsx'
import { FleetFilters } from './fleet-filters.tsx'
import { FleetGrid } from './fleet-grid.tsx'
import { dropOrder, OrderDialog } from './order-dialog.tsx'

/** Every agent of a project, and the levers. */
export function FleetView({ project, live }: { project: Project; live: ProjectLive }) {
  const { standings } = useWorld()
  const list = useMemo(() => new FleetList(live), [live])
  useEffect(
    () => () => {
      list.close()
      dropOrder()
    },
    [list],
  )
  useEffect(() => {
    document.addEventListener('keydown', findBySlash)
    return () => document.removeEventListener('keydown', findBySlash)
  }, [])
  const maySteer = standings.may(project, 'control_agent')
  return (
    <section class="fleet" aria-label={`Agents of ${project.name}`}>
      <FleetFilters project={project} list={list} />
      <FleetGrid project={project} list={list} maySteer={maySteer} />
      <Nothing list={list} />
      {maySteer && <BulkBar list={list} />}
      <OrderDialog project={project} />
    </section>
  )
}

/** `/` goes to the search, from wherever nothing is being typed. */
function findBySlash(event: KeyboardEvent): void {
  const isTyping = event.target instanceof Element && event.target.closest('input, textarea, select, dialog')
  if (event.key !== '/' || isTyping) return
  event.preventDefault()
  document.getElementById('search')?.focus()
}

function Nothing({ list }: { list: FleetList }) {
  if (list.ids.value.length > 0) return null
  void list.live.version.value
  if (list.live.agents.size === 0) {
    return (
      <State title="No agents yet">
        <p>Spawn one here, or over the API. It appears at once.</p>
      </State>
    )
  }
  const clear = () => replaceQuery({ status: undefined, type: undefined, q: undefined })
  return (
    <State title="No agent is like that">
      <button type="button" onClick={clear}>
        Clear the filters
      </button>
    </State>
  )
}

import type { Project } from '#src/client/rest/rest.ts'
import { useAppState } from '../app-state-context.ts'
import type { AppState } from '../model/app-state.ts'
import { links } from '../model/links.ts'
import { rankOf, readWanted } from '../model/palette.ts'
import { query, replaceQuery } from '../model/route.ts'
import { inService } from '../model/totals.ts'
import { calm, urgencyOf } from '../model/wall.ts'
import { Icon } from '../parts/icons.tsx'
import { Select } from '../parts/select.tsx'

/** Fewer can be seen at a glance. */
const MANY = 6

/** The largest comes first; equals stay in the order of their names. */
const orders: Record<string, { label: string; size: (app: AppState, project: Project) => number }> = {
  needs: {
    label: 'Needs attention first',
    size: (app, { id }) => {
      const concerns = app.live(id)?.concerns.value
      return concerns ? (calm - urgencyOf(concerns)) * MANY_AGENTS + concerns.size : 0
    },
  },
  agents: {
    label: 'Most agents first',
    size: (app, { id }) => {
      const live = app.live(id)
      void live?.version.value
      return live ? inService(live.totals) : 0
    },
  },
  cost: {
    label: 'Most expensive first',
    size: (app, { id }) => {
      const live = app.live(id)
      void live?.version.value
      return live?.totals.costUnits ?? 0
    },
  },
}

/** More than a project has. */
const MANY_AGENTS = 1_000_000

/** The projects as they are searched and sorted by the address. */
export function useArranged(projects: readonly Project[]): readonly Project[] {
  const app = useAppState()
  const wanted = readWanted(query.value.get('q') ?? '')
  const found = projects.filter(
    ({ name, slug, description }) => rankOf(wanted, name, [slug, description ?? '']) !== undefined,
  )
  const order = orders[query.value.get('sort') ?? '']
  if (!order) return found
  const sizes = new Map(found.map((project) => [project, order.size(app, project)]))
  return found.sort((left, right) => (sizes.get(right) ?? 0) - (sizes.get(left) ?? 0))
}

/** The wall, and for many projects a search and their order. */
export function ProjectTools({ count }: { count: number }) {
  return (
    <div class="project-tools">
      {count > MANY && (
        <>
          <div class="search">
            <label>
              <Icon name="search" />
              <span class="hidden">Search projects</span>
              <input
                type="search"
                placeholder="Search projects"
                value={query.value.get('q') ?? ''}
                onInput={({ currentTarget }) => replaceQuery({ q: currentTarget.value })}
              />
            </label>
          </div>
          <Select
            label="Sort by"
            value={query.value.get('sort') ?? undefined}
            all="By name"
            choices={Object.entries(orders).map(([name, { label }]) => [name, label])}
            onChange={(sort) => replaceQuery({ sort })}
          />
        </>
      )}
      {count > 0 && (
        <a class="button" href={links.wall()}>
          Wall
        </a>
      )}
    </div>
  )
}

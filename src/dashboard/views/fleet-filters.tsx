import { signal } from '@preact/signals'
import { useState } from 'preact/hooks'
import type { Project } from '#src/client/rest/rest.ts'
import { agentStatuses } from '#src/domain/lifecycle.ts'
import { useAppState } from '../app-state-context.ts'
import { columnNames, columns } from '../model/arrange.ts'
import { concernKinds, countKinds, labelOf, sayKinds } from '../model/attention.ts'
import type { FleetList } from '../model/fleet-list.ts'
import { formatCount, formatMoney, formatShort, plural } from '../model/format.ts'
import { isNarrow } from '../model/layout.ts'
import { links } from '../model/links.ts'
import { replaceQuery } from '../model/route.ts'
import { fromUnits, inService } from '../model/totals.ts'
import { needsClass } from '../model/wall.ts'
import { Icon } from '../parts/icons.tsx'
import { lazy } from '../parts/lazy.tsx'
import { Lamp } from '../parts/marks.tsx'
import { Select } from '../parts/select.tsx'
import { StatusCount } from '../parts/status-count.tsx'
import { SearchBox } from './search-box.tsx'
import { showKeys } from './shortcuts.ts'

const ColumnsDialog = lazy('the columns', async () => (await import('./columns-dialog.tsx')).ColumnsDialog)
const isSpawning = signal(false)

const SpawnDialog = lazy('the dialog', async () => (await import('./spawn-dialog.tsx')).SpawnDialog)

export function FleetFilters({ project, list }: { project: Project; list: FleetList }) {
  const { permissions } = useAppState()
  return (
    <div class="filters">
      <StatusFilter list={list} />
      <div class="filter-fields">
        <SearchBox list={list} />
        <TypeFilter list={list} />
        <ParentFilter list={list} />
        <SortChoice list={list} />
        <ColumnChoice />
        <button type="button" class="quiet keys-button" onClick={showKeys}>
          Shortcuts
        </button>
        {!list.live.isPast && permissions.may(project, 'manage_keys') && (
          <a class="button connect-link" href={links.connect(project.id)}>
            Connect an agent
          </a>
        )}
        {!list.live.isPast && permissions.may(project, 'spawn_agent') && (
          <button
            type="button"
            class="main"
            onClick={() => {
              isSpawning.value = true
            }}
          >
            <Icon name="plus" />
            Spawn
          </button>
        )}
      </div>
      <div class="matching">
        <NeedsFilter list={list} />
        <Matching list={list} />
      </div>
      {isSpawning.value && (
        <SpawnDialog
          project={project}
          onClose={() => {
            isSpawning.value = false
          }}
        />
      )}
    </div>
  )
}

/** The project's agents by status; each count is a filter. */
function StatusFilter({ list }: { list: FleetList }) {
  void list.live.version.value
  const { connected, costUnits, tokens } = list.live.totals
  return (
    <div class="statuses">
      <NeedsTile list={list} />
      {agentStatuses.map((status) => (
        <button
          key={status}
          type="button"
          class={`tile tile-${status}`}
          aria-pressed={list.filter.value.statuses.has(status)}
          onClick={() => list.toggleStatus(status)}
        >
          <span class="tile-label">
            <Lamp status={status} />
            {status}
          </span>
          <StatusCount totals={list.live.totals} status={status} />
        </button>
      ))}
      <p class="tile tile-plain">
        <span class="tile-label">connected</span>
        <b>{formatCount(connected)}</b>
      </p>
      <p class="tile tile-plain">
        <span class="tile-label">tokens</span>
        <b>{formatShort(tokens)}</b>
      </p>
      <p class="tile tile-plain">
        <span class="tile-label">cost</span>
        <b>{formatMoney(fromUnits(costUnits))}</b>
      </p>
    </div>
  )
}

/** Those that need attention, as a filter. */
function NeedsTile({ list }: { list: FleetList }) {
  const concerns = list.live.concerns.value
  return (
    <button
      type="button"
      class={concerns.size > 0 ? `tile tile-needs ${needsClass(concerns)}` : 'tile'}
      aria-pressed={list.filter.value.needs !== undefined}
      title={sayKinds(concerns) || 'Nothing is failed, overdue, lost, silent, over or near a limit'}
      onClick={() => list.toggleNeeds()}
    >
      <span class="tile-label">
        <Icon name="needs" />
        needs attention
      </span>
      <b data-count="needs">{formatCount(concerns.size)}</b>
    </button>
  )
}

/** The reasons for attention, while the list has only agents that need it. */
function NeedsFilter({ list }: { list: FleetList }) {
  const { needs } = list.filter.value
  if (!needs) return null
  const counts = countKinds(list.live.concerns.value)
  return (
    <div class="needs-kinds" role="group" aria-label="Reasons for attention">
      {counts.map(([kind, count]) => (
        <button
          key={kind}
          type="button"
          class={`needs-kind concern-${kind}`}
          aria-pressed={needs.size < concernKinds.length && needs.has(kind)}
          onClick={() => list.toggleNeed(kind)}
        >
          {formatCount(count)} {labelOf(kind)}
        </button>
      ))}
    </div>
  )
}

/** How many agents the filters leave. */
function Matching({ list }: { list: FleetList }) {
  void list.live.version.value
  if (!list.isFiltered) return null
  const { by_status } = list.live.totals
  const known = agentStatuses.reduce((sum, status) => sum + by_status[status], 0)
  const isOfAll = list.filter.value.statuses.has('terminated')
  return (
    <p class="matching-count">
      <span role="status">
        {formatCount(list.ids.value.length)} of{' '}
        {plural(isOfAll ? known : inService(list.live.totals), 'agent')}
      </span>
      <button type="button" class="quiet" onClick={() => list.clearFilters()}>
        Show all agents
      </button>
    </p>
  )
}

function TypeFilter({ list }: { list: FleetList }) {
  void list.ids.value
  const types = new Map(
    [...list.live.agents.values()].map((agent) => [agent.agent_type_id, agent.agent_type_name]),
  )
  const sorted = [...types].sort(([, left], [, right]) => left.localeCompare(right))
  return (
    <Select
      label="Type"
      value={list.filter.value.agent_type_id}
      all="All types"
      choices={sorted}
      onChange={(type) => replaceQuery({ type })}
    />
  )
}

/** Shown while the list has only the children of one agent. */
function ParentFilter({ list }: { list: FleetList }) {
  const { parent_id } = list.filter.value
  if (parent_id === undefined) return null
  void list.live.version.value
  const name = list.live.nameOf(parent_id)
  return (
    <span class="filter-chip">
      <span>
        Children of <a href={links.agent(list.live.project_id, parent_id)}>{name}</a>
      </span>
      <button
        type="button"
        class="quiet square"
        aria-label="Show not only children"
        onClick={() => replaceQuery({ parent: undefined })}
      >
        <Icon name="close" />
      </button>
    </span>
  )
}

/** Which columns the list has; a phone shows cards instead. */
function ColumnChoice() {
  const [isOpen, setOpen] = useState(false)
  if (isNarrow.value) return null
  return (
    <>
      <button type="button" class="quiet columns-button" onClick={() => setOpen(true)}>
        Columns
      </button>
      {isOpen && <ColumnsDialog onClose={() => setOpen(false)} />}
    </>
  )
}

/** Also for a narrow screen, which has no column heads to sort by. */
function SortChoice({ list }: { list: FleetList }) {
  const { by } = list.sort.value
  return (
    <Select
      label="Sort by"
      value={by === 'attention' ? undefined : by}
      all="Needs attention first"
      choices={columnNames.map((name) => [name, `By ${columns[name].label.toLowerCase()}`])}
      onChange={(name) => list.sortBy(columnNames.find((known) => known === name))}
    />
  )
}

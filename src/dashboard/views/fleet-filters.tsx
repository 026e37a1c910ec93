import { signal } from '@preact/signals'
import type { Project } from '#src/client/rest.ts'
import { agentStatuses } from '#src/domain/lifecycle.ts'
import { columnNames, columns } from '../model/arrange.ts'
import type { FleetList } from '../model/fleet-list.ts'
import { formatCount, formatMoney, formatShort } from '../model/format.ts'
import { replaceQuery } from '../model/route.ts'
import { fromUnits } from '../model/totals.ts'
import { Icon } from '../parts/icons.tsx'
import { Lamp } from '../parts/marks.tsx'
import { useWorld } from '../world-context.ts'
import { KeysDialog } from './keys-dialog.tsx'
import { SpawnDialog } from './spawn-dialog.tsx'

const isSpawning = signal(false)
const isAskingKeys = signal(false)

export function FleetFilters({ project, list }: { project: Project; list: FleetList }) {
  const { standings } = useWorld()
  return (
    <div class="filters">
      <StatusFilter list={list} />
      <div class="filter-fields">
        <label class="search">
          <Icon name="search" />
          <span class="hidden">Search agents</span>
          <input
            id="search"
            type="search"
            placeholder="Name, task or id"
            value={list.filter.value.text}
            onInput={({ currentTarget }) => replaceQuery({ q: currentTarget.value })}
          />
        </label>
        <TypeFilter list={list} />
        <SortChoice list={list} />
        <button
          type="button"
          class="quiet keys-button"
          onClick={() => {
            isAskingKeys.value = true
          }}
        >
          Keys
        </button>
        {standings.may(project, 'spawn_agent') && (
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
      {isAskingKeys.value && (
        <KeysDialog
          onClose={() => {
            isAskingKeys.value = false
          }}
        />
      )}
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

/** The counts of the project, each of them a filter. */
function StatusFilter({ list }: { list: FleetList }) {
  void list.live.version.value
  const { by_status, connected, cost_units, tokens } = list.live.totals
  return (
    <div class="statuses">
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
          <b data-count={status}>{formatCount(by_status[status])}</b>
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
        <b>{formatMoney(fromUnits(cost_units))}</b>
      </p>
    </div>
  )
}

function TypeFilter({ list }: { list: FleetList }) {
  void list.ids.value
  const types = new Map(
    [...list.live.agents.values()].map((agent) => [agent.agent_type_id, agent.agent_type_name]),
  )
  const sorted = [...types].sort(([, left], [, right]) => left.localeCompare(right))
  return (
    <label>
      <span class="hidden">Type</span>
      <select
        value={list.filter.value.agent_type_id ?? ''}
        onChange={({ currentTarget }) => replaceQuery({ type: currentTarget.value })}
      >
        <option value="">All types</option>
        {sorted.map(([id, name]) => (
          <option key={id} value={id}>
            {name}
          </option>
        ))}
      </select>
    </label>
  )
}

/** On a narrow screen the heads of the columns are not there to sort by. */
function SortChoice({ list }: { list: FleetList }) {
  return (
    <label class="narrow-only">
      <span class="hidden">Sort by</span>
      <select
        value={list.sort.value.by}
        onChange={({ currentTarget }) => replaceQuery({ sort: currentTarget.value })}
      >
        {columnNames.map((name) => (
          <option key={name} value={name}>
            By {columns[name].label.toLowerCase()}
          </option>
        ))}
      </select>
    </label>
  )
}

import { actionNames } from '#src/domain/actions.ts'
import type { FleetList } from '../model/fleet-list.ts'
import { plural } from '../model/format.ts'
import { possible } from '../model/steering.ts'
import { Icon } from '../parts/icons.tsx'
import { startOrder } from './order-dialog.tsx'

/** What can be done to all that are selected. */
export function BulkBar({ list }: { list: FleetList }) {
  const size = list.selected.value.size
  if (size === 0) return null
  void list.live.version.value
  const agents = list.targets
  return (
    <div class="bulk" role="toolbar" aria-label="Selected agents">
      <b>{plural(size, 'agent')} selected</b>
      {actionNames.map((action) => {
        const able = agents.filter((agent) => possible(agent)[action])
        return (
          <button
            key={action}
            type="button"
            class={`action-${action}`}
            disabled={able.length === 0}
            onClick={() => startOrder(action, able)}
          >
            <Icon name={action} />
            {action} {able.length < size ? able.length : ''}
          </button>
        )
      })}
      <button type="button" class="quiet" onClick={() => list.select([])}>
        Clear
      </button>
    </div>
  )
}

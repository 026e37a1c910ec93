import { signal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { actionRow } from '#src/domain/actions.ts'
import type { AgentSummary } from '#src/domain/agent.ts'
import { links } from '../model/links.ts'
import { possibleOrders } from '../model/reach.ts'
import { Dialog } from '../parts/dialog.tsx'
import { Icon } from '../parts/icons.tsx'
import { startOrder } from './order-dialog.tsx'

const shown = signal<AgentSummary | undefined>(undefined)

export function showRowMenu(agent: AgentSummary): void {
  shown.value = agent
}

function close(): void {
  shown.value = undefined
}

/** All that can be done with the agent of a row, on a phone. */
export function RowMenu() {
  useEffect(() => close, [])
  const agent = shown.value
  if (!agent) return null
  return (
    <Dialog title={agent.name} kind="row-menu" onClose={close}>
      <div class="dialog-body">
        <a class="button" href={links.agent(agent.project_id, agent.id)} data-first>
          Open
        </a>
        {possibleOrders(agent).map(({ action, isAgain }) => (
          <button
            key={`${action} ${isAgain}`}
            type="button"
            class={actionRow(action).is_final ? 'danger' : ''}
            onClick={() => {
              close()
              startOrder(action, [agent], isAgain)
            }}
          >
            <Icon name={isAgain ? 'again' : action} />
            {actionRow(action).verb} {isAgain && 'again'}
          </button>
        ))}
      </div>
    </Dialog>
  )
}

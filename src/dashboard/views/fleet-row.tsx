import { Component, createRef } from 'preact'
import type { ActionName } from '#src/domain/actions.ts'
import type { AgentSummary } from '#src/domain/agent.ts'
import { ratio } from '../model/arrange.ts'
import type { FleetList } from '../model/fleet-list.ts'
import { formatCount, formatMoney, formatShort } from '../model/format.ts'
import { links } from '../model/route.ts'
import { possible } from '../model/steering.ts'
import { Icon } from '../parts/icons.tsx'
import { Ago, Budget, Order, Runtime, Status } from '../parts/marks.tsx'
import { startOrder } from './order-dialog.tsx'

type Props = {
  agent: AgentSummary
  index: number
  height: number
  isSelected: boolean
  isActive: boolean
  asking: ActionName | undefined
  maySteer: boolean
  list: FleetList
}

const compared = ['agent', 'index', 'height', 'isSelected', 'isActive', 'asking', 'maySteer'] as const
const calm = matchMedia('(prefers-reduced-motion: reduce)')
const FLASH_MS = 900

/** One agent. It is drawn again only when something of it has changed, and a change flashes once. */
export class FleetRow extends Component<Props> {
  readonly #row = createRef<HTMLDivElement>()

  override shouldComponentUpdate(next: Props): boolean {
    return compared.some((name) => next[name] !== this.props[name])
  }

  override componentDidUpdate({ agent }: Props): void {
    const { agent: current } = this.props
    // The same element may have become another agent's: that is no change.
    if (agent.id !== current.id || agent.seq === current.seq || calm.matches) return
    this.#row.current?.animate([{ backgroundColor: 'var(--flash)' }, {}], {
      duration: FLASH_MS,
      easing: 'ease-out',
    })
  }

  render({ agent, index, height, isSelected, isActive, maySteer, list }: Props) {
    const classes = ['row', `row-${agent.status}`, isActive && 'row-active', isSelected && 'row-selected']
    return (
      <div
        ref={this.#row}
        id={`agent-${agent.id}`}
        class={classes.filter(Boolean).join(' ')}
        role="row"
        aria-rowindex={index + 2}
        aria-selected={isSelected}
        style={{ transform: `translateY(${index * height}px)` }}
        onPointerDown={() => {
          list.active.value = agent.id
        }}
      >
        {maySteer && (
          <span role="gridcell" class="cell-select">
            <input
              type="checkbox"
              tabIndex={-1}
              aria-label={`Select ${agent.name}`}
              checked={isSelected}
              onClick={({ shiftKey }) => list.toggle(agent.id, shiftKey)}
            />
          </span>
        )}
        <Cells agent={agent} />
        {maySteer && (
          <span role="gridcell" class="cell-actions">
            <RowActions agent={agent} />
          </span>
        )}
      </div>
    )
  }
}

function Cells({ agent }: { agent: AgentSummary }) {
  const { token_limit, cost_limit } = agent
  const cost = Number(agent.cost_incurred)
  return (
    <>
      <span role="gridcell" class="cell-name">
        <a href={links.agent(agent.project_id, agent.id)} tabIndex={-1}>
          {agent.name}
        </a>
        <small>{agent.agent_type_name}</small>
      </span>
      <span role="gridcell" class="cell-status">
        <Status status={agent.status} />
      </span>
      <span role="gridcell" class="cell-order">
        <Order agent={agent} />
      </span>
      <span role="gridcell" class="cell-runtime">
        <Runtime agent={agent} />
      </span>
      <span role="gridcell" class="cell-task" title={agent.current_task ?? undefined}>
        {agent.current_task ?? <span class="faint">–</span>}
      </span>
      <span role="gridcell" class="cell-tokens">
        <Budget
          used={token_limit === null ? 0 : ratio(agent.tokens_used, token_limit)}
          text={formatShort(agent.tokens_used)}
          limit={token_limit === null ? undefined : formatCount(token_limit)}
        />
      </span>
      <span role="gridcell" class="cell-cost">
        <Budget
          used={cost_limit === null ? 0 : ratio(cost, Number(cost_limit))}
          text={formatMoney(cost)}
          limit={cost_limit === null ? undefined : formatMoney(Number(cost_limit))}
        />
      </span>
      <span role="gridcell" class="cell-activity">
        <Ago time={agent.last_activity_at} />
      </span>
    </>
  )
}

const actionNames = ['pause', 'resume', 'terminate'] as const

function RowActions({ agent }: { agent: AgentSummary }) {
  const can = possible(agent)
  return (
    <>
      {actionNames
        .filter((action) => can[action])
        .map((action) => (
          <button
            key={action}
            type="button"
            class={`quiet square action-${action}`}
            tabIndex={-1}
            aria-label={`${action} ${agent.name}`}
            title={action}
            onClick={() => startOrder(action, [agent])}
          >
            <Icon name={action} />
          </button>
        ))}
    </>
  )
}

import { Component, createRef, type VNode } from 'preact'
import { possibleOrders } from '#src/dashboard/model/reach.ts'
import { type ActionName, actionRow } from '#src/domain/actions.ts'
import type { AgentSummary } from '#src/domain/agent.ts'
import { useAppState } from '../app-state-context.ts'
import type { ColumnName } from '../model/arrange.ts'
import type { Concern } from '../model/attention.ts'
import { ratio } from '../model/budget-use.ts'
import { sayWhyStopped } from '../model/causes.ts'
import type { FleetList } from '../model/fleet-list.ts'
import { formatCount, formatMoney, formatShort } from '../model/format.ts'
import { isNarrow } from '../model/layout.ts'
import { shownStatus } from '../model/progress.ts'
import { Icon } from '../parts/icons.tsx'
import { Ago, Budget, Order, Runtime, runtimeWord, Status } from '../parts/marks.tsx'
import { NameCell } from './fleet-name.tsx'
import { startOrder } from './order-dialog.tsx'
import { showRowMenu } from './row-menu.tsx'

type Props = {
  agent: AgentSummary
  /** How many agents it has started. */
  childCount: number
  /** Why it needs attention. */
  concern: Concern | undefined
  /** What it asks people. */
  question: string | undefined
  /** The hold or the budget that keeps it paused, in words. */
  block: string | undefined
  index: number
  height: number
  isSelected: boolean
  isActive: boolean
  sending: ActionName | undefined
  columns: readonly ColumnName[]
  mayControl: boolean
  list: FleetList
}

const compared = [
  'agent',
  'childCount',
  'concern',
  'question',
  'block',
  'index',
  'height',
  'isSelected',
  'isActive',
  'sending',
  'columns',
  'mayControl',
] as const
const calm = matchMedia('(prefers-reduced-motion: reduce)')
const FLASH_MS = 900

/** Reports of tasks and usage come all the time; what an operator waits for does not. */
function isNews(before: AgentSummary, after: AgentSummary): boolean {
  return (
    before.status !== after.status ||
    before.control?.state !== after.control?.state ||
    before.control?.signal_id !== after.control?.signal_id ||
    before.runtime.connected !== after.runtime.connected ||
    before.open_requests !== after.open_requests
  )
}

/** One agent. A row is drawn again only after a change of its agent, and flashes when the change is news. */
export class FleetRow extends Component<Props> {
  readonly #row = createRef<HTMLDivElement>()

  override shouldComponentUpdate(next: Props): boolean {
    return compared.some((name) => next[name] !== this.props[name])
  }

  override componentDidUpdate({ agent }: Props): void {
    const { agent: current } = this.props
    // A row's element may now show another agent: that is no change.
    if (agent.id !== current.id || calm.matches || !isNews(agent, current)) return
    this.#row.current?.animate([{ backgroundColor: 'var(--flash)' }, {}], {
      duration: FLASH_MS,
      easing: 'ease-out',
    })
  }

  render(props: Props) {
    const {
      agent,
      childCount,
      concern,
      question,
      block,
      index,
      height,
      isSelected,
      isActive,
      columns,
      mayControl,
      list,
    } = props
    const classes = [
      'row',
      `row-${shownStatus(agent)}`,
      concern && 'row-needs',
      isActive && 'row-active',
      isSelected && 'row-selected',
    ]
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
        {mayControl && (
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
        <NameCell
          agent={agent}
          childCount={childCount}
          concern={concern}
          question={question}
          block={block}
          hasType={!columns.includes('type')}
          list={list}
        />
        {columns.map((name) => {
          const Cell = name === 'name' ? undefined : cells[name]
          return Cell && <Cell key={name} agent={agent} question={question} />
        })}
        {mayControl && (
          <span role="gridcell" class="cell-actions">
            <RowActions agent={agent} />
          </span>
        )}
      </div>
    )
  }
}

type CellProps = Pick<Props, 'agent' | 'question'>

function StatusCell({ agent }: CellProps) {
  const why = sayWhyStopped(agent, useAppState().names(agent.project_id))
  return (
    <span role="gridcell" class="cell-status" title={why && `${agent.status} ${why}`}>
      <Status agent={agent} />
    </span>
  )
}

const cells: Record<Exclude<ColumnName, 'name'>, (props: CellProps) => VNode> = {
  type: ({ agent }) => (
    <span role="gridcell" class="cell-type" title={agent.agent_type_name}>
      {agent.agent_type_name}
    </span>
  ),
  status: StatusCell,
  order: ({ agent }) => (
    <span role="gridcell" class="cell-order">
      <Order agent={agent} />
    </span>
  ),
  runtime: ({ agent }) => (
    <span role="gridcell" class="cell-runtime" aria-label={runtimeWord(agent)}>
      <Runtime agent={agent} />
    </span>
  ),
  task: ({ agent, question }) => (
    <span role="gridcell" class="cell-task" title={question ?? agent.current_task ?? undefined}>
      {question !== undefined && <b class="asks">asks: </b>}
      {question ?? agent.current_task ?? <span class="faint">–</span>}
    </span>
  ),
  tokens: ({ agent: { token_limit, tokens_used } }) => (
    <span role="gridcell" class="cell-tokens">
      <Budget
        used={token_limit === null ? 0 : ratio(tokens_used, token_limit)}
        text={formatShort(tokens_used)}
        limit={token_limit === null ? undefined : formatCount(token_limit)}
      />
    </span>
  ),
  cost: ({ agent: { cost_limit, cost_incurred } }) => (
    <span role="gridcell" class="cell-cost">
      <Budget
        used={cost_limit === null ? 0 : ratio(Number(cost_incurred), Number(cost_limit))}
        text={formatMoney(Number(cost_incurred))}
        limit={cost_limit === null ? undefined : formatMoney(Number(cost_limit))}
      />
    </span>
  ),
  tasks: ({ agent }) => (
    <span role="gridcell" class="cell-tasks">
      {formatShort(agent.tasks_completed)}
    </span>
  ),
  activity: ({ agent }) => (
    <span role="gridcell" class="cell-activity">
      <Ago time={agent.last_activity_at} />
    </span>
  ),
}

/** On a phone, what can't be undone is not beside what is pressed daily. */
function RowActions({ agent }: { agent: AgentSummary }) {
  const orders = possibleOrders(agent)
  const isHiding = isNarrow.value
  const shown = isHiding ? orders.filter(({ action }) => !actionRow(action).is_final).slice(0, 1) : orders
  return (
    <>
      {shown.map(({ action, isAgain }) => {
        const { verb } = actionRow(action)
        return (
          <button
            key={action}
            type="button"
            class={`quiet square action-${action}${isAgain ? ' action-again' : ''}`}
            tabIndex={-1}
            aria-label={`${verb} ${agent.name}${isAgain ? ' again' : ''}`}
            title={isAgain ? `${verb} again` : verb}
            onClick={() => startOrder(action, [agent], isAgain)}
          >
            <Icon name={isAgain ? 'again' : action} />
          </button>
        )
      })}
      {isHiding && orders.length > shown.length && (
        <button
          type="button"
          class="quiet square action-more"
          tabIndex={-1}
          aria-label={`More actions on ${agent.name}`}
          aria-haspopup="dialog"
          onClick={() => showRowMenu(agent)}
        >
          <Icon name="more" />
        </button>
      )}
    </>
  )
}

import { useEffect, useRef, useState } from 'preact/hooks'
import type { Project } from '#src/client/rest/rest.ts'
import { underWay } from '#src/dashboard/model/orders.ts'
import type { AgentSummary } from '#src/domain/agent.ts'
import { useAppState } from '../app-state-context.ts'
import { type ColumnName, columns } from '../model/arrange.ts'
import { type Concern, type Concerns, hasConcern } from '../model/attention.ts'
import { blockOf, sayBlock } from '../model/blocks.ts'
import { columnTemplate } from '../model/column-fit.ts'
import { listRem, shownColumns } from '../model/columns.ts'
import type { FleetList } from '../model/fleet-list.ts'
import type { FleetSource } from '../model/fleet-source.ts'
import { rowHeight } from '../model/layout.ts'
import { Icon } from '../parts/icons.tsx'
import { pressed } from './fleet-keys.ts'
import { FleetRow } from './fleet-row.tsx'

/** Spare rows above and below the visible ones, so that fast scrolling shows no gap. */
const SPARE_ROWS = 6
const HEAD_HEIGHT = 34

type Props = { project: Project; list: FleetList; mayControl: boolean }

/** A list of any length: only the visible rows are in the page, and a row's element is reused for the next agent. */
export function FleetGrid({ project, list, mayControl }: Props) {
  const scroller = useRef<HTMLDivElement>(null)
  const { first, count } = useWindow(scroller, list.live)
  useEffect(() => {
    takeFocus(scroller.current)
    const row = list.ids.peek().indexOf(list.active.peek() ?? '')
    if (list.isBack && row >= 0) reveal(scroller.current, row)
  }, [list])
  const ids = list.ids.value
  const concerns = list.live.concerns.value
  void [list.live.version.value, list.live.stopsVersion.value]
  const app = useAppState()
  // The inbox and the commands on their way are those of now.
  const asking = list.live.isPast ? undefined : app.inbox.byAgent.value
  const sending = list.live.isPast ? undefined : underWay.value
  const [selected, active] = [list.selected.value, list.active.value]
  const shown = shownColumns(mayControl)
  const pool = Math.min(count, ids.length)
  const from = Math.max(0, Math.min(first, ids.length - pool))
  const rows = ids.slice(from, from + pool)
  return (
    <div
      ref={scroller}
      class={mayControl ? 'grid' : 'grid grid-readonly'}
      style={{ '--columns': columnTemplate(shown, mayControl) }}
      role="grid"
      aria-label="Agents"
      aria-rowcount={ids.length + 1}
      aria-multiselectable={mayControl}
      aria-activedescendant={active && rows.includes(active) ? `agent-${active}` : undefined}
      tabIndex={0}
      data-grid
      onPointerMove={() => list.hold()}
      onKeyDown={(event) => {
        const row = pressed(event, { project, list, mayControl })
        if (row !== undefined) reveal(scroller.current, row)
      }}
    >
      <GridHead list={list} mayControl={mayControl} shown={shown} />
      <div class="rows" role="rowgroup" style={{ height: `${ids.length * rowHeight.value}px` }}>
        {rows.map((id, index) => {
          const agent = list.agent(id)
          const place = from + index
          return (
            agent && (
              <FleetRow
                key={place % pool}
                agent={agent}
                childCount={list.live.trees.children(id).size}
                concern={concernIn(concerns, agent)}
                question={agent.open_requests > 0 ? asking?.get(id)?.[0]?.message : undefined}
                index={place}
                height={rowHeight.value}
                block={sayBlock(blockOf(agent, list.live), list.live)}
                isSelected={selected.has(id)}
                isActive={active === id}
                sending={sending?.get(id)}
                columns={shown}
                mayControl={mayControl}
                list={list}
              />
            )
          )
        })}
      </div>
    </div>
  )
}

/** The concerns are looked for once a second: the agent may have changed since. */
function concernIn(concerns: Concerns, agent: AgentSummary): Concern | undefined {
  const concern = concerns.get(agent.id)
  return concern && hasConcern(agent, concern) ? concern : undefined
}

/** The keys of the list work at once, unless the user is somewhere else already. */
function takeFocus(grid: HTMLElement | null): void {
  const { activeElement } = document
  const isFree =
    !activeElement ||
    activeElement === document.body ||
    activeElement.matches('#main') ||
    activeElement.closest('.rail, .tabs')
  if (isFree) grid?.focus({ preventScroll: true })
}

/** How far each fleet was scrolled. */
const tops = new WeakMap<FleetSource, number>()

/** The visible rows: the index of the first, and their count. */
function useWindow(scroller: { current: HTMLDivElement | null }, live: FleetSource) {
  const [seen, setSeen] = useState({ top: 0, height: 800 })
  useEffect(() => {
    const element = scroller.current
    if (!element) return
    const look = () => {
      tops.set(live, element.scrollTop)
      setSeen({ top: element.scrollTop, height: element.clientHeight })
    }
    element.scrollTop = tops.get(live) ?? 0
    const observer = new ResizeObserver(() => {
      listRem.value =
        element.clientWidth / Number.parseFloat(getComputedStyle(document.documentElement).fontSize)
      look()
    })
    observer.observe(element)
    element.addEventListener('scroll', look, { passive: true })
    return () => {
      observer.disconnect()
      element.removeEventListener('scroll', look)
    }
  }, [scroller, live])
  const height = rowHeight.value
  const first = Math.max(0, Math.floor(seen.top / height) - SPARE_ROWS)
  return { first, count: Math.ceil(seen.height / height) + 2 * SPARE_ROWS }
}

function reveal(element: HTMLElement | null, row: number): void {
  if (!element) return
  const top = row * rowHeight.peek()
  const bottom = top + rowHeight.peek() + HEAD_HEIGHT
  if (top < element.scrollTop) element.scrollTop = top
  else if (bottom > element.scrollTop + element.clientHeight)
    element.scrollTop = bottom - element.clientHeight
}

type HeadProps = { list: FleetList; mayControl: boolean; shown: readonly ColumnName[] }

function GridHead({ list, mayControl, shown }: HeadProps) {
  const ids = list.ids.value
  const isAll = ids.length > 0 && list.selected.value.size >= ids.length
  return (
    <div class="row grid-head" role="row" aria-rowindex={1}>
      {mayControl && (
        <span role="columnheader" class="cell-select">
          <input
            type="checkbox"
            aria-label="Select all shown"
            checked={isAll}
            onChange={() => list.select(isAll ? [] : ids)}
          />
        </span>
      )}
      {shown.map((name) => (
        <ColumnHead key={name} name={name} list={list} />
      ))}
      {mayControl && (
        <span role="columnheader" class="cell-actions">
          <span class="hidden">Actions</span>
        </span>
      )}
    </div>
  )
}

function ColumnHead({ name, list }: { name: ColumnName; list: FleetList }) {
  const { by, isDescending } = list.sort.value
  const order = by !== name ? 'none' : isDescending ? 'descending' : 'ascending'
  return (
    <span role="columnheader" class={`cell-${name}`} aria-sort={order}>
      <button type="button" class="quiet" onClick={() => list.sortBy(name)}>
        {columns[name].label}
        {by === name && <Icon name={isDescending ? 'down' : 'up'} />}
      </button>
    </span>
  )
}

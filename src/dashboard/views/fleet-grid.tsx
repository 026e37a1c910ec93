import { useEffect, useRef, useState } from 'preact/hooks'
import type { Project } from '#src/client/rest.ts'
import { type ColumnName, columnNames, columns } from '../model/arrange.ts'
import type { FleetList } from '../model/fleet-list.ts'
import { rowHeight } from '../model/layout.ts'
import type { ProjectLive } from '../model/project-live.ts'
import { underWay } from '../model/steering.ts'
import { Icon } from '../parts/icons.tsx'
import { pressed } from './fleet-keys.ts'
import { FleetRow } from './fleet-row.tsx'

/** Rows that are there above and below what is seen, so that fast scrolling shows no gap. */
const SPARE_ROWS = 6
const HEAD_HEIGHT = 34

type Props = { project: Project; list: FleetList; maySteer: boolean }

/** Any number of rows, of which those in sight are in the page. A row's element is used again for the next agent. */
export function FleetGrid({ project, list, maySteer }: Props) {
  const scroller = useRef<HTMLDivElement>(null)
  const { first, count } = useWindow(scroller, list.live)
  const ids = list.ids.value
  void [list.live.version.value, underWay.value]
  const [selected, active] = [list.selected.value, list.active.value]
  const pool = Math.min(count, ids.length)
  const from = Math.max(0, Math.min(first, ids.length - pool))
  const rows = ids.slice(from, from + pool)
  return (
    <div
      ref={scroller}
      class={maySteer ? 'grid' : 'grid grid-readonly'}
      role="grid"
      aria-label="Agents"
      aria-rowcount={ids.length + 1}
      aria-multiselectable={maySteer}
      aria-activedescendant={active && rows.includes(active) ? `agent-${active}` : undefined}
      tabIndex={0}
      data-grid
      onPointerMove={() => list.hold()}
      onKeyDown={(event) => {
        const row = pressed(event, { project, list, maySteer })
        if (row !== undefined) reveal(scroller.current, row)
      }}
    >
      <GridHead list={list} maySteer={maySteer} />
      <div class="rows" role="rowgroup" style={{ height: `${ids.length * rowHeight.value}px` }}>
        {rows.map((id, index) => {
          const agent = list.agent(id)
          const place = from + index
          return (
            agent && (
              <FleetRow
                key={place % pool}
                agent={agent}
                index={place}
                height={rowHeight.value}
                isSelected={selected.has(id)}
                isActive={active === id}
                asking={underWay.value.get(id)}
                maySteer={maySteer}
                list={list}
              />
            )
          )
        })}
      </div>
    </div>
  )
}

/** Where each fleet was left. */
const tops = new WeakMap<ProjectLive, number>()

/** The rows in sight: from the first, so many. */
function useWindow(scroller: { current: HTMLDivElement | null }, live: ProjectLive) {
  const [seen, setSeen] = useState({ top: 0, height: 800 })
  useEffect(() => {
    const element = scroller.current
    if (!element) return
    const look = () => {
      tops.set(live, element.scrollTop)
      setSeen({ top: element.scrollTop, height: element.clientHeight })
    }
    element.scrollTop = tops.get(live) ?? 0
    const observer = new ResizeObserver(look)
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

function GridHead({ list, maySteer }: { list: FleetList; maySteer: boolean }) {
  const ids = list.ids.value
  const isAll = ids.length > 0 && list.selected.value.size >= ids.length
  return (
    <div class="row grid-head" role="row" aria-rowindex={1}>
      {maySteer && (
        <span role="columnheader" class="cell-select">
          <input
            type="checkbox"
            aria-label="Select all that are shown"
            checked={isAll}
            onChange={() => list.select(isAll ? [] : ids)}
          />
        </span>
      )}
      {columnNames.map((name) => (
        <ColumnHead key={name} name={name} list={list} />
      ))}
      {maySteer && (
        <span role="columnheader" class="cell-actions">
          <span class="hidden">Actions</span>
        </span>
      )}
    </div>
  )
}

function ColumnHead({ name, list }: { name: ColumnName; list: FleetList }) {
  const { by, isReversed } = list.sort.value
  const order = by !== name ? 'none' : isReversed ? 'descending' : 'ascending'
  return (
    <span role="columnheader" class={`cell-${name}`} aria-sort={order}>
      <button type="button" class="quiet" onClick={() => list.sortBy(name)}>
        {columns[name].label}
        {by === name && <Icon name={isReversed ? 'up' : 'down'} />}
      </button>
    </span>
  )
}

import { useEffect, useRef, useState } from 'preact/hooks'
import { canRepeat, canTake } from '#src/dashboard/model/reach.ts'
import { actionNames, actionRow } from '#src/domain/actions.ts'
import { MAX_WITH_LIMITS } from '../model/blocks.ts'
import type { FleetList } from '../model/fleet-list.ts'
import { plural } from '../model/format.ts'
import { Icon } from '../parts/icons.tsx'
import { lazy } from '../parts/lazy.tsx'
import { startOrder } from './order-dialog.tsx'

const BulkLimits = lazy('the form', async () => (await import('./bulk-limits.tsx')).BulkLimits)

const ways = actionNames.flatMap((action) => [
  { action, isAgain: false, may: canTake },
  { action, isAgain: true, may: canRepeat },
])

/** Notices appear above the bar, however many rows it has: `--bar-height` tells them. */
function useBarHeight(bar: { current: HTMLElement | null }, isShown: boolean): void {
  useEffect(() => {
    const { current } = bar
    const { style } = document.documentElement
    if (!current) return
    const observer = new ResizeObserver(() => style.setProperty('--bar-height', `${current.offsetHeight}px`))
    observer.observe(current)
    return () => {
      observer.disconnect()
      style.removeProperty('--bar-height')
    }
  }, [bar, isShown])
}

/** The actions that the selected agents can take. */
export function BulkBar({ list }: { list: FleetList }) {
  const [isLimiting, setLimiting] = useState(false)
  const size = list.selected.value.size
  const bar = useRef<HTMLDivElement>(null)
  useBarHeight(bar, size > 0)
  const clearByEscape = ({ key }: KeyboardEvent) => {
    if (key === 'Escape') list.select([])
  }
  if (size === 0) return null
  void list.live.version.value
  const agents = list.targets
  const limitable = agents.filter(({ status }) => status !== 'terminated')
  return (
    <>
      <div ref={bar} class="bulk" role="toolbar" aria-label="Selected agents" onKeyDown={clearByEscape}>
        <b>{plural(size, 'agent')} selected</b>
        {ways.map(({ action, isAgain, may }) => {
          const able = agents.filter((agent) => may(agent, action))
          if (able.length === 0) return null
          return (
            <button
              key={`${action} ${isAgain}`}
              type="button"
              class={actionRow(action).is_final ? `danger action-${action}` : `action-${action}`}
              onClick={() => startOrder(action, able, isAgain)}
            >
              <Icon name={isAgain ? 'again' : action} />
              {actionRow(action).verb} {isAgain && 'again '}
              {able.length < size ? able.length : ''}
            </button>
          )
        })}
        {limitable.length > 0 && limitable.length <= MAX_WITH_LIMITS && (
          <button type="button" onClick={() => setLimiting(true)}>
            Limits…
          </button>
        )}
        <button type="button" class="quiet" onClick={() => list.select([])}>
          Clear
        </button>
      </div>
      {isLimiting && <BulkLimits agents={limitable} onClose={() => setLimiting(false)} />}
    </>
  )
}

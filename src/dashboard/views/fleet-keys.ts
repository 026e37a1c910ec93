import type { Project } from '#src/client/rest.ts'
import type { ActionName } from '#src/domain/actions.ts'
import type { FleetList } from '../model/fleet-list.ts'
import { goTo, links } from '../model/route.ts'
import { startOrder } from './order-dialog.tsx'

type Place = { project: Project; list: FleetList; maySteer: boolean }
/** Returns the row that must be in sight then, if one must. */
type Key = (place: Place) => number | undefined

const PAGE_ROWS = 15

const moving: Record<string, Key> = {
  ArrowDown: ({ list }) => list.move(1),
  ArrowUp: ({ list }) => list.move(-1),
  j: ({ list }) => list.move(1),
  k: ({ list }) => list.move(-1),
  PageDown: ({ list }) => list.move(PAGE_ROWS),
  PageUp: ({ list }) => list.move(-PAGE_ROWS),
  Home: ({ list }) => list.move(-Number.MAX_SAFE_INTEGER),
  End: ({ list }) => list.move(Number.MAX_SAFE_INTEGER),
  Enter: ({ project, list }) => {
    if (list.active.peek()) goTo(links.agent(project.id, list.active.peek() ?? ''))
    return undefined
  },
}

const steering: Record<string, Key> = {
  ' ': ({ list }) => {
    if (list.active.peek()) list.toggle(list.active.peek() ?? '')
    return undefined
  },
  a: ({ list }) => {
    list.select(list.selected.peek().size > 0 ? [] : list.ids.peek())
    return undefined
  },
  Escape: ({ list }) => {
    list.select([])
    return undefined
  },
  p: asks('pause'),
  r: asks('resume'),
  t: asks('terminate'),
}

function asks(action: ActionName): Key {
  return ({ list }) => {
    startOrder(action, list.targets)
    return undefined
  }
}

/** What a key does in the list; keys with Ctrl, Alt or Meta are the browser's. */
export function pressed(event: KeyboardEvent, place: Place): number | undefined {
  const { key, target, currentTarget } = event
  // A button in the list has keys of its own.
  if (event.ctrlKey || event.altKey || event.metaKey || target !== currentTarget) return undefined
  const handle = moving[key] ?? (place.maySteer ? steering[key] : undefined)
  if (!handle) return undefined
  event.preventDefault()
  return handle(place)
}

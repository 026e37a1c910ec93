import type { Project } from '#src/client/rest/rest.ts'
import { canRepeat, canTake } from '#src/dashboard/model/reach.ts'
import { type ActionName, actionNames, actionRow } from '#src/domain/actions.ts'
import type { FleetList } from '../model/fleet-list.ts'
import { links } from '../model/links.ts'
import { goTo } from '../model/route.ts'
import { startOrder } from './order-dialog.tsx'

type Place = { project: Project; list: FleetList; mayControl: boolean }
/** Returns the row to scroll into view, if there is one. */
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

const native = ['Enter', ' ']

/** With Shift. */
const extending: Record<string, Key> = {
  ArrowDown: ({ list }) => list.extend(1),
  ArrowUp: ({ list }) => list.extend(-1),
}

const controlKeys: Record<string, Key> = {
  ' ': toggleActive,
  x: toggleActive,
  a: ({ list }) => {
    const ids = list.ids.peek()
    list.select(list.selected.peek().size < ids.length ? ids : [])
    return undefined
  },
  Escape: ({ list }) => {
    list.select([])
    return undefined
  },
  ...Object.fromEntries(actionNames.map((action) => [actionRow(action).key, start(action)])),
}

function toggleActive({ list }: Place): undefined {
  const id = list.active.peek()
  if (id !== undefined) list.toggle(id)
}

function start(action: ActionName): Key {
  return ({ list }) => {
    const { targets } = list
    const again = targets.filter((agent) => canRepeat(agent, action))
    const isAgain = again.length > 0 && !targets.some((agent) => canTake(agent, action))
    startOrder(action, isAgain ? again : targets, isAgain)
    return undefined
  }
}

function handleOf(key: string, { mayControl }: Place): Key | undefined {
  return moving[key] ?? (mayControl ? controlKeys[key] : undefined)
}

/** Handles a key in the list; keys with Ctrl, Alt or Meta belong to the browser. */
export function pressed(event: KeyboardEvent, place: Place): number | undefined {
  const { key, target, currentTarget } = event
  if (event.ctrlKey || event.altKey || event.metaKey) return undefined
  // A box, a button or a link of a row handles the keys that press it.
  if (target !== currentTarget && native.includes(key)) return undefined
  const isRange = event.shiftKey && place.mayControl
  const handle = isRange && extending[key] ? extending[key] : handleOf(key, place)
  if (!handle) return undefined
  event.preventDefault()
  return handle(place)
}

import type { ColumnName } from './arrange.ts'

/** In rem: the least width, and its share of what is left. */
type Width = { least: number; share?: number }

const widths: Record<ColumnName, Width> = {
  name: { least: 11, share: 1.8 },
  type: { least: 7.5, share: 0.5 },
  status: { least: 6.9 },
  order: { least: 11.6, share: 0.6 },
  runtime: { least: 4.2 },
  task: { least: 7.5, share: 1.5 },
  tokens: { least: 4.6 },
  cost: { least: 5 },
  tasks: { least: 4 },
  activity: { least: 3.4 },
}

/** What goes first where there is no room for all. The name never does. */
const leastNeeded: readonly ColumnName[] = [
  'runtime',
  'tasks',
  'type',
  'task',
  'activity',
  'tokens',
  'cost',
  'order',
  'status',
]

const GAP = 0.8
const PADDING = 2.2
const SELECT = 2.3
const ACTIONS = 5.9

type Room = { mayControl: boolean; rem: number }

/** The chosen columns that fit into this many rem. */
export function fitColumns(chosen: readonly ColumnName[], { mayControl, rem }: Room): ColumnName[] {
  const fixed = PADDING + (mayControl ? SELECT + ACTIONS + 2 * GAP : 0)
  const shown = [...chosen]
  const needed = () => shown.reduce((sum, name) => sum + widths[name].least + GAP, fixed - GAP)
  for (const name of leastNeeded) {
    if (needed() <= rem) break
    const index = shown.indexOf(name)
    if (index >= 0) shown.splice(index, 1)
  }
  return shown
}

/** For `grid-template-columns`. */
export function columnTemplate(shown: readonly ColumnName[], mayControl: boolean): string {
  const tracks = shown.map((name) => {
    const { least, share } = widths[name]
    return share === undefined ? `${least}rem` : `minmax(${least}rem, ${share}fr)`
  })
  if (mayControl) return [`${SELECT}rem`, ...tracks, `${ACTIONS}rem`].join(' ')
  return tracks.join(' ')
}

import { computed, signal } from '@preact/signals'
import { type ColumnName, columnNames } from './arrange.ts'
import { isNarrow } from './layout.ts'
import { hiddenColumns } from './settings.ts'

/** In rem: the least width, and its share of what is left. */
type Width = { least: number; share?: number }

const widths: Record<ColumnName, Width> = {
  name: { least: 11, share: 1.8 },
  type: { least: 7.5, share: 0.5 },
  status: { least: 6.9 },
  order: { least: 10.5, share: 0.7 },
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

/** A card on a phone has room for these, whatever is chosen. */
const onCard: readonly ColumnName[] = ['name', 'status', 'order', 'cost', 'activity']

export const chosenColumns = computed(() => columnNames.filter((name) => !hiddenColumns.value.has(name)))

/** The width of the list in rem, as it was seen last. */
export const listRem = signal(80)

/** The columns that are shown: one object for as long as they stay the same, so that rows are not drawn again. */
const shownFor = (mayControl: boolean) => {
  let known: readonly ColumnName[] = []
  return computed(() => {
    const next = isNarrow.value ? onCard : fitColumns(chosenColumns.value, { mayControl, rem: listRem.value })
    if (next.join() !== known.join()) known = next
    return known
  })
}
const [controlled, watched] = [shownFor(true), shownFor(false)]

export const shownColumns = (mayControl: boolean): readonly ColumnName[] =>
  (mayControl ? controlled : watched).value

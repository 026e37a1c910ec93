import { computed, signal } from '@preact/signals'
import { type ColumnName, columnNames } from './arrange.ts'
import { fitColumns } from './column-fit.ts'
import { isNarrow } from './layout.ts'
import { hiddenColumns } from './settings.ts'

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

import { columnNames, columns } from '../model/arrange.ts'
import { chosenColumns, shownColumns } from '../model/columns.ts'
import { hiddenColumns, resetColumns } from '../model/settings.ts'
import { Dialog } from '../parts/dialog.tsx'

/** The columns of the list; a choice is seen at once, and kept in this browser. */
export function ColumnsDialog({ onClose }: { onClose: () => void }) {
  const chosen = chosenColumns.value
  const shown = shownColumns(true)
  const toggle = (name: string) => {
    const hidden = new Set(hiddenColumns.peek())
    if (!hidden.delete(name)) hidden.add(name)
    hiddenColumns.value = hidden
  }
  return (
    <Dialog title="Columns" onClose={onClose}>
      <div class="dialog-body">
        <fieldset class="column-choices">
          <legend class="hidden">Columns of the list</legend>
          {columnNames.map((name) => (
            <label key={name} class="check">
              <input
                type="checkbox"
                checked={chosen.includes(name)}
                disabled={name === 'name'}
                onChange={() => toggle(name)}
              />
              <span>
                {columns[name].label}{' '}
                {chosen.includes(name) && !shown.includes(name) && (
                  <span class="faint">(no room on this screen)</span>
                )}
              </span>
            </label>
          ))}
        </fieldset>
        <footer>
          <button type="button" class="quiet" onClick={resetColumns}>
            Reset
          </button>
          <button type="button" class="main" onClick={onClose}>
            Done
          </button>
        </footer>
      </div>
    </Dialog>
  )
}

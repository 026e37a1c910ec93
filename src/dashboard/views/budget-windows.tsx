import { useState } from 'preact/hooks'
import { type Budget, eachItem, type Project } from '#src/client/rest/rest.ts'
import { useAppState } from '../app-state-context.ts'
import { sayAmount, sayShare, usedOf } from '../model/budget-words.ts'
import { formatFullTime } from '../model/format.ts'
import { useLoaded } from '../model/loaded.ts'
import { Dialog } from '../parts/dialog.tsx'
import { State } from '../parts/states.tsx'

type Props = { project: Project; budget: Budget; onClose: () => void }

const FIRST = 31

/** The windows before this one, in which something was used. */
export function BudgetWindows({ project, budget, onClose }: Props) {
  const { api } = useAppState()
  const [isWhole, setWhole] = useState(false)
  const { value, problem } = useLoaded(`${budget.id} ${isWhole}`, async () => {
    const read = (page: object) => api.budgets.windows(project.id, budget.id, page)
    if (isWhole) return { windows: await Array.fromAsync(eachItem(read)), hasMore: false }
    const { data, pagination } = await api.budgets.windows(project.id, budget.id, { limit: FIRST })
    return { windows: data, hasMore: pagination.has_next }
  })
  return (
    <Dialog title={`Past windows of ${budget.name}`} onClose={onClose}>
      <div class="dialog-body">
        {!value && problem === undefined && <State kind="loading" title="Loading the windows" />}
        {problem !== undefined && <p>{problem}</p>}
        {value?.windows.length === 0 && <p class="faint">Nothing was spent before this window.</p>}
        {value && value.windows.length > 0 && (
          <div class="windows scroll-x" tabIndex={0} role="region" aria-label="Past windows">
            <table class="table table-cards">
              <thead>
                <tr>
                  <th>From</th>
                  <th>Spent</th>
                  <th>Limit</th>
                  <th>Used</th>
                  <th>Used up</th>
                </tr>
              </thead>
              <tbody>
                {value.windows.map((past) => (
                  <tr key={past.starts_at}>
                    <td data-label="From" title={`until ${formatFullTime(past.ends_at)}`}>
                      {formatFullTime(past.starts_at)}
                    </td>
                    <td data-label="Spent">{sayAmount(budget.metric, past.spent)}</td>
                    <td data-label="Limit">{sayAmount(budget.metric, past.limit)}</td>
                    <td data-label="Used">{sayShare(usedOf(past))}</td>
                    <td data-label="Used up">{past.exceeded_at ? formatFullTime(past.exceeded_at) : '–'}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
        <footer>
          {value?.hasMore && (
            <button type="button" class="quiet" onClick={() => setWhole(true)}>
              Show all
            </button>
          )}
          <button type="button" class="main" onClick={onClose}>
            Close
          </button>
        </footer>
      </div>
    </Dialog>
  )
}

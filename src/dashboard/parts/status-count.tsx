import type { AgentStatus } from '#src/domain/lifecycle.ts'
import { formatCount } from '../model/format.ts'
import { unsettled } from '../model/progress.ts'
import type { Totals } from '../model/totals.ts'

/** How many agents have a status, and how many have it only on paper: "13 + 5 pausing". */
export function StatusCount({ totals, status }: { totals: Readonly<Totals>; status: AgentStatus }) {
  const open = totals.unsettled[status]
  return (
    <span class="status-count">
      <b data-count={status}>{formatCount(totals.by_status[status] - open)}</b>
      {open > 0 && (
        <small class={`count-open count-${unsettled[status]}`}>
          + {formatCount(open)} {unsettled[status]}
        </small>
      )}
    </span>
  )
}

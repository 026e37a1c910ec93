import type { AgentStatus } from '#src/domain/lifecycle.ts'
import { formatCount } from '../model/format.ts'
import { unsettled } from '../model/progress.ts'
import type { Totals } from '../model/totals.ts'
import { Lamp } from './marks.tsx'

/** How many agents have a status, and how many have it only on paper: "13 + 5 pausing + 2 lost". */
export function StatusCount({ totals, status }: { totals: Readonly<Totals>; status: AgentStatus }) {
  const [open, lost] = [totals.unsettled[status], totals.lost[status]]
  return (
    <span class="status-count">
      <b data-count={status}>{formatCount(totals.by_status[status] - open - lost)}</b>
      {open > 0 && (
        <small class={`count-open count-${unsettled[status]}`}>
          + {formatCount(open)} {unsettled[status]}
        </small>
      )}
      {lost > 0 && <small class="count-open count-lost">+ {formatCount(lost)} lost</small>}
    </span>
  )
}

type ListProps = { class: string; totals: Readonly<Totals>; statuses: readonly AgentStatus[] }

/** The counts of several statuses, each with its lamp and name; agents that are stopping are never left out. */
export function StatusCounts({ class: name, totals, statuses }: ListProps) {
  const stopping = totals.unsettled.terminated
  return (
    <dl class={name}>
      {statuses.map((status) => (
        <div key={status}>
          <dt>
            <Lamp status={status} />
            {status}
          </dt>
          <dd>
            <StatusCount totals={totals} status={status} />
          </dd>
        </div>
      ))}
      {stopping > 0 && !statuses.includes('terminated') && (
        <div class="count-stopping">
          <dt>
            <Lamp status="stopping" />
            stopping
          </dt>
          <dd>
            <b>{formatCount(stopping)}</b>
          </dd>
        </div>
      )}
    </dl>
  )
}

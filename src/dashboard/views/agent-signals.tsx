import type { SignalDetails } from '#src/client/rest.ts'
import type { AgentSummary } from '#src/domain/agent.ts'
import { formatFullTime, formatTime } from '../model/format.ts'
import { useLoaded, useSettled } from '../model/loaded.ts'
import { useWorld } from '../world-context.ts'

const EVERY_MS = 2_000
const SHOWN = 20

/** What the runtime was told, and when it had it and had done it. */
export function AgentSignals({ agent }: { agent: AgentSummary }) {
  const { api } = useWorld()
  const told = `${agent.control?.signal_id} ${agent.control?.state} ${agent.pending_signals}`
  const settled = useSettled(told, EVERY_MS)
  const { value, problem } = useLoaded(`${agent.id} ${settled}`, () =>
    api.signals.list(agent.project_id, agent.id, { limit: SHOWN }),
  )
  return (
    <section class="panel">
      <header class="panel-head">
        <h3>Signals</h3>
        {agent.pending_signals > 0 && <span class="faint">{agent.pending_signals} not acknowledged</span>}
      </header>
      {problem && <p class="faint none">{problem}</p>}
      {value?.data.length === 0 && <p class="faint none">It was never told anything</p>}
      {value && value.data.length > 0 && (
        <div class="scroll-x" role="region" aria-label="Signals" tabIndex={0}>
          <table class="table">
            <thead>
              <tr>
                <th>Signal</th>
                <th>Asked</th>
                <th>Delivered</th>
                <th>Acknowledged</th>
                <th>Outcome</th>
              </tr>
            </thead>
            <tbody>
              {value.data.map((signal) => (
                <Row key={signal.id} signal={signal} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  )
}

function Row({ signal }: { signal: SignalDetails }) {
  const what = signal.kind === 'message' ? JSON.stringify(signal.payload) : signal.reason
  return (
    <tr>
      <td>
        <b>{signal.kind}</b> {what && <span class="faint clip">{what}</span>}
      </td>
      <td>
        <At time={signal.created_at} />
      </td>
      <td>
        <At time={signal.delivered_at} />
        {signal.attempt > 1 && <span class="faint"> ×{signal.attempt}</span>}
      </td>
      <td>
        <At time={signal.acknowledged_at} />
      </td>
      <td>
        {signal.outcome ?? <span class="faint">open</span>}
        {signal.detail && <span class="faint clip"> {signal.detail}</span>}
      </td>
    </tr>
  )
}

function At({ time }: { time: string | null }) {
  if (time === null) return <span class="faint">–</span>
  return (
    <time dateTime={time} title={formatFullTime(time)}>
      {formatTime(time)}
    </time>
  )
}

import type { SignalDetails } from '#src/client/rest/rest.ts'
import type { AgentSummary } from '#src/domain/agent.ts'
import { useAppState } from '../app-state-context.ts'
import type { Loading } from '../model/app-state.ts'
import { sayGivenReason } from '../model/causes.ts'
import { formatFullTime, formatTime } from '../model/format.ts'
import { useLoaded, useSettled } from '../model/loaded.ts'
import { hasEndedItself } from '../model/progress.ts'
import type { ProjectLive } from '../model/project-live.ts'

const EVERY_MS = 2_000
const SHOWN = 20

/** The newest commands and messages to the runtime. Answers are among the requests. */
export function useSignals(live: ProjectLive, agent: AgentSummary): Loading<SignalDetails[]> {
  const { api } = useAppState()
  const { control } = agent
  // A message may be sent and ended between two drawings, and then leaves no trace in the agent.
  const newest = live.history.events.findLast((event) => event.agent?.id === agent.id && event.signal)?.seq
  const version = `${control?.signal_id} ${control?.state} ${agent.pending_signals} ${newest}`
  const settled = useSettled(version, EVERY_MS)
  return useLoaded(`${agent.id} ${settled}`, async () => {
    const { data } = await api.signals.list(agent.project_id, agent.id, { limit: SHOWN })
    return data.filter(({ kind }) => kind !== 'answer')
  })
}

type Props = { agent: AgentSummary; signals: Loading<SignalDetails[]> }

/** The commands and messages to the runtime, and when it received and ended each. */
export function AgentSignals({ agent, signals: { value: all, problem } }: Props) {
  // The end that its program has reported is no command.
  const own = hasEndedItself(agent) ? agent.control?.signal_id : undefined
  const value = all?.filter(({ id }) => id !== own)
  return (
    <section class="panel">
      <header class="panel-head">
        <h3>Commands</h3>
        {agent.pending_signals > 0 && <span class="faint">{agent.pending_signals} pending</span>}
      </header>
      {problem && <p class="faint none">{problem}</p>}
      {value?.length === 0 && <p class="faint none">No commands yet</p>}
      {value && value.length > 0 && (
        <div class="scroll-x" role="region" aria-label="Commands" tabIndex={0}>
          <table class="table table-cards">
            <thead>
              <tr>
                <th>Command</th>
                <th>Sent</th>
                <th>Received</th>
                <th>Ended</th>
                <th>Outcome</th>
              </tr>
            </thead>
            <tbody>
              {value.map((signal) => (
                <Row key={signal.id} signal={signal} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  )
}

/** The text of a message that has nothing else; any other as JSON. */
function sayPayload(payload: SignalDetails['payload']): string {
  const { text, ...others } = payload ?? {}
  return typeof text === 'string' && Object.keys(others).length === 0 ? text : JSON.stringify(payload)
}

function Row({ signal }: { signal: SignalDetails }) {
  const what = signal.kind === 'message' ? sayPayload(signal.payload) : sayGivenReason(signal.reason)
  return (
    <tr>
      <td>
        <b>{signal.kind}</b> {signal.mode && `(${signal.mode}) `}
        {what && (
          <span class="faint clip" title={what}>
            {what}
          </span>
        )}
      </td>
      <td data-label="Sent">
        <At time={signal.created_at} />
      </td>
      <td data-label="Received">
        <span>
          <At time={signal.delivered_at} />
          {signal.attempt > 1 && <span class="faint"> ×{signal.attempt}</span>}
        </span>
      </td>
      <td data-label="Ended">
        <At time={signal.acknowledged_at} />
      </td>
      <td data-label="Outcome">
        <span>
          {signal.outcome === 'failed' ? (
            <b class="concern">failed</b>
          ) : (
            (signal.outcome ?? <span class="faint">pending</span>)
          )}
          {signal.detail && <span class="signal-detail"> {signal.detail}</span>}
        </span>
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

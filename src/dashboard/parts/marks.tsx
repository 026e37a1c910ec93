import type { AgentSummary } from '#src/domain/agent.ts'
import type { AgentStatus } from '#src/domain/lifecycle.ts'
import { now } from '../model/clock.ts'
import { formatCountdown, formatFullTime, formatSpan } from '../model/format.ts'
import { type Progress, progress, underWay } from '../model/steering.ts'
import { Icon } from './icons.tsx'

/** The shapes of the lamps, so that nobody needs to tell colours apart. */
const shapes = {
  working: <circle cx="8" cy="8" r="4" class="lit" />,
  waiting: <path d="M8 4a4 4 0 0 1 0 8z" class="lit" />,
  idle: null,
  paused: <rect x="4" y="6.75" width="8" height="2.5" rx=".6" class="lit" />,
  terminated: <path d="m5.4 5.4 5.2 5.2m0-5.2-5.2 5.2" class="cross" />,
} as const satisfies Record<AgentStatus, unknown>

export function Lamp({ status }: { status: AgentStatus }) {
  return (
    <svg class={`lamp lamp-${status}`} viewBox="0 0 16 16" aria-hidden="true">
      <circle cx="8" cy="8" r="6.25" class="rim" />
      {shapes[status]}
    </svg>
  )
}

export function Status({ status }: { status: AgentStatus }) {
  return (
    <span class={`status status-${status}`}>
      <Lamp status={status} />
      {status}
    </span>
  )
}

const steps: Record<Progress, number> = { asking: 0, asked: 1, delivered: 2, overdue: 2, done: 3, failed: 3 }

/** A route that is being set: a section of track lights up with each step. */
export function Track({ kind, state }: { kind: string; state: Progress }) {
  return (
    <span class={`track track-${state}`} data-state={state}>
      <span class="sections" aria-hidden="true">
        {[1, 2, 3].map((step) => (
          <i key={step} class={step <= steps[state] ? 'set' : ''} />
        ))}
      </span>
      <span class="track-text">
        <span class="track-kind">{kind}</span> <b>{state}</b>
      </span>
    </span>
  )
}

/** The newest order of an agent: from the click on, then as the server tells it. */
export function Order({ agent }: { agent: AgentSummary }) {
  const asking = underWay.value.get(agent.id)
  if (asking) return <Track kind={asking} state="asking" />
  const { control } = agent
  if (!control) return <span class="faint">–</span>
  const isOpen = control.state === 'delivered'
  const state = progress(control, agent, isOpen ? now.value : 0)
  return (
    <>
      <Track kind={control.kind} state={state} />
      {agent.status === 'paused' && control.resume_at && <Countdown until={control.resume_at} />}
    </>
  )
}

function Countdown({ until }: { until: string }) {
  const left = formatCountdown(Date.parse(until) - now.value)
  return (
    <span class="countdown" title={`resumes by itself in ${left}`}>
      <Icon name="resume" />
      <span class="hidden">resumes in</span> {left}
    </span>
  )
}

export function Ago({ time, otherwise = 'never' }: { time: string | null; otherwise?: string }) {
  if (time === null) return <span class="faint">{otherwise}</span>
  return (
    <time dateTime={time} title={formatFullTime(time)}>
      {formatSpan(now.value - Date.parse(time))}
    </time>
  )
}

/** Whether a runtime is there to obey. */
export function Runtime({ agent: { runtime } }: { agent: Pick<AgentSummary, 'runtime'> }) {
  return (
    <span class={runtime.connected ? 'runtime runtime-on' : 'runtime'}>
      <svg viewBox="0 0 16 16" aria-hidden="true">
        {runtime.connected ? <path d="M1 8h14" /> : <path d="M1 8h4m6 0h4M6.5 5.5v5m3-5v5" />}
      </svg>
      <span class="runtime-text">{runtime.connected ? 'connected' : runtime.since ? 'lost' : 'none'}</span>
    </span>
  )
}

/** How much of a limit is used. `text` is what stands beside it. */
export function Budget({ used, text, limit }: { used: number; text: string; limit: string | undefined }) {
  const level = used >= 1 ? 'over' : used >= 0.8 ? 'near' : 'well'
  return (
    <span class={`budget budget-${level}`} title={limit && `${text} of ${limit}`}>
      <span>{text}</span>
      {limit && (
        <span class="bar" aria-hidden="true">
          <i style={{ transform: `scaleX(${Math.min(1, used)})` }} />
        </span>
      )}
      {limit && <span class="hidden">of {limit}</span>}
    </span>
  )
}

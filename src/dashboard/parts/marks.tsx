import { underWay } from '#src/dashboard/model/orders.ts'
import {
  hasEndedItself,
  overdueFrom,
  type Progress,
  progress,
  type ShownStatus,
  shownStatus,
} from '#src/dashboard/model/progress.ts'
import type { AgentSummary } from '#src/domain/agent.ts'
import { now as liveTime, useShownTime } from '../model/clock.ts'
import { formatCountdown, formatFullTime, formatSpan } from '../model/format.ts'
import { Icon } from './icons.tsx'

/** Each lamp has a shape, so that no operator has to tell colours apart. */
const shapes = {
  working: <circle cx="8" cy="8" r="4" class="lit" />,
  waiting: <path d="M8 4a4 4 0 0 1 0 8z" class="lit" />,
  idle: null,
  /** Broken where the runtime was. */
  lost: <path d="M8 4.6v3.9m0 2.4v.6" class="cross" />,
  /** Hollow until the runtime has obeyed. */
  resuming: <path d="M6.4 5.2v5.6L10.9 8z" class="cross" />,
  pausing: <path d="M6.2 5v6m3.6-6v6" class="cross" />,
  paused: <path d="M5 4.8h2.1v6.4H5zm3.9 0H11v6.4H8.9z" class="lit" />,
  stopping: <path d="m5.4 5.4 5.2 5.2m0-5.2-5.2 5.2" class="cross" />,
  terminated: <path d="m5.4 5.4 5.2 5.2m0-5.2-5.2 5.2" class="cross" />,
} as const satisfies Record<ShownStatus, unknown>

export function Lamp({ status }: { status: keyof typeof shapes }) {
  return (
    <svg class={`lamp lamp-${status}`} viewBox="0 0 16 16" aria-hidden="true">
      <circle cx="8" cy="8" r="6.25" class="rim" />
      {shapes[status]}
    </svg>
  )
}

/** The agent's actual status: `resuming`, `pausing` or `stopping` until its runtime has obeyed, `lost` without one. */
export function Status({ agent }: { agent: AgentSummary }) {
  const status = shownStatus(agent)
  return (
    <span class={`status status-${status}`}>
      <Lamp status={status} />
      {hasEndedItself(agent) ? 'ended' : status}
    </span>
  )
}

const steps: Record<Progress, number> = { sending: 0, sent: 1, received: 2, overdue: 2, done: 3, failed: 3 }

type TrackProps = { kind: string; state: Progress; hasKind?: boolean }

/** Three sections of track; one lights up with each step of a command. */
export function Track({ kind, state, hasKind = true }: TrackProps) {
  return (
    <span class={`track track-${state}`} data-state={state}>
      <span class="sections" aria-hidden="true">
        {[1, 2, 3].map((step) => (
          <i key={step} class={step <= steps[state] ? 'set' : ''} />
        ))}
      </span>
      <span class="track-text">
        <span class={hasKind ? 'track-kind' : 'hidden'}>{kind}</span> <b>{state}</b>
      </span>
    </span>
  )
}

/** The newest command of an agent, from the click on. */
export function Order({ agent }: { agent: AgentSummary }) {
  const now = useShownTime()
  const sending = now === liveTime ? underWay.value.get(agent.id) : undefined
  if (sending) return <Track kind={sending} state="sending" />
  const { control } = agent
  if (!control || hasEndedItself(agent)) return <span class="faint">–</span>
  const state = progress(agent, overdueFrom(agent) === undefined ? 0 : now.value)
  // The countdown says that it is a pause, and there is no room for both.
  const until = agent.status === 'paused' ? control.resume_at : null
  return (
    <>
      {state && <Track kind={control.kind} state={state} hasKind={until === null} />}
      {until !== null && <Countdown until={until} />}
    </>
  )
}

function Countdown({ until }: { until: string }) {
  const now = useShownTime()
  const left = formatCountdown(Date.parse(until) - now.value)
  return (
    <span class="countdown" title={`Resumes automatically in ${left}`}>
      <Icon name="resume" />
      <span class="hidden">resumes in</span> {left}
    </span>
  )
}

/** The time that is left. */
export function Until({ time }: { time: string }) {
  const now = useShownTime()
  const left = Date.parse(time) - now.value
  const words = left > DAY_MS ? formatSpan(left) : formatCountdown(left)
  return (
    <time dateTime={time} title={formatFullTime(time)} class={left < SOON_MS ? 'until until-soon' : 'until'}>
      {left > 0 ? `${words} left` : 'time is over'}
    </time>
  )
}

const DAY_MS = 86_400_000
const SOON_MS = 60_000

export function Ago({ time, otherwise = 'never' }: { time: string | null; otherwise?: string }) {
  const now = useShownTime()
  if (time === null) return <span class="faint">{otherwise}</span>
  return (
    <time dateTime={time} title={formatFullTime(time)}>
      {formatSpan(now.value - Date.parse(time))}
    </time>
  )
}

type WithRuntime = Pick<AgentSummary, 'runtime' | 'status'>

/** The runtime of a terminated agent is not lost. */
export function runtimeWord({ runtime, status }: WithRuntime): 'connected' | 'ended' | 'lost' | 'none' {
  const gone = status === 'terminated' ? 'ended' : 'lost'
  return runtime.connected ? 'connected' : runtime.since ? gone : 'none'
}

/** Whether a runtime is connected. */
export function Runtime({ agent }: { agent: WithRuntime }) {
  const { runtime } = agent
  const word = runtimeWord(agent)
  return (
    <span class={`runtime runtime-${word}`}>
      <svg viewBox="0 0 16 16" aria-hidden="true">
        {runtime.connected ? <path d="M1 8h14" /> : <path d="M1 8h4m6 0h4M6.5 5.5v5m3-5v5" />}
      </svg>
      <span class="runtime-text">{word}</span>
    </span>
  )
}

/** How much of a limit is used, beside the amount in `text`. */
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

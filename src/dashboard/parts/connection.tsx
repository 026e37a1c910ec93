import type { LinkState } from '#src/client/index.ts'
import { useAppState } from '../app-state-context.ts'
import { now } from '../model/clock.ts'
import { formatCountdown, formatSpan, formatTime } from '../model/format.ts'
import { Icon } from './icons.tsx'

const words = {
  connecting: 'Connecting',
  catching_up: 'Catching up',
  live: 'Live',
  offline: 'Offline',
  closed: 'No access',
} as const

/** Whether the page shows the current state. */
export function Connection({ state }: { state: LinkState }) {
  const app = useAppState()
  const silentSince = app.silentSince.value
  if (state.kind === 'live' && silentSince !== undefined) return <Silent since={silentSince} />
  return (
    <div class={`connection connection-${state.kind}`} data-connection={state.kind}>
      <span class="dot" aria-hidden="true" />
      <span role="status">
        {words[state.kind]}
        {state.kind === 'offline' && ` since ${formatTime(state.since)}`}
      </span>
      {state.kind === 'offline' && (
        <>
          <span class="faint retry">
            <Retry at={state.retry_at} />
          </span>
          <button type="button" class="quiet" onClick={() => app.retryNow()}>
            Try now
          </button>
        </>
      )}
    </div>
  )
}

/** In place of the state of the connection, where the page shows an earlier moment. */
export function ShowingPast({ at }: { at: number }) {
  return (
    <div class="connection connection-past" data-connection="past">
      <Icon name="back" />
      <span>Not live: {formatTime(at)}</span>
    </div>
  )
}

/** The server is connected, and does not answer: what is shown may be old. */
function Silent({ since }: { since: number }) {
  return (
    <div class="connection connection-silent" data-connection="silent">
      <span class="dot" aria-hidden="true" />
      <span role="status">No answer for {formatSpan(now.value - since)}</span>
    </div>
  )
}

/** The state of the connection on pages that are not of one project; nothing while all is well. */
export function ConnectionBar() {
  const app = useAppState()
  const state = app.connection.value
  const isSilent = app.silentSince.value !== undefined
  if (state.kind === 'connecting' || (state.kind === 'open' && !isSilent)) return null
  return (
    <div class="connection-bar">
      <Connection state={state.kind === 'open' ? { kind: 'live' } : state} />
      {state.kind !== 'closed' && <span>This page may be out of date.</span>}
    </div>
  )
}

function Retry({ at }: { at: number }) {
  const left = at - now.value
  return <>{left > 0 ? `next try in ${formatCountdown(left)}` : 'trying'}</>
}

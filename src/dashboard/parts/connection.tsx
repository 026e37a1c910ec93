import type { LinkState } from '#src/client/index.ts'
import { now } from '../model/clock.ts'
import { formatCountdown, formatTime } from '../model/format.ts'
import { useWorld } from '../world-context.ts'

const words = {
  connecting: 'Connecting',
  catching_up: 'Catching up',
  live: 'Live',
  offline: 'Offline',
  closed: 'Ended',
} as const

/** Whether what is on the screen is what is. */
export function Connection({ state }: { state: LinkState }) {
  const world = useWorld()
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
          <button type="button" class="quiet" onClick={() => world.retryNow()}>
            Try now
          </button>
        </>
      )}
    </div>
  )
}

function Retry({ at }: { at: number }) {
  const left = at - now.value
  return <>{left > 0 ? `next try in ${formatCountdown(left)}` : 'trying'}</>
}

import type { FleetList } from '../model/fleet-list.ts'
import { formatCount, formatTime, plural } from '../model/format.ts'
import { replaceQuery } from '../model/route.ts'

/** Several losses at once are one accident: of the server's network, or of what runs the agents. */
const MANY = 3

/** Says when many runtimes are gone whose agents count as at work, or have not confirmed a pause. */
export function LostBanner({ list }: { list: FleetList }) {
  const lost = [...list.live.concerns.value.values()].filter(({ kind }) => kind === 'lost')
  if (lost.length < MANY) return null
  const known = lost.length + list.live.totals.connected
  const last = Math.max(...lost.map(({ since }) => since))
  return (
    <p class="banner" role="status">
      <b>
        {formatCount(lost.length)} of {plural(known, 'runtime')} lost, the last at {formatTime(last)}
      </b>
      <span>Their agents get commands when a runtime connects.</span>
      <button type="button" onClick={() => replaceQuery({ needs: 'lost', status: undefined })}>
        Show them
      </button>
    </p>
  )
}

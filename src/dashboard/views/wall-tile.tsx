import { countKinds, labelOf, sayConcern } from '../model/attention.ts'
import { now } from '../model/clock.ts'
import { formatCount, formatMoney, plural } from '../model/format.ts'
import { costAnHour } from '../model/history.ts'
import { links } from '../model/links.ts'
import type { ProjectLive } from '../model/project-live.ts'
import { fromUnits, inService } from '../model/totals.ts'
import { levelOf, type Weighed, worst } from '../model/wall.ts'
import { Icon } from '../parts/icons.tsx'
import { StatusCounts } from '../parts/status-count.tsx'
import { Mix } from './project-rail.tsx'

export type Tile = Weighed & { live: ProjectLive | undefined }

const shown = ['working', 'waiting', 'paused', 'idle'] as const
/** One project on the wall. `names`: how many agents it names at most. */
export function WallTile({ tile, isAlone, names }: { tile: Tile; isAlone: boolean; names: number }) {
  const { project, live, count, urgency } = tile
  void [live?.version.value, live?.stopsVersion.value]
  const state = live?.state.value.kind
  if (!live?.isFilled || state === 'closed') {
    return (
      <section class="wall-tile" aria-label={project.name}>
        <h2>{project.name}</h2>
        <p class="wall-calm">{live && state !== 'closed' ? 'Loading' : 'Not live'}</p>
      </section>
    )
  }
  const { totals } = live
  return (
    <section class={`wall-tile wall-${levelOf(urgency)}`} aria-label={project.name}>
      <h2 class={isAlone ? 'hidden' : undefined}>
        <a href={links.wall(project.id)}>{project.name}</a>
      </h2>
      {count > 0 ? (
        <Exceptions live={live} most={names} />
      ) : (
        <p class="wall-calm">
          <b>{formatCount(totals.by_status.working)}</b> working
        </p>
      )}
      <Holds live={live} />
      <Mix live={live} />
      <StatusCounts class="wall-counts" totals={totals} statuses={shown} />
      <p class="wall-foot">
        {plural(inService(totals), 'agent')} · {formatMoney(fromUnits(totals.costUnits))} ·{' '}
        {formatMoney(costAnHour(live.history.buckets(now.value)))}/h
      </p>
    </section>
  )
}

/** How many need attention, for which reasons, and who. */
function Exceptions({ live, most }: { live: ProjectLive; most: number }) {
  const concerns = live.concerns.value
  const named = worst(live.agents, concerns, most)
  return (
    <div class="wall-exceptions">
      <p class="wall-reasons">
        <b>{formatCount(concerns.size)}</b>
        <span>
          {countKinds(concerns).map(([kind, number]) => (
            <span key={kind} class={`wall-reason concern-${kind}`}>
              {formatCount(number)} {labelOf(kind)}
            </span>
          ))}
        </span>
      </p>
      <ul class="wall-names">
        {named.map(({ agent, concern }) => (
          <li key={agent.id} class={`concern-${concern.kind}`}>
            <b>{agent.name}</b> <span>{sayConcern(concern, agent, now.value)}</span>
          </li>
        ))}
        {concerns.size > most && <li class="wall-more">and {formatCount(concerns.size - most)} more</li>}
      </ul>
    </div>
  )
}

function Holds({ live }: { live: ProjectLive }) {
  const [hold, ...others] = live.holds.values()
  if (!hold) return null
  return (
    <p class="wall-hold">
      <Icon name="hold" />
      <span>
        Held: {hold.reason}
        {others.length > 0 && ` and ${formatCount(others.length)} more`}
      </span>
    </p>
  )
}

import type { Project } from '#src/client/rest/rest.ts'
import type { Hold } from '#src/domain/hold.ts'
import { useAppState } from '../app-state-context.ts'
import { toBlock } from '../model/blocks.ts'
import { formatTime, plural } from '../model/format.ts'
import { countHeld, type Held, sayHeld } from '../model/held.ts'
import { startLifting } from '../model/lifting.ts'
import { useSettled } from '../model/loaded.ts'
import type { ProjectLive } from '../model/project-live.ts'
import { sayScope } from '../model/scopes.ts'
import { Icon } from '../parts/icons.tsx'
import { Ago } from '../parts/marks.tsx'

type Props = { project: Project; live: ProjectLive }

const EVERY_MS = 500
/** More banners would leave no room for the page. */
const SHOWN = 3

/** The holds that stand, on every page of the project. */
export function HoldBanners({ project, live }: Props) {
  void live.stopsVersion.value
  useSettled(live.version.value, EVERY_MS)
  const holds = [...live.holds.values()]
  if (holds.length === 0) return null
  const held = countHeld(live.agents.values())
  return (
    <section class="holds" aria-label="Holds">
      {holds.slice(0, SHOWN).map((hold) => (
        <HoldBanner key={hold.id} project={project} live={live} hold={hold} held={held.get(hold.id)} />
      ))}
      {holds.length > SHOWN && (
        <details class="holds-more">
          <summary>{plural(holds.length - SHOWN, 'more hold')}</summary>
          {holds.slice(SHOWN).map((hold) => (
            <HoldBanner key={hold.id} project={project} live={live} hold={hold} held={held.get(hold.id)} />
          ))}
        </details>
      )}
    </section>
  )
}

function HoldBanner({ project, live, hold, held }: Props & { hold: Hold; held: Held | undefined }) {
  const app = useAppState()
  const { reason, until, created_at, created_by, group_id } = hold
  const block = toBlock(hold)
  const isOfGroup = group_id !== null
  const may = app.permissions.may(project, block.kind === 'hold' ? 'place_hold' : 'manage_budgets')
  const mayLift = may && (!isOfGroup || app.me.is_superuser)
  return (
    <div class="hold-banner" data-hold={hold.id}>
      <Icon name="hold" />
      <b class="hold-reason" role="status">
        {block.kind === 'hold' ? `Held: ${reason}` : reason}
      </b>
      <span class="hold-facts">
        {sayHeld(held)} · {sayScope(live, hold)}, also new ones · by {app.names(project.id).actor(created_by)}
        {isOfGroup && ', in all projects'}, <Ago time={created_at} /> ago ·{' '}
        {until === null ? 'until it is released' : `until ${formatTime(until)}`}
      </span>
      {mayLift && (
        <button type="button" onClick={() => startLifting(block)}>
          {block.kind === 'hold' ? (
            'Release'
          ) : (
            <span>
              Raise limit<span class="stop-rest"> and resume</span>
            </span>
          )}
        </button>
      )}
    </div>
  )
}

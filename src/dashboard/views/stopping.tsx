import type { Project } from '#src/client/rest/rest.ts'
import { actionRow } from '#src/domain/actions.ts'
import type { AgentSummary } from '#src/domain/agent.ts'
import { useAppState } from '../app-state-context.ts'
import { now } from '../model/clock.ts'
import { failedCommand, useFailure } from '../model/failures.ts'
import { formatCount, formatFullTime, plural } from '../model/format.ts'
import { links } from '../model/links.ts'
import { useSettled } from '../model/loaded.ts'
import { order } from '../model/orders.ts'
import { type Progress, progress } from '../model/progress.ts'
import type { ProjectLive } from '../model/project-live.ts'
import { isOver, type Stop, stopOf, type Tally, tally } from '../model/stops.ts'
import { Dialog } from '../parts/dialog.tsx'
import { Icon } from '../parts/icons.tsx'
import { startOrder } from './order-dialog.tsx'

type Props = { project: Project; live: ProjectLive }
type StopProps = Props & { stop: Stop }

const stages = ['sent', 'received', 'overdue', 'failed', 'done'] as const satisfies Progress[]
/** More names would not help an operator. */
const MAX_NAMES = 12
const EVERY_MS = 250

/** How far a stop of everything has come: a dialog, which closes into a bar. */
export function Stopping({ project, live }: Props) {
  const stop = stopOf(live).value
  if (!stop) return null
  return stop.isOpen ? (
    <StoppingDialog project={project} live={live} stop={stop} />
  ) : (
    <StopBar project={project} live={live} stop={stop} />
  )
}

function useTally(live: ProjectLive, stop: Stop): Tally {
  useSettled(live.version.value, EVERY_MS)
  return tally(live, stop, now.value)
}

/** Closing shows the bar, until nothing is left to wait for. */
function leave(live: ProjectLive, stop: Stop, found: Tally): void {
  stopOf(live).value = isOver(found) && found.isolated === 0 ? undefined : { ...stop, isOpen: false }
}

function StoppingDialog({ project, live, stop }: StopProps) {
  const found = useTally(live, stop)
  const { total, done, counts, isolated, changed } = found
  const close = () => leave(live, stop, tally(live, stop, Date.now()))
  return (
    <Dialog title={`Stop everything in ${project.name}`} onClose={close}>
      <div class="dialog-body" data-stopping={done}>
        <p role="status">
          <b class="big">{formatCount(done)}</b> of {plural(total, 'agent')} have stopped
        </p>
        <progress value={done} max={Math.max(1, total)} aria-label="Stopped" />
        <dl class="stages">
          {stages.map((stage) => (
            <div key={stage} class={`stage-${stage}`}>
              <dt>{stage}</dt>
              <dd>{formatCount(counts.get(stage) ?? 0)}</dd>
            </div>
          ))}
        </dl>
        {isolated > 0 && (
          <p class="faint">
            {plural(isolated, 'agent')} {isolated === 1 ? 'has' : 'have'} no runtime connected.
            {isolated === 1 ? ' It gets' : ' They get'} the command when one connects.
          </p>
        )}
        {changed > 0 && (
          <p class="faint">{plural(changed, 'agent')} got another command since, and may work again.</p>
        )}
        <Stuck project={project} live={live} stop={stop} found={found} />
        <Receipt project={project} stop={stop} found={found} />
        <footer>
          <button type="button" class="main" onClick={close}>
            Close
          </button>
        </footer>
      </div>
    </Dialog>
  )
}

/** The agents that have not obeyed in time, in their own words, and what an operator can do about it. */
function Stuck({ project, live, stop, found: { stuck } }: StopProps & { found: Tally }) {
  if (stuck.length === 0) return null
  return (
    <section class="stuck" aria-label="Not stopped">
      <h3>{plural(stuck.length, 'agent')} did not stop</h3>
      <ul>
        {stuck.slice(0, MAX_NAMES).map((agent) => (
          <StuckAgent key={agent.id} agent={agent} />
        ))}
        {stuck.length > MAX_NAMES && <li class="faint">and {formatCount(stuck.length - MAX_NAMES)} more</li>}
      </ul>
      <StuckActions project={project} live={live} stop={stop} stuck={stuck} />
    </section>
  )
}

function StuckAgent({ agent }: { agent: AgentSummary }) {
  const { api } = useAppState()
  const words = useFailure(api, failedCommand(agent))
  const { control } = agent
  return (
    <li>
      <a href={links.agent(agent.project_id, agent.id)}>{agent.name}</a>{' '}
      <b class="concern">{control && progress(control, agent, now.value)}</b> {words && <q>{words}</q>}
    </li>
  )
}

function StuckActions({ project, live, stop, stuck }: StopProps & { stuck: readonly AgentSummary[] }) {
  const app = useAppState()
  const { verb } = actionRow(stop.way)
  const again = () =>
    order(app, { project_id: project.id, ids: stuck.map(({ id }) => id) }, { action: stop.way, again: true })
  return (
    <div class="stuck-actions">
      <a
        class="button"
        href={links.needing(project.id, ['failed', 'overdue'])}
        onClick={() => leave(live, stop, tally(live, stop, Date.now()))}
      >
        Show these in the fleet
      </a>
      <button type="button" onClick={() => void again()}>
        <Icon name="again" />
        {verb} again
      </button>
      {stop.way !== 'terminate' && (
        <button type="button" class="danger" onClick={() => startOrder('terminate', stuck)}>
          <Icon name="terminate" />
          Terminate these
        </button>
      )}
    </div>
  )
}

/** Who stopped how many, when, and how long it took. */
function Receipt({ project, stop, found }: { project: Project; stop: Stop; found: Tally }) {
  const app = useAppState()
  if (!isOver(found) || !found.requested_by) return null
  const who = app.names(project.id).actor(found.requested_by)
  return <p class="receipt">{sayReceipt(stop, found, who)}</p>
}

function sayReceipt({ way }: Stop, { done, startedAt, endedAt, isolated }: Tally, who: string): string {
  const took = done > 0 ? ` The last one stopped after ${((endedAt - startedAt) / 1_000).toFixed(1)} s.` : ''
  const left = isolated > 0 ? ` ${formatCount(isolated)} without a runtime.` : ''
  return `${actionRow(way).verb} sent by ${who} at ${formatFullTime(startedAt)}.${took}${left}`
}

/** Stays on every page of the project until the stop is over, and then until it has been read. */
function StopBar({ project, live, stop }: StopProps) {
  const found = useTally(live, stop)
  const { total, done, counts, changed } = found
  const state = stopOf(live)
  const slow = (['overdue', 'failed'] as const).filter((stage) => counts.has(stage))
  return (
    <div class={slow.length > 0 ? 'stop-bar stop-bar-stuck' : 'stop-bar'} role="status">
      <span>
        <b>{formatCount(done)}</b> of {plural(total, 'agent')} have stopped
        {changed > 0 && ` · ${formatCount(changed)} got another command since`}
        {slow.map((stage) => (
          <b key={stage} class="concern">
            {' '}
            · {formatCount(counts.get(stage) ?? 0)} {stage}
          </b>
        ))}
      </span>
      <progress value={done} max={Math.max(1, total)} aria-label="Stopped" />
      <Receipt project={project} stop={stop} found={found} />
      <button
        type="button"
        onClick={() => {
          state.value = { ...stop, isOpen: true }
        }}
      >
        Details
      </button>
      {isOver(found) && (
        <button
          type="button"
          class="quiet square"
          aria-label="Dismiss"
          onClick={() => {
            state.value = undefined
          }}
        >
          <Icon name="close" />
        </button>
      )}
    </div>
  )
}

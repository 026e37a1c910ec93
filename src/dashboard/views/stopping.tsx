import type { Project } from '#src/client/rest/rest.ts'
import { actionRow } from '#src/domain/actions.ts'
import type { AgentSummary } from '#src/domain/agent.ts'
import { useAppState } from '../app-state-context.ts'
import { now } from '../model/clock.ts'
import { failedCommand, useFailure } from '../model/failures.ts'
import { formatCount, plural } from '../model/format.ts'
import { links } from '../model/links.ts'
import { useSettled } from '../model/loaded.ts'
import { order } from '../model/orders.ts'
import type { Progress } from '../model/progress.ts'
import type { ProjectLive } from '../model/project-live.ts'
import { canTake } from '../model/reach.ts'
import { listNames, MAX_NAMES, sayMember, sayName, sayReceipt } from '../model/stop-receipt.ts'
import {
  countResumed,
  follow,
  isOver,
  isSettled,
  type Stop,
  type StopMember,
  stopOf,
  type Tally,
  tally,
} from '../model/stops.ts'
import { copy } from '../parts/copyable.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { Icon } from '../parts/icons.tsx'
import { startOrder } from './order-dialog.tsx'

type Props = { project: Project; live: ProjectLive }
type StopProps = Props & { stop: Stop }

const stages = ['sent', 'received', 'overdue', 'failed', 'done'] as const satisfies Progress[]
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
  follow(live, stop, now.value)
  return tally(stop)
}

/** Closing shows the bar, until nothing is left to wait for. */
function leave(live: ProjectLive, stop: Stop, found: Tally): void {
  stopOf(live).value =
    isOver(found) && found.isolated.length === 0 && found.stuck.length === 0
      ? undefined
      : { ...stop, isOpen: false }
}

function StoppingDialog({ project, live, stop }: StopProps) {
  const found = useTally(live, stop)
  const { total, done, counts } = found
  const close = () => leave(live, stop, tally(stop))
  const title =
    stop.hold_id === undefined ? `Stop everything in ${project.name}` : `Hold agents of ${project.name}`
  return (
    <Dialog title={title} onClose={close}>
      <div class="dialog-body" data-stopping={done}>
        <p role="status">
          <b class="big">{formatCount(done)}</b> of {plural(total, 'agent')} {total === 1 ? 'has' : 'have'}{' '}
          stopped
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
        <Isolated members={found.isolated} />
        <Stuck project={project} live={live} stop={stop} found={found} />
        <Receipt project={project} stop={stop} found={found} />
        <footer>
          <CopyReceipt project={project} stop={stop} found={found} />
          <button type="button" class="main" onClick={close}>
            Close
          </button>
        </footer>
      </div>
    </Dialog>
  )
}

/** Who has no runtime that could obey. */
function Isolated({ members }: { members: readonly StopMember[] }) {
  if (members.length === 0) return null
  const [has, gets] = members.length === 1 ? ['has', 'It gets'] : ['have', 'They get']
  return (
    <p class="faint">
      {plural(members.length, 'agent')} {has} no runtime connected: {listNames(members, MAX_NAMES, sayName)}.{' '}
      {gets} the command when one connects.
    </p>
  )
}

/** The agents that have not obeyed in time, in their own words, and what an operator can do about it. */
function Stuck({ project, live, stop, found: { stuck } }: StopProps & { found: Tally }) {
  if (stuck.length === 0) return null
  return (
    <section class="stuck" aria-label="Not stopped">
      <h3>{plural(stuck.length, 'agent')} did not stop</h3>
      <ul>
        {stuck.slice(0, MAX_NAMES).map((member) => (
          <StuckAgent key={member.id} project={project} member={member} agent={live.agents.get(member.id)} />
        ))}
        {stuck.length > MAX_NAMES && <li class="faint">and {formatCount(stuck.length - MAX_NAMES)} more</li>}
      </ul>
      <StuckActions project={project} live={live} stop={stop} stuck={stuck} />
    </section>
  )
}

type StuckProps = { project: Project; member: StopMember; agent: AgentSummary | undefined }

function StuckAgent({ project, member, agent }: StuckProps) {
  const { api } = useAppState()
  const words = useFailure(api, agent && failedCommand(agent))
  return (
    <li>
      <a href={links.agent(project.id, member.id)}>{member.name}</a>{' '}
      <b class="concern">{sayMember(member)}</b> {words && <q>{words}</q>}
    </li>
  )
}

/** More ids would make an address that few programs take. */
const MAX_LINKED = 50

function linkTo({ id }: Project, stuck: readonly StopMember[]): string {
  if (stuck.length > MAX_LINKED) return links.needing(id, ['failed', 'overdue'])
  return links.agents(
    id,
    stuck.map((member) => member.id),
  )
}

function StuckActions({ project, live, stop, stuck }: StopProps & { stuck: readonly StopMember[] }) {
  const app = useAppState()
  const { verb, is_final } = actionRow(stop.way)
  const ids = stuck.filter(({ later }) => !later).map(({ id }) => id)
  const agents = ids.map((id) => live.agents.get(id)).filter((agent) => agent !== undefined)
  const unended = stuck
    .filter(({ later }) => later?.kind === 'terminate' && !later.isDone)
    .map(({ id }) => id)
  // A termination that tidies up first has just failed.
  const mode = is_final ? 'now' : undefined
  const endNow = () =>
    order(app, { project_id: project.id, ids: unended }, { action: 'terminate', again: true, mode: 'now' })
  const again = () => order(app, { project_id: project.id, ids }, { action: stop.way, again: true, mode })
  return (
    <div class="stuck-actions">
      <a class="button" href={linkTo(project, stuck)} onClick={() => leave(live, stop, tally(stop))}>
        Show these in the fleet
      </a>
      {ids.length > 0 && (
        <button type="button" onClick={() => void again()}>
          <Icon name="again" />
          {verb} again{mode && ` (${mode})`}
        </button>
      )}
      {unended.length > 0 && (
        <button type="button" class="danger" onClick={() => void endNow()}>
          <Icon name="again" />
          Terminate again (now)
        </button>
      )}
      {agents.some((agent) => canTake(agent, 'terminate')) && (
        <button type="button" class="danger" onClick={() => startOrder('terminate', agents)}>
          <Icon name="terminate" />
          Terminate these
        </button>
      )}
    </div>
  )
}

type ReceiptProps = { project: Project; stop: Stop; found: Tally }

/** The bar takes no more than a few lines, on a phone too. */
const BAR_NAMES = 2

/** Who stopped how many, when, how long it took, and who did not stop. */
function Receipt({ project, stop, found, most }: ReceiptProps & { most?: number }) {
  const app = useAppState()
  if (!stop.requested_by) return null
  const who = app.names(project.id).actor(stop.requested_by)
  return <p class="receipt">{sayReceipt(stop, found, who, most)}</p>
}

function CopyReceipt({ project, stop, found }: ReceiptProps) {
  const app = useAppState()
  const { requested_by } = stop
  if (!requested_by) return null
  const text = () =>
    `${project.name}: ${sayReceipt(stop, found, app.names(project.id).actor(requested_by), Number.MAX_SAFE_INTEGER)}`
  return (
    <button type="button" class="quiet" onClick={() => void copy('receipt', text())}>
      <Icon name="copy" />
      Copy as text
    </button>
  )
}

/** Stays on every page of the project until it has been read, and at least until each agent has had its time. */
function StopBar({ project, live, stop }: StopProps) {
  const found = useTally(live, stop)
  const { total, done, stuck } = found
  const resumed = countResumed(live, stop)
  const state = stopOf(live)
  return (
    <div class={stuck.length > 0 ? 'stop-bar stop-bar-stuck' : 'stop-bar'} role="status">
      <span>
        <b>{formatCount(done)}</b> of {plural(total, 'agent')} {total === 1 ? 'has' : 'have'} stopped
        {resumed > 0 && `, ${formatCount(resumed)} resumed since`}
      </span>
      <progress value={done} max={Math.max(1, total)} aria-label="Stopped" />
      <Receipt project={project} stop={stop} found={found} most={BAR_NAMES} />
      <button
        type="button"
        onClick={() => {
          state.value = { ...stop, isOpen: true }
        }}
      >
        Details
      </button>
      {isSettled(found) && (
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

import { useState } from 'preact/hooks'
import type { Project } from '#src/client/rest.ts'
import { formatCount, plural } from '../model/format.ts'
import type { ProjectLive } from '../model/project-live.ts'
import { order, type Progress, progress } from '../model/steering.ts'
import { inService } from '../model/totals.ts'
import { Dialog } from '../parts/dialog.tsx'
import { Icon } from '../parts/icons.tsx'
import { useWorld } from '../world-context.ts'
import { TypeToConfirm } from './order-dialog.tsx'

type Props = { project: Project; live: ProjectLive }
type Way = 'pause' | 'terminate'
/** The newest control signal of each agent. */
type Signals = ReadonlyMap<string, string | undefined>

/** The kill switch: every agent of a project, in one step. */
export function StopEverything({ project, live }: Props) {
  const [isOpen, setOpen] = useState(false)
  return (
    <>
      <button type="button" class="danger stop" data-stop onClick={() => setOpen(true)}>
        <Icon name="stop" />
        <span>
          Stop<span class="stop-rest"> everything</span>
        </span>
      </button>
      {isOpen && (
        <Dialog title={`Stop everything in ${project.name}`} onClose={() => setOpen(false)}>
          <StopForm project={project} live={live} onClose={() => setOpen(false)} />
        </Dialog>
      )}
    </>
  )
}

const ways = {
  pause: ['Pause every agent', 'Each can be resumed later.'],
  terminate: ['Terminate every agent', 'Nothing brings them back.'],
} as const satisfies Record<Way, readonly [string, string]>

function StopForm({ project, live, onClose }: Props & { onClose: () => void }) {
  const world = useWorld()
  void live.version.value
  const [way, setWay] = useState<Way>('pause')
  const [typed, setTyped] = useState('')
  const [reason, setReason] = useState('')
  const [before, setBefore] = useState<Signals>()
  // What is to be typed stands still, however many are spawned meanwhile: it is all of them in any case.
  const [to_terminate] = useState(() => inService(live.totals))
  const number = way === 'pause' ? inService(live.totals) - live.totals.by_status.paused : to_terminate
  const isSure = way === 'pause' || typed.trim() === String(number)
  const submit = async (event: SubmitEvent) => {
    event.preventDefault()
    if (!isSure) return
    const known = new Map([...live.agents.values()].map(({ id, control }) => [id, control?.signal_id]))
    const isAccepted = await order(world, { project_id: project.id, all: true }, { action: way, reason })
    if (isAccepted) setBefore(known)
  }
  if (before) return <Stopping live={live} way={way} before={before} onClose={onClose} />
  return (
    <form onSubmit={submit}>
      <fieldset class="ways">
        <legend class="hidden">How</legend>
        {(['pause', 'terminate'] as const).map((name) => (
          <label key={name} class={way === name ? 'chosen' : ''}>
            <input
              type="radio"
              name="way"
              value={name}
              checked={way === name}
              onChange={() => setWay(name)}
            />
            <span>
              <b>{ways[name][0]}</b> <span class="faint">{ways[name][1]}</span>
            </span>
          </label>
        ))}
      </fieldset>
      <label>
        <span>
          Reason <span class="faint">(the runtimes are told)</span>
        </span>
        <input
          value={reason}
          maxLength={500}
          onInput={({ currentTarget }) => setReason(currentTarget.value)}
        />
      </label>
      {way === 'terminate' && <TypeToConfirm word={String(number)} typed={typed} onChange={setTyped} />}
      <footer>
        <button type="button" class="quiet" onClick={onClose}>
          Cancel
        </button>
        <button type="submit" class="main danger" disabled={!isSure || number === 0}>
          {way === 'pause' ? 'Pause' : 'Terminate'} {plural(number, 'agent')}
        </button>
      </footer>
    </form>
  )
}

const stages = ['asked', 'delivered', 'overdue', 'failed', 'done'] as const satisfies Progress[]

type StoppingProps = { live: ProjectLive; way: Way; before: Signals; onClose: () => void }

/** Whether the runtimes have obeyed: of the orders of this kind that are newer than those of `before`. */
function Stopping({ live, way, before, onClose }: StoppingProps) {
  void live.version.value
  const counts = new Map<Progress, number>()
  let isolated = 0
  let total = 0
  for (const agent of live.agents.values()) {
    if (agent.control?.kind !== way || agent.control.signal_id === before.get(agent.id)) continue
    const state = progress(agent.control, agent, Date.now())
    counts.set(state, (counts.get(state) ?? 0) + 1)
    total++
    if (!agent.runtime.connected && state !== 'done') isolated++
  }
  const done = counts.get('done') ?? 0
  return (
    <div class="dialog-body" data-stopping={done}>
      <p role="status">
        <b class="big">{formatCount(done)}</b> of {plural(total, 'agent')} have obeyed
      </p>
      <progress value={done} max={Math.max(1, total)} aria-label="Obeyed" />
      <dl class="stages">
        {stages.map((stage) => (
          <div key={stage}>
            <dt>{stage}</dt>
            <dd>{formatCount(counts.get(stage) ?? 0)}</dd>
          </div>
        ))}
      </dl>
      {isolated > 0 && (
        <p class="faint">
          {plural(isolated, 'agent')} without a runtime: the order waits for it, and its status holds already.
        </p>
      )}
      <footer>
        <button type="button" class="main" onClick={onClose}>
          Close
        </button>
      </footer>
    </div>
  )
}

import { signal } from '@preact/signals'
import { useEffect, useState } from 'preact/hooks'
import type { Project } from '#src/client/rest/rest.ts'
import { canRepeat, canTake } from '#src/dashboard/model/reach.ts'
import { actionRow, type Mode } from '#src/domain/actions.ts'
import { useAppState } from '../app-state-context.ts'
import { plural } from '../model/format.ts'
import { stopAll } from '../model/hold-orders.ts'
import { startHold } from '../model/lifting.ts'
import { links } from '../model/links.ts'
import { isLost, isStopping, isThere } from '../model/progress.ts'
import type { ProjectLive } from '../model/project-live.ts'
import { goTo, place, projectOf } from '../model/route.ts'
import { newestCommands, type StopWay, stopOf, stopWays } from '../model/stops.ts'
import { Dialog } from '../parts/dialog.tsx'
import { Icon } from '../parts/icons.tsx'
import { TypeToConfirm } from '../parts/type-to-confirm.tsx'
import { ModeChoice } from './mode-choice.tsx'
import { ResumeIn } from './order-fields.tsx'

type Props = { project: Project; live: ProjectLive }

/** The project whose dialog is open. */
const asked = signal<string | undefined>(undefined)

/** Opens the dialog, on the fleet unless a page of the project is shown. */
export function startStopping(project_id: string): void {
  asked.value = project_id
  if (projectOf(place.peek()) !== project_id) goTo(links.fleet(project_id))
}

function dropStopping(project_id: string): void {
  if (asked.peek() === project_id) asked.value = undefined
}

/** The kill switch: it acts on every agent of a project in one step. */
export function StopEverything({ project, live }: Props) {
  const close = () => dropStopping(project.id)
  useEffect(() => close, [])
  return (
    <>
      <button type="button" class="danger stop" data-stop onClick={() => startStopping(project.id)}>
        <Icon name="stop" />
        <span>
          Stop<span class="stop-rest"> everything</span>
        </span>
      </button>
      {asked.value === project.id && (
        <Dialog title={`Stop everything in ${project.name}`} onClose={close}>
          <StopForm project={project} live={live} onClose={close} />
        </Dialog>
      )}
    </>
  )
}

type Reach = { number: number; again: string[]; stopping: number }

/**
 * How many agents the action would reach; `again`: those that have taken it, but whose runtimes have not obeyed, or are lost;
 * `stopping`: those that have not obeyed a terminate, and are past this action.
 */
function countReached(live: ProjectLive, way: StopWay): Reach {
  const again: string[] = []
  let [number, stopping] = [0, 0]
  for (const agent of live.agents.values()) {
    const isAgain = (isThere(agent) || isLost(agent)) && canRepeat(agent, way)
    if (isAgain) again.push(agent.id)
    if (isAgain || canTake(agent, way)) number++
    else if (isStopping(agent)) stopping++
  }
  return { number, again, stopping }
}

function StopForm({ project, live, onClose }: Props & { onClose: () => void }) {
  const app = useAppState()
  void live.version.value
  const [way, setWay] = useState<StopWay>('pause')
  const [typed, setTyped] = useState('')
  const [reason, setReason] = useState('')
  const [mode, setMode] = useState<Mode>()
  // The number to type stays the same while the form is open; the action reaches every agent in any case.
  const [toConfirm] = useState(() => countReached(live, 'terminate').number)
  const [minutes, setMinutes] = useState('')
  const [isHolding, setHolding] = useState(false)
  const [isBusy, setBusy] = useState(false)
  const { verb, is_final, has_timer } = actionRow(way)
  const reached = countReached(live, way)
  const number = is_final ? toConfirm : reached.number
  const isSure = !is_final || typed.trim() === String(number)
  const submit = async (event: SubmitEvent) => {
    event.preventDefault()
    if (!isSure) return
    const before = newestCommands(live)
    setBusy(true)
    const isAccepted = await stopAll(app, {
      project_id: project.id,
      action: way,
      reason: reason.trim(),
      mode,
      resume_after: has_timer && minutes ? Math.round(Number(minutes) * 60) : undefined,
      again: reached.again,
      isHolding,
    })
    setBusy(false)
    if (!isAccepted) return
    onClose()
    if (number > 0) stopOf(live).value = { way, before, members: new Map(), isOpen: true }
  }
  return (
    <form onSubmit={submit}>
      <fieldset class="ways">
        <legend class="hidden">How</legend>
        {stopWays.map((name) => (
          <label
            key={name}
            class={`${way === name ? 'chosen' : ''}${actionRow(name).is_final ? ' final' : ''}`}
          >
            <input
              type="radio"
              name="way"
              value={name}
              checked={way === name}
              onChange={() => {
                setWay(name)
                setMode(undefined)
              }}
            />
            <span>
              <b>{actionRow(name).verb} every agent</b>{' '}
              <span class="faint">
                {actionRow(name).is_final ? "This can't be undone." : 'You can resume them later.'}
              </span>
            </span>
          </label>
        ))}
      </fieldset>
      {has_timer && <ResumeIn minutes={minutes} unset="Manually" onChange={setMinutes} />}
      <ModeChoice action={way} mode={mode} agents={live.agents.values()} onChange={setMode} />
      <label class="check">
        <input
          type="checkbox"
          checked={isHolding}
          onChange={({ currentTarget }) => setHolding(currentTarget.checked)}
        />
        <span>
          Also stop agents that start later{' '}
          <span class="faint">(places a hold: no one can resume an agent until it ends)</span>
        </span>
      </label>
      {reached.again.length > 0 && (
        <p class="faint">
          {plural(reached.again.length, 'agent')} {reached.again.length === 1 ? 'has' : 'have'} not obeyed
          yet, and {reached.again.length === 1 ? 'gets' : 'get'} the command again.
        </p>
      )}
      {reached.stopping > 0 && (
        <p class="faint">
          {plural(reached.stopping, 'agent')} {reached.stopping === 1 ? 'is' : 'are'} still stopping: not part
          of this, since {reached.stopping === 1 ? 'it was' : 'they were'} terminated and{' '}
          {reached.stopping === 1 ? 'has' : 'have'} not obeyed yet.
        </p>
      )}
      <label>
        <span>
          Reason <span class="faint">(optional, sent to the agents)</span>
        </span>
        <input
          value={reason}
          maxLength={500}
          onInput={({ currentTarget }) => setReason(currentTarget.value)}
        />
      </label>
      {is_final && <TypeToConfirm word={String(number)} typed={typed} onChange={setTyped} />}
      <footer>
        <button
          type="button"
          class="quiet hold-some"
          onClick={() => {
            onClose()
            startHold()
          }}
        >
          Hold only some…
        </button>
        <button type="button" class="quiet" onClick={onClose}>
          Cancel
        </button>
        <button
          type="submit"
          class={is_final ? 'main danger' : 'main caution'}
          data-first={is_final ? undefined : true}
          disabled={!isSure || isBusy || (number === 0 && !isHolding)}
        >
          {verb} {isHolding && 'and hold '}
          {plural(number, 'agent')}
        </button>
      </footer>
    </form>
  )
}

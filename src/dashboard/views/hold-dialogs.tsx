import { useState } from 'preact/hooks'
import type { Project } from '#src/client/rest/rest.ts'
import type { Mode } from '#src/domain/actions.ts'
import type { AgentSummary } from '#src/domain/agent.ts'
import type { Hold, PauseMode } from '#src/domain/hold.ts'
import { matches } from '#src/domain/selector.ts'
import { useAppState } from '../app-state-context.ts'
import { formatCount, formatFullTime, plural } from '../model/format.ts'
import { placeHold, sayPlaced } from '../model/hold-orders.ts'
import { say } from '../model/notices.ts'
import type { ProjectLive } from '../model/project-live.ts'
import { sayScope } from '../model/scopes.ts'
import { readSearch } from '../model/search.ts'
import { newestCommands, stopOf } from '../model/stops.ts'
import { fromFieldTime, zone } from '../model/zone.ts'
import { Dialog } from '../parts/dialog.tsx'
import { Field, Form, typed } from '../parts/fields.tsx'
import { Ago } from '../parts/marks.tsx'
import { MatchFields, readMatch } from './match-fields.tsx'
import { ModeChoice } from './mode-choice.tsx'

type Props = { project: Project; live: ProjectLive; onClose: () => void }

const lengths = [
  ['', 'Until it is released'],
  ['15', 'For 15 minutes'],
  ['60', 'For an hour'],
  ['480', 'For 8 hours'],
  ['1440', 'For a day'],
] as const

/** A hold of all agents, or of those with some labels or of a type. */
export function PlaceHold({ project, live, onClose }: Props) {
  const app = useAppState()
  const [mode, setMode] = useState<Mode>()
  const [length, setLength] = useState('')
  const [labels, setLabels] = useState('')
  const [type, setType] = useState('')
  void live.version.value
  const place = async (fields: FormData) => {
    const until = typed(fields, 'until')
    const before = newestCommands(live)
    const hold = await placeHold(app, project.id, {
      reason: typed(fields, 'reason') ?? '',
      ...readMatch(fields),
      mode: mode as PauseMode | undefined,
      ...(length === 'time' && until && { until: fromFieldTime(until) }),
      ...(length !== 'time' && length !== '' && { for: Number(length) * 60 }),
    })
    say('sent', sayPlaced(hold.affected_count))
    if (hold.affected_count > 0) {
      stopOf(live).value = { way: 'pause', hold_id: hold.id, before, members: new Map(), isOpen: false }
    }
    onClose()
  }
  return (
    <Dialog title={`Hold agents of ${project.name}`} onClose={onClose}>
      <Form submit="Place the hold" onCancel={onClose} onSubmit={place}>
        <p class="faint">
          Pauses the agents that match, and all that start later, until the hold ends. No one can resume them
          before.
        </p>
        <Field label="Reason" name="reason" hint="people and agents see it" isRequired />
        <MatchFields example="team=news" onLabels={setLabels} onType={setType} />
        <p role="status">{sayHeld(live, labels, type)}</p>
        <label>
          How long
          <select value={length} onChange={({ currentTarget }) => setLength(currentTarget.value)}>
            {lengths.map(([value, label]) => (
              <option key={value} value={value}>
                {label}
              </option>
            ))}
            <option value="time">Until a time…</option>
          </select>
        </label>
        {length === 'time' && (
          <label>
            <span>
              Until <span class="faint">({zone.value === 'utc' ? 'UTC' : 'your local time'})</span>
            </span>
            <input type="datetime-local" name="until" required />
          </label>
        )}
        <ModeChoice action="pause" mode={mode} agents={live.agents.values()} onChange={setMode} />
      </Form>
    </Dialog>
  )
}

/** "Holds 6 of 21 agents" */
export function sayHeld({ agents }: Pick<ProjectLive, 'agents'>, labels: string, type: string): string {
  const { selector, problem } = readSearch(`labels:${labels}`)
  if (problem !== undefined) return "The labels can't be read yet"
  const all = [...agents.values()].filter(({ status }) => status !== 'terminated')
  const held = all.filter(
    (agent) => (type === '' || agent.agent_type_id === type) && matches(selector, agent.labels),
  )
  if (all.length === 0) return 'Holds the agents that start later'
  if (held.length < all.length) return `Holds ${formatCount(held.length)} of ${plural(all.length, 'agent')}`
  return `Holds ${all.length === 1 ? 'the only agent' : `all ${plural(all.length, 'agent')}`}`
}

const MAX_SPREAD_MINUTES = 60

function sayLength(seconds: number): string {
  return seconds % 60 === 0 ? plural(seconds / 60, 'minute') : plural(seconds, 'second')
}

type ReleaseProps = Props & { hold: Hold; agents: readonly AgentSummary[] }

/** Says why agents are held, and releases them all. */
export function ReleaseHold({ project, live, hold, agents, onClose }: ReleaseProps) {
  const app = useAppState()
  const [first] = agents
  const whom = agents.length === 1 && first ? first.name : plural(agents.length, 'agent')
  const title =
    agents.length === 0 ? 'Release the hold' : `${whom} ${agents.length === 1 ? 'is' : 'are'} held`
  const { group_id, until, created_at, created_by } = hold
  const mayRelease = group_id === null || app.me.is_superuser
  const release = async (fields: FormData) => {
    const over_seconds = Math.round(Number(typed(fields, 'spread') ?? 0) * 60)
    const isEverywhere = group_id !== null && fields.get('everywhere') === 'on'
    const { affected_count } = isEverywhere
      ? await app.api.holds.releaseGlobal(group_id, { over_seconds })
      : await app.api.holds.release(project.id, hold.id, { over_seconds })
    const agents = plural(affected_count, 'agent')
    const over = `${agents} resume${affected_count === 1 ? 's' : ''}, one after the other, over ${sayLength(over_seconds)}`
    say('sent', `Hold released. ${over_seconds > 0 ? over : `Resume sent to ${agents}`}.`)
    onClose()
  }
  const facts = (
    <>
      <p class="hold-words">
        <q>{hold.reason}</q>
      </p>
      <p class="faint">
        Placed by {app.names(project.id).actor(created_by)} <Ago time={created_at} /> ago for{' '}
        {sayScope(live, hold)}
        {group_id !== null && ' of all projects'}
        {until !== null && `, until ${formatFullTime(until)}`}.
      </p>
    </>
  )
  if (!mayRelease) {
    return (
      <Dialog title={title} onClose={onClose}>
        <div class="dialog-body">
          {facts}
          <p>It covers all projects: ask an admin to release it.</p>
        </div>
      </Dialog>
    )
  }
  return (
    <Dialog title={title} onClose={onClose}>
      <Form submit="Release the hold" onCancel={onClose} onSubmit={release}>
        {facts}
        <p>
          Releasing resumes all that it has paused{agents.length > 0 && ', not only what you selected'}.
          Agents that a person has paused stay paused.
        </p>
        <label>
          <span>
            Spread over minutes <span class="faint">(empty: all agents resume at once)</span>
          </span>
          <input type="number" name="spread" min="0" max={MAX_SPREAD_MINUTES} step="any" placeholder="0" />
        </label>
        {group_id !== null && (
          <label class="check">
            <input type="checkbox" name="everywhere" defaultChecked />
            In all projects
          </label>
        )}
      </Form>
    </Dialog>
  )
}

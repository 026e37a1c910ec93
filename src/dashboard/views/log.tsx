import { useEffect, useMemo, useRef } from 'preact/hooks'
import type { Project } from '#src/client/rest/rest.ts'
import type { AgentSummary } from '#src/domain/agent.ts'
import type { EventFrame } from '#src/protocol/messages/event.ts'
import { useAppState } from '../app-state-context.ts'
import { sayEvent } from '../model/events.ts'
import { formatCount, formatFullTime, formatTime } from '../model/format.ts'
import { links } from '../model/links.ts'
import { useRested, useSettled } from '../model/loaded.ts'
import {
  type LogFilters,
  LogReader,
  type LogStart,
  type LogState,
  readFilters,
  readStart,
} from '../model/log.ts'
import type { ProjectLive } from '../model/project-live.ts'
import { query, replaceQuery } from '../model/route.ts'
import { Icon } from '../parts/icons.tsx'
import { Json } from '../parts/json.tsx'
import { State } from '../parts/states.tsx'
import { EventList } from './event-list.tsx'
import { LogControls } from './log-controls.tsx'

/** Of the text that is being typed. */
const RESTED_MS = 400

/** The whole event log of a project, as far as it is kept. Filters and the place are in the address. */
export function LogView({ project, live }: { project: Project; live: ProjectLive }) {
  const { api } = useAppState()
  const filters = readFilters(query.value)
  const start = readStart(query.value)
  const key = useRested(JSON.stringify({ filters, time: query.value.get('time') }), RESTED_MS)
  const kept = useRef<{ key: string; reader: LogReader } | undefined>(undefined)
  const reader = useMemo(() => {
    // An event of the list opens and closes without another list.
    const known = kept.current?.key === key ? kept.current.reader : undefined
    if (known && (start.seq === undefined || known.has(start.seq))) return known
    const asked = JSON.parse(key) as { filters: LogFilters }
    const made = new LogReader(api, project.id, asked.filters)
    void made.start(start)
    kept.current = { key, reader: made }
    return made
  }, [api, project.id, key, start.seq])
  useEffect(() => () => reader.stop(), [reader])
  const state = reader.state.value
  const problem = reader.problem.value
  return (
    <section class="overview log" aria-label={`Event log of ${project.name}`}>
      <LogControls project={project} live={live} filters={filters} />
      {problem !== undefined && (
        <p class="form-problem" role="alert">
          {problem}{' '}
          <button type="button" onClick={() => void (state ? reader.older() : reader.start(start))}>
            Try again
          </button>
        </p>
      )}
      {!state && problem === undefined && <State kind="loading" title="Reading the log" />}
      {state && <Found live={live} reader={reader} state={state} start={start} />}
    </section>
  )
}

type FoundProps = { live: ProjectLive; reader: LogReader; state: LogState; start: LogStart }

function Found({ live, reader, state, start: { seq } }: FoundProps) {
  const events = useMemo(() => state.events.toReversed(), [state.events])
  const open = seq === undefined ? undefined : state.events.find((event) => event.seq === seq)
  const filters = Object.fromEntries(query.value)
  const linkOf = (event: EventFrame) => links.log(live.project_id, { ...filters, seq: String(event.seq) })
  return (
    <div class="log-found">
      {seq !== undefined && (
        <Opened event={open} before={open && reader.before(open)} seq={seq} oldest={state.oldest_seq} />
      )}
      <div class="panel">
        <Newer live={live} reader={reader} state={state} />
        {events.length > 0 ? (
          <EventList live={live} events={events} before={reader.before} linkOf={linkOf} current={seq} />
        ) : (
          <p class="none faint">No events match in what has been looked at.</p>
        )}
        <End state={state} onMore={() => void reader.older()} />
      </div>
    </div>
  )
}

const COUNTED_EVERY_MS = 1_000

/** The project is live, and the list is not: it grows only when it is asked to. */
function Newer({ live, reader, state }: Omit<FoundProps, 'start'>) {
  useSettled(live.version.value, COUNTED_EVERY_MS)
  const { to, last_seq, isReading } = state
  const left = Math.max(last_seq, live.seq) - to
  return (
    <p class="log-edge">
      <button type="button" aria-disabled={isReading} onClick={() => void reader.newer()}>
        {isReading ? 'Reading…' : left > 0 ? 'Load newer events' : 'Look for newer events'}
      </button>
      <span class="faint">
        {left > 0 ? `${formatCount(left)} newer not looked at yet` : 'This list does not update itself'}
      </span>
    </p>
  )
}

/** How far back has been looked, and how far the log goes. */
function End({ state, onMore }: { state: LogState; onMore: () => void }) {
  const { from, oldest_seq, oldest_at, isReading } = state
  if (from <= oldest_seq) {
    const since = oldest_at ? `The log begins here, ${formatTime(oldest_at)}` : 'The log is empty'
    return (
      <p class="log-edge faint">
        {oldest_seq > 1 ? `${since}: older events are no longer kept.` : `${since}.`}
      </p>
    )
  }
  const left = from - oldest_seq
  return (
    <p class="log-edge">
      <button type="button" aria-disabled={isReading} onClick={onMore}>
        {isReading ? 'Reading…' : 'Load older events'}
      </button>
      <span class="faint">{formatCount(left)} older not looked at yet</span>
    </p>
  )
}

type OpenedProps = {
  event: EventFrame | undefined
  before: AgentSummary | undefined
  seq: number
  oldest: number
}

/** One event, in words and in full. */
function Opened({ event, before, seq, oldest }: OpenedProps) {
  const app = useAppState()
  const close = () => replaceQuery({ seq: undefined })
  return (
    <section class="panel log-open" aria-label={`Event ${seq}`}>
      <header class="panel-head">
        <h2>Event {formatCount(seq)}</h2>
        {event && <span class="faint">{formatFullTime(event.at)}</span>}
        <button type="button" class="quiet square" aria-label="Close the event" onClick={close}>
          <Icon name="close" />
        </button>
      </header>
      {event ? (
        <>
          <p class="none">
            <b>{event.agent?.name ?? 'Project'}</b> {sayEvent(event, app.names(event.project_id), before)}
            <span class="faint"> by {app.permissions.nameOf(event.actor)}</span>
          </p>
          <div class="log-json">
            <Json value={event} />
          </div>
        </>
      ) : (
        <p class="none faint">
          {seq < oldest
            ? `It is no longer kept: the log begins with event ${formatCount(oldest)}.`
            : 'There is no such event yet.'}
        </p>
      )}
    </section>
  )
}

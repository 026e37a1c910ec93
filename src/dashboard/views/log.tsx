import { useEffect, useMemo } from 'preact/hooks'
import type { Project } from '#src/client/rest/rest.ts'
import type { EventFrame } from '#src/protocol/messages/event.ts'
import { useAppState } from '../app-state-context.ts'
import { formatCount, formatFullTime, formatTime } from '../model/format.ts'
import { links } from '../model/links.ts'
import { useRested } from '../model/loaded.ts'
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
  const key = useRested(JSON.stringify({ filters, start }), RESTED_MS)
  const reader = useMemo(() => {
    const asked = JSON.parse(key) as { filters: LogFilters; start: LogStart }
    const made = new LogReader(api, project.id, asked.filters)
    void made.start(asked.start)
    return made
  }, [api, project.id, key])
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
  const linkOf = (event: EventFrame) => links.log(live.project_id, { seq: String(event.seq) })
  return (
    <div class="log-found">
      {seq !== undefined && <Opened event={open} seq={seq} oldest={state.oldest_seq} />}
      <div class="panel">
        <Edge
          label={state.to < state.last_seq ? 'Load newer events' : 'Look for newer events'}
          isReading={state.isReading}
          onClick={() => void reader.newer()}
        />
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

function Edge({ label, isReading, onClick }: { label: string; isReading: boolean; onClick: () => void }) {
  return (
    <p class="log-edge">
      <button type="button" aria-disabled={isReading} onClick={onClick}>
        {isReading ? 'Reading…' : label}
      </button>
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

/** One event, in full. */
function Opened({ event, seq, oldest }: { event: EventFrame | undefined; seq: number; oldest: number }) {
  const close = () => replaceQuery({ seq: undefined, time: event?.at })
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
        <div class="log-json">
          <Json value={event} />
        </div>
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

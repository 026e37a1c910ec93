import { useRef, useState } from 'preact/hooks'
import { fold } from '#src/domain/text.ts'
import type { EventFrame } from '#src/protocol/messages/event.ts'
import { type EventKind, eventKinds, kindOf } from '../model/events.ts'
import { formatCount, formatTime } from '../model/format.ts'
import { links } from '../model/links.ts'
import { useSettled } from '../model/loaded.ts'
import type { ProjectLive } from '../model/project-live.ts'
import { EventList } from './event-list.tsx'

const kindWords: Record<EventKind, string> = {
  status: 'status',
  commands: 'commands',
  requests: 'requests',
  runtimes: 'runtimes',
  holds: 'holds',
  budgets: 'limits and budgets',
  updates: 'updates',
}

/** The feed shows at most this many events, and changes at most this often: more is too fast to read. */
const SHOWN = 60
const EVERY_MS = 300

/** The events of a project as they come; a reader can pause the feed. */
export function EventFeed({ live }: { live: ProjectLive }) {
  const [kind, setKind] = useState<EventKind | ''>('')
  const [text, setText] = useState('')
  const [frozen, setFrozen] = useState<readonly EventFrame[]>()
  void live.recalled.value
  useSettled(live.version.value, EVERY_MS)
  const shown = useRef<readonly EventFrame[]>([])
  shown.current = frozen ?? live.history.events
  const missed = frozen ? live.seq - (frozen.at(-1)?.seq ?? live.seq) : 0
  const events = narrow(shown.current, kind, fold(text.trim()))
  return (
    <section class="panel feed" aria-label="Events">
      <header class="panel-head">
        <h3>Events</h3>
        <label>
          <span class="hidden">Kind</span>
          <select
            value={kind}
            onChange={({ currentTarget }) => setKind(currentTarget.value as EventKind | '')}
          >
            <option value="">All kinds</option>
            {eventKinds.map((name) => (
              <option key={name} value={name}>
                {kindWords[name]}
              </option>
            ))}
          </select>
        </label>
        <label>
          <span class="hidden">Agent</span>
          <input
            type="search"
            placeholder="Agent"
            value={text}
            onInput={({ currentTarget }) => setText(currentTarget.value)}
          />
        </label>
        <button
          type="button"
          aria-pressed={frozen !== undefined}
          onClick={() => setFrozen(frozen ? undefined : [...live.history.events])}
        >
          {frozen ? `Resume${missed > 0 ? ` (${formatCount(missed)} new)` : ''}` : 'Pause feed'}
        </button>
      </header>
      {events.length > 0 ? (
        <EventList live={live} events={events} />
      ) : (
        <Nothing live={live} first={shown.current[0]} />
      )}
    </section>
  )
}

/** The page has only the newest events, and the log may have more. */
function Nothing({ live, first }: { live: ProjectLive; first: EventFrame | undefined }) {
  if (!first) return <p class="faint none">No events yet</p>
  return (
    <p class="faint none">
      No event matches since {formatTime(first.at)}. <a href={links.log(live.project_id)}>Search the log</a>
    </p>
  )
}

function narrow(events: readonly EventFrame[], kind: EventKind | '', text: string): EventFrame[] {
  const matching: EventFrame[] = []
  for (let index = events.length - 1; index >= 0 && matching.length < SHOWN; index--) {
    const event = events[index]
    if (!event || (kind && kindOf(event) !== kind)) continue
    if (!text || (event.agent && fold(event.agent.name).includes(text))) matching.push(event)
  }
  return matching
}

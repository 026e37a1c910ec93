import { useRef, useState } from 'preact/hooks'
import type { EventFrame } from '#src/protocol/frames.ts'
import { type EventKind, eventKinds, kindOf } from '../model/events.ts'
import { plural } from '../model/format.ts'
import { useSettled } from '../model/loaded.ts'
import type { ProjectLive } from '../model/project-live.ts'
import { EventList } from './event-list.tsx'

/** As many are shown, and so often at most: faster than that nobody reads. */
const SHOWN = 60
const EVERY_MS = 300

/** The events of a project as they come; held still while somebody reads. */
export function EventFeed({ live }: { live: ProjectLive }) {
  const [kind, setKind] = useState<EventKind | ''>('')
  const [text, setText] = useState('')
  const [held, setHeld] = useState<readonly EventFrame[]>()
  void live.recalled.value
  useSettled(live.version.value, EVERY_MS)
  const shown = useRef<readonly EventFrame[]>([])
  shown.current = held ?? live.history.events
  const missed = held ? live.seq - (held.at(-1)?.seq ?? live.seq) : 0
  const events = narrow(shown.current, kind, text.trim().toLowerCase())
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
                {name}
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
          aria-pressed={held !== undefined}
          onClick={() => setHeld(held ? undefined : [...live.history.events])}
        >
          {held ? `Go on${missed > 0 ? ` (${plural(missed, 'event')} later)` : ''}` : 'Hold'}
        </button>
      </header>
      {events.length > 0 ? <EventList events={events} /> : <p class="faint none">No events yet</p>}
    </section>
  )
}

function narrow(events: readonly EventFrame[], kind: EventKind | '', text: string): EventFrame[] {
  const found: EventFrame[] = []
  for (let index = events.length - 1; index >= 0 && found.length < SHOWN; index--) {
    const event = events[index]
    if (!event || (kind && kindOf(event) !== kind)) continue
    if (!text || event.agent.name.toLowerCase().includes(text)) found.push(event)
  }
  return found
}

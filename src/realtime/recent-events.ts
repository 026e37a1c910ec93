import type { LoggedEvent } from '#src/store/events.ts'
import { EventBatch } from './event-batch.ts'

const MAX_RECENT_EVENTS = 512
const MAX_RECENT_BYTES = 1024 * 1024

/** The newest events of a project, one after the other, for readers that are only a little behind. */
export class RecentEvents {
  #events: LoggedEvent[] = []
  #bytes = 0

  add(event: LoggedEvent): void {
    this.#events.push(event)
    this.#bytes += event.frame.length
    if (this.#events.length <= MAX_RECENT_EVENTS && this.#bytes <= MAX_RECENT_BYTES) return
    // Half at a time, so that forgetting costs nothing an event.
    const forgotten = this.#events.splice(0, Math.ceil(this.#events.length / 2))
    this.#bytes -= forgotten.reduce((sum, old) => sum + old.frame.length, 0)
  }

  /** Undefined where the next event is not here: it is older, or yet to come. */
  after(position: number): EventBatch | undefined {
    const oldest = this.#events[0]
    if (!oldest || position < oldest.seq - 1) return undefined
    const events = this.#events.slice(position + 1 - oldest.seq)
    return events.length > 0 ? new EventBatch(events) : undefined
  }

  clear(): void {
    this.#events = []
    this.#bytes = 0
  }
}

import { MAX_RECENT_CHARACTERS, MAX_RECENT_EVENTS } from '#src/realtime/bounds.ts'
import type { LoggedEvent } from '#src/store/events.ts'
import { EventBatch } from './event-batch.ts'

/** The newest consecutive events of a project, for readers that are a little behind. */
export class RecentEvents {
  #events: LoggedEvent[] = []
  #characters = 0

  add(event: LoggedEvent): void {
    this.#events.push(event)
    this.#characters += event.frame.length
    if (this.#events.length <= MAX_RECENT_EVENTS && this.#characters <= MAX_RECENT_CHARACTERS) return
    // Half at once, so that the cost for each event stays constant.
    const forgotten = this.#events.splice(0, Math.ceil(this.#events.length / 2))
    this.#characters -= forgotten.reduce((sum, old) => sum + old.frame.length, 0)
  }

  /** Undefined: the next event is not here, since it is older or yet to come. */
  after(position: number): EventBatch | undefined {
    const oldest = this.#events[0]
    if (!oldest || position < oldest.seq - 1) return undefined
    const events = this.#events.slice(position + 1 - oldest.seq)
    return events.length > 0 ? new EventBatch(events) : undefined
  }

  get(seq: number): LoggedEvent | undefined {
    const oldest = this.#events[0]
    return oldest && this.#events[seq - oldest.seq]
  }

  clear(): void {
    this.#events = []
    this.#characters = 0
  }
}

import { EARLY_WAIT_MS, MAX_EARLY_EVENTS } from '#src/realtime/bounds.ts'
import type { LoggedEvent } from '#src/store/events.ts'

/** Events of a project that came before their turn. Those beyond MAX_EARLY_EVENTS are dropped: the log has them. */
export class EarlyEvents {
  readonly #events = new Map<number, LoggedEvent>()
  /** The lowest number here. A gap may be long, and each event that fills it calls `deleteUpTo`. */
  #first = Number.POSITIVE_INFINITY
  readonly #onOverdue: () => void
  #timer: NodeJS.Timeout | undefined

  constructor(onOverdue: () => void) {
    this.#onOverdue = onOverdue
  }

  add(event: LoggedEvent): void {
    if (this.#events.size < MAX_EARLY_EVENTS) {
      this.#events.set(event.seq, event)
      this.#first = Math.min(this.#first, event.seq)
    }
    this.#timer ??= setTimeout(() => this.#onOverdue(), EARLY_WAIT_MS)
  }

  get(seq: number): LoggedEvent | undefined {
    return this.#events.get(seq)
  }

  /** Drops the events that came another way. */
  deleteUpTo(seq: number): void {
    if (seq < this.#first) return
    this.#first = Number.POSITIVE_INFINITY
    for (const early of this.#events.keys()) {
      if (early <= seq) this.#events.delete(early)
      else this.#first = Math.min(this.#first, early)
    }
    if (this.#events.size === 0) this.stop()
  }

  clear(): void {
    this.#events.clear()
    this.#first = Number.POSITIVE_INFINITY
    this.stop()
  }

  /** Stops the wait, until another event comes early. */
  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }
}

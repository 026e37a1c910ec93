import type { LoggedEvent } from '#src/store/events.ts'

/** How long an event that came too early waits for those before it. */
const MAX_WAIT_MS = 20
const MAX_EVENTS = 1_024

/** Events of a project that wait for one before them. What is too much is dropped: the log has it. */
export class EarlyEvents {
  readonly #events = new Map<number, LoggedEvent>()
  readonly #onOverdue: () => void
  #timer: NodeJS.Timeout | undefined

  constructor(onOverdue: () => void) {
    this.#onOverdue = onOverdue
  }

  add(event: LoggedEvent): void {
    if (this.#events.size < MAX_EVENTS) this.#events.set(event.seq, event)
    this.#timer ??= setTimeout(() => this.#onOverdue(), MAX_WAIT_MS)
  }

  get(seq: number): LoggedEvent | undefined {
    return this.#events.get(seq)
  }

  /** These came otherwise. */
  deleteUpTo(seq: number): void {
    if (this.#events.size === 0) return
    for (const early of this.#events.keys()) if (early <= seq) this.#events.delete(early)
    if (this.#events.size === 0) this.stop()
  }

  clear(): void {
    this.#events.clear()
    this.stop()
  }

  /** Nobody is waited for any longer, until another comes too early. */
  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }
}

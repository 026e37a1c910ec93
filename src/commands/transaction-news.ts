import { sumUsed } from '#src/domain/usage.ts'
import type { EventSummary, LoggedEvent } from '#src/store/events.ts'
import { MAX_PUBLISHED_CHARACTERS, MAX_PUBLISHED_EVENTS } from './bounds.ts'

type Newest = Map<string, { event: LoggedEvent; details: Map<string, EventSummary> }>

/**
 * The news of one transaction, in bounded memory: its events, or, if they are too many, the newest of each project, from
 * which readers learn how far the log goes. Events of a project may be added in any order.
 */
export class TransactionNews {
  #events: LoggedEvent[] = []
  #characters = 0
  /** By project, once there are too many: the newest event, and what it and those before it say, by kind. */
  #newest: Newest | undefined

  add(event: LoggedEvent): void {
    if (this.#newest) return this.#keepNewest(this.#newest, event)
    this.#events.push(event)
    this.#characters += event.frame.length
    if (this.#events.length <= MAX_PUBLISHED_EVENTS && this.#characters <= MAX_PUBLISHED_CHARACTERS) return
    this.#newest = new Map()
    for (const early of this.#events) this.#keepNewest(this.#newest, early)
    this.#events = []
  }

  #keepNewest(newest: Newest, event: LoggedEvent): void {
    const known = newest.get(event.project_id)
    const details = known?.details ?? new Map<string, EventSummary>()
    for (const one of event.eventDetails ?? []) {
      const kind = `${one.name} ${one.from} ${one.to} ${one.signal?.kind} ${one.request?.cause} ${one.actor}`
      const same = details.get(kind)
      const used = sumUsed([same?.used ?? [], one.used ?? []].flat())
      details.set(kind, { ...one, times: one.times + (same?.times ?? 0), used })
    }
    const isNewest = !known || event.seq > known.event.seq
    newest.set(event.project_id, { event: isNewest ? event : known.event, details })
  }

  /** To be published once the transaction is committed. */
  events(): readonly LoggedEvent[] {
    if (!this.#newest) return this.#events.sort((left, right) => left.seq - right.seq)
    return [...this.#newest.values()].map(({ event, details }) => ({
      ...event,
      eventDetails: [...details.values()],
    }))
  }
}

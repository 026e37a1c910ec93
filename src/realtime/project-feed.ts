import type { LoggedEvent, LogHead } from '#src/store/events.ts'
import { EarlyEvents } from './early-events.ts'
import { EventBatch } from './event-batch.ts'
import { LiveSockets, type Watcher } from './live-sockets.ts'
import type { LogPages } from './log-pages.ts'
import { LostNews } from './lost-news.ts'
import { RecentEvents } from './recent-events.ts'
import { Deliveries } from './traced-deliveries.ts'

/** What a feed needs of a reader; a watcher, the runtimes of a project and an event stream each are one. */
export type FeedReader = {
  /** The next events. May begin with some that the reader has already. */
  receive(batch: EventBatch): void
  /**
   * It must begin anew from a snapshot: events that it still needs are no longer in the log, or the feed's epoch is
   * another, and the log with it.
   */
  lost(): void
  /** The project is gone. */
  deleted(): void
}

/** Of all feeds of a process, for metrics: plain numbers, counted once a batch. */
export type FeedCounts = { filled: number; repeated: number; lost: number; delivered: number }

export type FeedParts = {
  pages: LogPages
  counts: FeedCounts
  /** A batch was written to the sockets of live watchers, at least one. */
  onWritten?: (batch: EventBatch) => void
  /** News of a later epoch has come. */
  onAhead?: () => void
}

/** What one write to the live sockets takes: it ends with the event that reaches either. */
const MAX_TURN_EVENTS = 256
const MAX_TURN_CHARACTERS = 1024 * 1024

/**
 * One project's events in this process, in order and without a gap, whatever the bus does: the next number is
 * passed on, an older one dropped, a jump filled from the log. Events of one turn of the event loop go out
 * together; an idle loop passes on a single one at once.
 *
 * All of it is of one epoch. Only the tail check changes that, since only the database knows which one counts: then
 * everything that is remembered goes, and every live reader is lost.
 */
export class ProjectFeed {
  readonly project_id: string
  /** The newest number that this feed has accepted. */
  last: number
  epoch: number
  readonly #parts: FeedParts
  readonly #live = new Set<FeedReader>()
  readonly #sockets = new LiveSockets()
  readonly #early = new EarlyEvents(() => void this.fill())
  readonly #traced = new Deliveries()
  #turn: LoggedEvent[] = []
  #characters = 0
  readonly #recent = new RecentEvents()
  #lost: LostNews
  #flush: NodeJS.Immediate | undefined
  #filling: Promise<void> | undefined

  constructor(project_id: string, { epoch, newest }: LogHead, parts: FeedParts) {
    this.project_id = project_id
    this.epoch = epoch
    this.last = newest
    this.#lost = new LostNews(newest)
    this.#parts = parts
  }

  /** News from the bus: possibly old, early or repeated, but true. */
  accept(event: LoggedEvent): void {
    if (event.epoch > this.epoch) return this.#parts.onAhead?.()
    if (event.epoch === this.epoch) this.#lost.hear(event.seq)
    this.#take(event)
  }

  #take(event: LoggedEvent): void {
    if (event.seq <= this.last || event.epoch < this.epoch) {
      this.#parts.counts.repeated++
      return
    }
    if (event.seq > this.last + 1) return this.#early.add(event)
    this.#append(event)
    for (let next = this.#early.get(this.last + 1); next; next = this.#early.get(this.last + 1)) {
      this.#append(next)
    }
    this.#early.deleteUpTo(this.last)
  }

  /** Reads from the log what is missing. Failures are left to the next tail check. */
  fill(): Promise<void> {
    this.#early.stop()
    this.#filling ??= this.#fill()
      .catch(() => {})
      .finally(() => {
        this.#filling = undefined
      })
    return this.#filling
  }

  async #fill(): Promise<void> {
    for (;;) {
      const { epoch, last: before } = this
      const batch = await this.#parts.pages.read(this, before)
      if (epoch !== this.epoch) continue
      if (!batch) break
      if (batch.first > this.last + 1) this.#skipTo(batch.first - 1)
      for (const event of batch.after(this.last)?.events ?? []) {
        this.#parts.counts.filled++
        this.#take(event)
      }
      this.flush()
      if (this.last === before) break
    }
  }

  /** The end of the log as the tail check found it. */
  async catchUpTo({ epoch, newest }: LogHead): Promise<void> {
    if (epoch !== this.epoch) return this.#renew({ epoch, newest })
    if (this.#lost.check(newest, performance.now())) this.#parts.counts.lost++
    // With each wait the epoch may change, and then that end is of a history that is over.
    const isBehind = () => epoch === this.epoch && newest > this.last
    while (isBehind()) {
      // It may have been under way already, and have read the log before that end was there.
      await this.fill()
      // Nothing to read after `last` although the log went on: retention took it all.
      if (isBehind() && !(await this.#parts.pages.read(this, this.last)) && isBehind()) this.#skipTo(newest)
    }
  }

  /** Takes a reader that has everything up to `position`; false while it has to read on first. */
  join(reader: FeedReader, position: number): boolean {
    this.flush()
    if (position < this.last) return false
    this.#live.add(reader)
    return true
  }

  /** The same for a watcher, whose socket is written to from then on; also for one that has joined ahead of the bus. */
  watch(watcher: Watcher, position: number): boolean {
    this.flush()
    // One that is ahead of the bus is given only what it does not have.
    if (position !== this.last) return this.join(watcher, position)
    this.#live.delete(watcher)
    this.#sockets.add(watcher)
    return true
  }

  leave(reader: FeedReader | Watcher): void {
    this.#live.delete(reader)
    if ('sink' in reader) this.#sockets.delete(reader)
  }

  /** The events after `position`: from memory where they are recent, else from the log. */
  async read(position: number): Promise<EventBatch | undefined> {
    return this.#recent.after(position) ?? this.#parts.pages.read(this, position)
  }

  /** The project was deleted. */
  end(): void {
    for (const reader of [...this.#live, ...this.#sockets.watchers()]) reader.deleted()
  }

  close(): void {
    this.#early.stop()
    clearImmediate(this.#flush)
    this.#live.clear()
    this.#sockets.clear()
  }

  /** Passes on what this turn has brought. */
  flush(): void {
    clearImmediate(this.#flush)
    this.#flush = undefined
    if (this.#turn.length === 0) return
    const batch = new EventBatch(this.#turn)
    this.#turn = []
    this.#characters = 0
    const sockets = this.#sockets.size
    this.#parts.counts.delivered += batch.events.length * (this.#live.size + sockets)
    this.#traced.write(sockets, () => this.#sockets.write(batch))
    if (sockets > 0) this.#parts.onWritten?.(batch)
    for (const reader of this.#live) reader.receive(batch)
    this.#traced.end()
  }

  #append(event: LoggedEvent): void {
    this.last = event.seq
    this.#turn.push(event.traceparent === undefined ? event : this.#traced.begin(event, event.traceparent))
    this.#recent.add(event)
    this.#characters += event.frame.length
    if (this.#turn.length >= MAX_TURN_EVENTS || this.#characters >= MAX_TURN_CHARACTERS) this.flush()
    else this.#flush ??= setImmediate(() => this.flush())
  }

  /** Retention overtook this feed: its live readers cannot be given what is gone. */
  #skipTo(seq: number): void {
    this.flush()
    this.#early.deleteUpTo(seq)
    this.#beginAt(seq)
  }

  /** What has not been passed on yet is of a history that is over. */
  #renew({ epoch, newest }: LogHead): void {
    this.#parts.pages.forget(this)
    this.#early.clear()
    this.#turn = []
    this.#characters = 0
    this.#lost = new LostNews(newest)
    this.epoch = epoch
    this.#beginAt(newest)
  }

  #beginAt(seq: number): void {
    const position = this.last
    this.last = seq
    this.#recent.clear()
    this.#sockets.parkAll(position)
    for (const reader of [...this.#live]) {
      this.#live.delete(reader)
      reader.lost()
    }
  }
}

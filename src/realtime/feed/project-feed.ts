import { MAX_WRITE_CHARACTERS, MAX_WRITE_EVENTS } from '#src/realtime/bounds.ts'
import type { LogPlace } from '#src/store/epochs.ts'
import type { LoggedEvent, LogHead } from '#src/store/events.ts'
import { DeliverySpans } from './delivery-spans.ts'
import { EarlyEvents } from './early-events.ts'
import { EventBatch } from './event-batch.ts'
import { LiveSockets, type Watcher } from './live-sockets.ts'
import type { LogPages } from './log-pages.ts'
import { LostNews } from './lost-news.ts'
import type { FeedReader } from './reader.ts'
import { RecentEvents } from './recent-events.ts'

/** Counts of all feeds of the process, for metrics. */
export type FeedCounts = { filled: number; repeated: number; lost: number; delivered: number }

export type FeedServices = {
  pages: LogPages
  counts: FeedCounts
  /** A batch was written to the socket of at least one live watcher. */
  onWritten?: (batch: EventBatch) => void
  /** News of a later epoch arrived. */
  onAhead?: () => void
  /** The log may have been set back: it ends before an event that was passed on, or has another one in its place. */
  onSetBack?: (place: LogPlace) => void
}

/**
 * One project's events in this process, in order and without a gap, whatever the bus does: the feed passes on the next
 * number, drops older ones and fills a jump from the log. Events of one turn of the event loop go out together; in an
 * idle loop a single event goes out at once.
 *
 * A feed is in one epoch. Only a tail check changes it, since only the database knows the current epoch; then the feed
 * forgets all events, and every live reader is lost.
 */
export class ProjectFeed {
  readonly project_id: string
  /** The newest number that this feed has accepted. */
  last: number
  epoch: number
  readonly #services: FeedServices
  readonly #live = new Set<FeedReader>()
  readonly #sockets = new LiveSockets()
  readonly #early = new EarlyEvents(() => void this.fill())
  readonly #spans = new DeliverySpans()
  #turn: LoggedEvent[] = []
  #characters = 0
  readonly #recent = new RecentEvents()
  #lostNews: LostNews
  #flush: NodeJS.Immediate | undefined
  #filling: Promise<void> | undefined

  constructor(project_id: string, { epoch, newest }: LogHead, services: FeedServices) {
    this.project_id = project_id
    this.epoch = epoch
    this.last = newest
    this.#lostNews = new LostNews(newest)
    this.#services = services
  }

  /** Takes news from the bus: it may be old, early or repeated, but it is true. */
  accept(event: LoggedEvent): void {
    if (event.epoch > this.epoch) return this.#services.onAhead?.()
    if (event.epoch === this.epoch) this.#lostNews.hear(event.seq)
    if (event.epoch === this.epoch && event.seq <= this.last) this.#compare(event)
    this.#take(event)
  }

  /** In one epoch a number has one event, so a different frame means that the log was set back. */
  #compare({ seq, frame }: LoggedEvent): void {
    const known = this.#recent.get(seq)
    if (!known || known.frame === frame) return
    const { project_id, epoch } = this
    this.#services.onSetBack?.({ project_id, epoch, seq, frame: known.frame })
  }

  #take(event: LoggedEvent): void {
    if (event.seq <= this.last || event.epoch < this.epoch) {
      this.#services.counts.repeated++
      return
    }
    if (event.seq > this.last + 1) return this.#early.add(event)
    this.#append(event)
    for (let next = this.#early.get(this.last + 1); next; next = this.#early.get(this.last + 1)) {
      this.#append(next)
    }
    this.#early.deleteUpTo(this.last)
  }

  /** Reads missing events from the log. The next tail check makes up for a failure. */
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
      const batch = await this.#services.pages.read(this, before)
      if (epoch !== this.epoch) continue
      if (!batch) break
      if (batch.first > this.last + 1) this.#skipTo(batch.first - 1)
      for (const event of batch.after(this.last)?.events ?? []) {
        this.#services.counts.filled++
        this.#take(event)
      }
      this.flush()
      if (this.last === before) break
    }
  }

  get place(): LogPlace {
    return { project_id: this.project_id, epoch: this.epoch, seq: this.last }
  }

  /** Reads up to the end of the log that a tail check found. `before`: the feed's place when the check began. */
  async catchUpTo({ epoch, newest }: LogHead, before = this.place): Promise<void> {
    if (epoch !== this.epoch) return this.#renew({ epoch, newest })
    if (epoch === before.epoch && newest < before.seq) this.#services.onSetBack?.(before)
    if (this.#lostNews.check(newest, performance.now())) this.#services.counts.lost++
    // The epoch may change during each wait, and then that end no longer counts.
    const isBehind = () => epoch === this.epoch && newest > this.last
    while (isBehind()) {
      // A fill under way may have read the log before that end was there.
      await this.fill()
      // The log has grown, but has nothing after `last`: retention pruned it.
      if (isBehind() && !(await this.#services.pages.read(this, this.last)) && isBehind())
        this.#skipTo(newest)
    }
  }

  /** Takes a reader that has all events up to `position`. False: it has to read more first. */
  join(reader: FeedReader, position: number): boolean {
    this.flush()
    if (position < this.last) return false
    this.#live.add(reader)
    return true
  }

  /**
   * Takes a watcher. `live`: the feed writes to its socket from now on. `ahead`: the bus has yet to bring what it has, so
   * it receives batches and calls again. `behind`: it has to read more first.
   */
  watch(watcher: Watcher, position: number): 'behind' | 'ahead' | 'live' {
    if (!this.join(watcher, position)) return 'behind'
    if (position > this.last) return 'ahead'
    this.#live.delete(watcher)
    this.#sockets.add(watcher)
    return 'live'
  }

  leave(reader: FeedReader | Watcher): void {
    this.#live.delete(reader)
    if ('sink' in reader) this.#sockets.delete(reader)
  }

  /** The events after `position`: recent ones from memory, others from the log. */
  async read(position: number): Promise<EventBatch | undefined> {
    return this.#recent.after(position) ?? this.#services.pages.read(this, position)
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

  /** Passes on the events of this turn. */
  flush(): void {
    clearImmediate(this.#flush)
    this.#flush = undefined
    if (this.#turn.length === 0) return
    const batch = new EventBatch(this.#turn)
    this.#turn = []
    this.#characters = 0
    const sockets = this.#sockets.size
    this.#services.counts.delivered += batch.events.length * (this.#live.size + sockets)
    this.#spans.write(sockets, () => this.#sockets.write(batch))
    if (sockets > 0) this.#services.onWritten?.(batch)
    for (const reader of this.#live) reader.receive(batch)
    this.#spans.end()
  }

  #append(event: LoggedEvent): void {
    this.last = event.seq
    this.#turn.push(event.traceparent === undefined ? event : this.#spans.begin(event, event.traceparent))
    this.#recent.add(event)
    this.#characters += event.frame.length
    if (this.#turn.length >= MAX_WRITE_EVENTS || this.#characters >= MAX_WRITE_CHARACTERS) this.flush()
    else this.#flush ??= setImmediate(() => this.flush())
  }

  /** Retention overtook the feed: live readers cannot get the pruned events. */
  #skipTo(seq: number): void {
    this.flush()
    this.#early.deleteUpTo(seq)
    this.#beginAt(seq)
  }

  /** Drops events that were not passed on yet: they belong to the old epoch. */
  #renew({ epoch, newest }: LogHead): void {
    this.#services.pages.forget(this)
    this.#early.clear()
    this.#turn = []
    this.#characters = 0
    this.#lostNews = new LostNews(newest)
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

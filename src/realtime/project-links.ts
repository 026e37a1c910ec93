import { issuingEvents } from '#src/domain/events.ts'
import type { EventFrame } from '#src/protocol/frames.ts'
import type { LoggedEvent } from '#src/store/events.ts'
import { type EventBatch, nameOf } from './event-batch.ts'
import type { Link } from './link.ts'
import type { FeedReader, ProjectFeed } from './project-feed.ts'

/** What is done with the links that an event is about. */
export type LinkEvents = {
  /** The signal went out. */
  sent(link: Link): void
  /** The link cannot take the signal now, or events are missing, or a newer link may be there. */
  catchUp(link: Link): void
  /** The project has another epoch: what the link stands on is of a history that is over. */
  restored(link: Link): void
  /** The project is gone. */
  deleted(link: Link): void
}

/**
 * The runtimes of one project in this process, as one more reader of its log: an event that issues a signal
 * for an agent attached here is sent, one that tells of a newer link has this one's lease looked at.
 */
export class ProjectLinks implements FeedReader {
  readonly feed: ProjectFeed
  readonly #links: ReadonlyMap<string, Link>
  readonly #on: LinkEvents
  #position: number
  #epoch: number

  /** `links`: those of the whole process, by agent. */
  constructor(feed: ProjectFeed, links: ReadonlyMap<string, Link>, on: LinkEvents) {
    this.feed = feed
    this.#links = links
    this.#on = on
    this.#position = feed.last
    this.#epoch = feed.epoch
    feed.join(this, this.#position)
  }

  receive(batch: EventBatch): void {
    for (const event of batch.after(this.#position)?.events ?? []) {
      this.#position = event.seq
      this.#read(event)
    }
  }

  #read(event: LoggedEvent): void {
    const name = nameOf(event.frame)
    const isIssuing = issuingEvents.has(name)
    if (!isIssuing && name !== 'agent.runtime_connected') return
    const { agent, signal } = JSON.parse(event.frame) as EventFrame
    const link = this.#links.get(agent.id)
    if (!link) return
    if (!isIssuing) this.#on.catchUp(link)
    else if (signal && link.receive(signal, event)) this.#on.sent(link)
    else if (signal) this.#on.catchUp(link)
  }

  /** Events are missing: what they issued is in the database. */
  lost(): void {
    const isRestored = this.#epoch !== this.feed.epoch
    this.#position = this.feed.last
    this.#epoch = this.feed.epoch
    this.feed.join(this, this.#position)
    for (const link of this.#own()) isRestored ? this.#on.restored(link) : this.#on.catchUp(link)
  }

  deleted(): void {
    for (const link of this.#own()) this.#on.deleted(link)
  }

  #own(): Link[] {
    return [...this.#links.values()].filter((link) => link.project_id === this.feed.project_id)
  }
}

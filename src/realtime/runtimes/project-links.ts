import { issuingEvents } from '#src/domain/events.ts'
import type { EventFrame } from '#src/protocol/messages/event.ts'
import type { EventBatch } from '#src/realtime/feed/event-batch.ts'
import type { ProjectFeed } from '#src/realtime/feed/project-feed.ts'
import type { FeedReader } from '#src/realtime/feed/reader.ts'
import type { LoggedEvent } from '#src/store/events.ts'
import type { Link } from './link.ts'
import type { LinkTable } from './link-table.ts'

/** What the process does with a link after an event. */
export type LinkEvents = {
  /** The signal went out. */
  sent(link: Link): void
  /** The link cannot take the signal now, or events are missing, or the agent may have a newer link. */
  catchUp(link: Link): void
  /** The project has a new epoch, so the link may rest on an attach that never happened. */
  restored(link: Link): void
  /** The project was deleted. */
  deleted(link: Link): void
}

/**
 * Reads a project's log for the runtimes of that project in this process. It sends the signal that an event issues for
 * an agent attached here; an event of a newer attach makes it check this link's lease.
 */
export class ProjectLinks implements FeedReader {
  readonly feed: ProjectFeed
  readonly #links: Pick<LinkTable, 'find' | 'ofProject'>
  readonly #on: LinkEvents
  #position: number
  #epoch: number

  constructor(feed: ProjectFeed, links: Pick<LinkTable, 'find' | 'ofProject'>, on: LinkEvents) {
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
    const isIssuing = issuingEvents.has(event.name)
    if (!isIssuing && event.name !== 'agent.runtime_connected') return
    const { agent, signal } = JSON.parse(event.frame) as EventFrame
    const link = agent && this.#links.find(agent.id)
    if (!link) return
    if (!isIssuing) this.#on.catchUp(link)
    else if (signal && link.receive(signal, event)) this.#on.sent(link)
    else if (signal) this.#on.catchUp(link)
  }

  /** Events are missing: the signals that they issued are in the database. */
  lost(): void {
    const isRestored = this.#epoch !== this.feed.epoch
    this.#position = this.feed.last
    this.#epoch = this.feed.epoch
    this.feed.join(this, this.#position)
    for (const link of this.#attached()) isRestored ? this.#on.restored(link) : this.#on.catchUp(link)
  }

  deleted(): void {
    for (const link of this.#attached()) this.#on.deleted(link)
  }

  #attached(): Link[] {
    return this.#links.ofProject(this.feed.project_id)
  }
}

import { issuingEvents } from '#src/domain/events.ts'
import type { EventFrame } from '#src/protocol/messages/event.ts'
import type { EventBatch } from '#src/realtime/feed/event-batch.ts'
import type { Hub } from '#src/realtime/feed/hub.ts'
import type { ProjectFeed } from '#src/realtime/feed/project-feed.ts'
import type { FeedReader } from '#src/realtime/feed/reader.ts'

/** Reads a project's log for the long polls in this process, and rings for the agents that have news. */
class ProjectBell implements FeedReader {
  readonly feed: ProjectFeed
  #position: number
  /** By agent. */
  readonly #listeners = new Map<string, Set<() => void>>()

  constructor(feed: ProjectFeed) {
    this.feed = feed
    this.#position = feed.last
    feed.join(this, this.#position)
  }

  add(agent_id: string, ring: () => void): void {
    const own = this.#listeners.get(agent_id) ?? new Set()
    this.#listeners.set(agent_id, own.add(ring))
  }

  delete(agent_id: string, ring: () => void): void {
    const own = this.#listeners.get(agent_id)
    own?.delete(ring)
    if (own?.size === 0) this.#listeners.delete(agent_id)
  }

  receive(batch: EventBatch): void {
    for (const { seq, name, frame } of batch.after(this.#position)?.events ?? []) {
      this.#position = seq
      // A request may end without a signal, but its event has the name of one that issues signals.
      if (!issuingEvents.has(name)) continue
      const { agent } = JSON.parse(frame) as EventFrame
      if (agent) for (const ring of this.#listeners.get(agent.id) ?? []) ring()
    }
  }

  /** Events are missing, which may have been for any agent. */
  lost(): void {
    this.#position = this.feed.last
    this.feed.join(this, this.#position)
    this.#ringAll()
  }

  deleted(): void {
    this.#ringAll()
  }

  #ringAll(): void {
    for (const own of this.#listeners.values()) for (const ring of own) ring()
  }
}

type Entry = { bell: Promise<ProjectBell | undefined>; users: number }

/** One bell for each project that long polls wait for. */
export class ProjectBells {
  readonly #hub: Hub
  readonly #entries = new Map<string, Entry>()

  constructor(hub: Hub) {
    this.#hub = hub
  }

  /** Rings at each news of an agent, from when this resolves until the returned function is called. */
  async listen(project_id: string, agent_id: string, ring: () => void): Promise<() => void> {
    const entry = this.#entries.get(project_id) ?? { bell: this.#open(project_id), users: 0 }
    this.#entries.set(project_id, entry)
    entry.users++
    try {
      const bell = await entry.bell
      bell?.add(agent_id, ring)
      return () => {
        bell?.delete(agent_id, ring)
        this.#leave(project_id, entry)
      }
    } catch (error) {
      this.#leave(project_id, entry)
      throw error
    }
  }

  /** Undefined: no such project. */
  async #open(project_id: string): Promise<ProjectBell | undefined> {
    const feed = await this.#hub.acquire(project_id)
    return feed && new ProjectBell(feed)
  }

  #leave(project_id: string, entry: Entry): void {
    entry.users--
    if (entry.users > 0 || this.#entries.get(project_id) !== entry) return
    this.#entries.delete(project_id)
    const release = (bell: ProjectBell | undefined) => {
      if (!bell) return
      bell.feed.leave(bell)
      this.#hub.release(bell.feed)
    }
    // A bell that failed to open has nothing to release.
    entry.bell.then(release, () => {})
  }
}

import { type AgentTarget, attachAgent, disconnectAgent, restoreLink } from '#src/commands/runtime.ts'
import type { AgentState } from '#src/domain/agent.ts'
import { notFound } from '#src/domain/errors.ts'
import { system } from '#src/domain/events.ts'
import { readLogHeads } from '#src/store/events.ts'
import { listHeldLinks } from '#src/store/replicas.ts'
import type { Hub } from './hub.ts'
import { type DetachReason, Link, type LinkOutlet } from './link.ts'
import { ProjectLinks } from './project-links.ts'
import { type DeliveryParts, SignalDelivery } from './signal-delivery.ts'

export type LinkParts = DeliveryParts & {
  hub: Hub
  /** The id under which this process holds links. */
  replica: string
  /** A link ended without its runtime having asked for it. */
  onLost: (project_id: string) => void
}

type AttachInput = AgentTarget & {
  outlet: LinkOutlet
  onAttached: (link: Link, agent: AgentState) => void
  onDetached: (reason: DetachReason) => void
}

/** `users`: the links of a project, and the attaches under way. */
type Project = { reader: Promise<ProjectLinks | undefined>; users: number }

/** The links of all runtimes that this process holds. */
export class RuntimeLinks {
  readonly #parts: LinkParts
  readonly #projects = new Map<string, Project>()
  readonly #links = new Map<string, Link>()
  readonly #attaching = new Map<string, number>()
  readonly delivery: SignalDelivery
  /** What became of reports, for metrics. */
  readonly reports = { applied: 0, duplicate: 0, status_rejected: 0 }
  /** From now on links end with their process, not one by one: their runtimes come back elsewhere. */
  isDraining = false

  constructor(parts: LinkParts) {
    this.#parts = parts
    this.delivery = new SignalDelivery(parts, this.#links, (link, lease) => this.#outdated(link, lease))
  }

  get size(): number {
    return this.#links.size
  }

  /**
   * Commits the attach, then begins to deliver; `onAttached` is called in between. Refuses with `not_found`
   * or `agent_terminated`.
   */
  async attach({ outlet, onAttached, onDetached, ...target }: AttachInput): Promise<void> {
    const { agent_id, project_id, actor } = target
    const project = this.#use(project_id)
    this.#attaching.set(agent_id, (this.#attaching.get(agent_id) ?? 0) + 1)
    try {
      const reader = await project.reader
      if (!reader) throw notFound.project(project_id)
      const { epoch } = reader.feed
      const agent = await attachAgent(this.#parts, target, this.#parts.replica)
      const { lease, seq } = agent
      const { sent } = this.delivery.counts
      const place = { agent_id, project_id, actor, lease, epoch, seq }
      const link = new Link({ ...place, outlet, sent, onDetached })
      project.users++
      onAttached(link, agent)
      this.#register(link)
      if (epoch !== reader.feed.epoch) this.#dismiss(link)
    } finally {
      const left = (this.#attaching.get(agent_id) ?? 1) - 1
      if (left > 0) this.#attaching.set(agent_id, left)
      else this.#attaching.delete(agent_id)
      this.#leave(project_id, project)
    }
  }

  /**
   * Attaches of one project are committed in turn and answered in that order, so the newest comes last. One with a
   * lower lease than that before it tells of a database that was set back.
   */
  #register(link: Link): void {
    const other = this.#links.get(link.agent_id)
    // On one socket a new attach renews the link: nothing is detached.
    if (other?.outlet === link.outlet) this.#forget(other)
    else if (other && other.lease > link.lease) this.#dismiss(other)
    else if (other) this.#detach(other, 'replaced')
    this.#links.set(link.agent_id, link)
    if (link.outlet.isOpen) this.delivery.catchUp(link)
    else this.end(link).catch(() => {})
  }

  #detach(link: Link, reason: DetachReason): void {
    if (link.hasEnded) return
    this.#forget(link)
    link.detached(reason)
  }

  /**
   * The database has another lease than the link: a newer link has taken its place, or a backup was restored, and what
   * the link stands on is of a history that is over. Rejects where that cannot be seen now.
   */
  async #outdated(link: Link, lease: number | undefined): Promise<void> {
    if (lease === undefined) return this.#detach(link, 'revoked')
    const heads = await readLogHeads(this.#parts.database, [link.project_id])
    const isRestored = lease < link.lease || heads.get(link.project_id)?.epoch !== link.epoch
    if (isRestored) this.#dismiss(link)
    else this.#detach(link, 'replaced')
  }

  /** Its runtime is to attach anew. Should it not come, `reconcile` finds that nobody holds the link. */
  #dismiss(link: Link): void {
    if (link.hasEnded) return
    this.#forget(link)
    link.outlet.dismiss('restored')
  }

  /** Ends a link from this side; resolves once that is committed. What fails here is made up by `reconcile`. */
  async end(link: Link, { isRequested = false } = {}): Promise<void> {
    if (link.hasEnded) return
    this.#forget(link)
    if (this.isDraining) return
    if (!isRequested) this.#parts.onLost(link.project_id)
    await disconnectAgent(this.#parts, link, { lease: link.lease })
  }

  #forget(link: Link): void {
    link.hasEnded = true
    this.delivery.forget(link)
    if (this.#links.get(link.agent_id) === link) this.#links.delete(link.agent_id)
    const project = this.#projects.get(link.project_id)
    if (project) this.#leave(link.project_id, project)
  }

  #use(project_id: string): Project {
    const project = this.#projects.get(project_id) ?? { reader: this.#open(project_id), users: 0 }
    this.#projects.set(project_id, project)
    project.users++
    return project
  }

  async #open(project_id: string): Promise<ProjectLinks | undefined> {
    const feed = await this.#parts.hub.acquire(project_id)
    const events = {
      sent: (link: Link) => this.delivery.sent(link),
      catchUp: (link: Link) => this.delivery.catchUp(link),
      restored: (link: Link) => this.#dismiss(link),
      deleted: (link: Link) => this.#detach(link, 'revoked'),
    }
    return feed && new ProjectLinks(feed, this.#links, events)
  }

  #leave(project_id: string, project: Project): void {
    project.users--
    if (project.users > 0 || this.#projects.get(project_id) !== project) return
    this.#projects.delete(project_id)
    const release = (reader: ProjectLinks | undefined) => {
      if (!reader) return
      reader.feed.leave(reader)
      this.#parts.hub.release(reader.feed)
    }
    // A reader that could not be opened has nothing to release.
    project.reader.then(release, () => {})
  }

  /**
   * Compares the links here with those that the database takes this process to hold. What ended while the
   * database was away is told now; what was taken for lost meanwhile is there again, or was replaced.
   */
  async reconcile(): Promise<void> {
    if (this.isDraining) return
    const here = [...this.#links.values()]
    const held = await listHeldLinks(this.#parts.database, this.#parts.replica)
    if (this.isDraining) return
    const leases = new Map(held.map(({ agent_id, lease }) => [agent_id, lease]))
    const gone = held.filter(
      ({ agent_id, lease }) => this.#links.get(agent_id)?.lease !== lease && !this.#attaching.has(agent_id),
    )
    const missed = here.filter((link) => leases.get(link.agent_id) !== link.lease && !link.hasEnded)
    await Promise.all([
      ...gone.map(({ lease, ...target }) =>
        disconnectAgent(this.#parts, { ...target, actor: system }, { lease }),
      ),
      ...missed.map((link) => this.#restore(link)),
    ])
  }

  async #restore(link: Link): Promise<void> {
    const { lease } = await restoreLink(this.#parts, link, this.#parts.replica)
    if (lease !== link.lease) await this.#outdated(link, lease)
    // It may have ended while it was restored.
    else if (link.hasEnded) await disconnectAgent(this.#parts, link, { lease })
  }

  close(): void {
    this.delivery.close()
  }
}

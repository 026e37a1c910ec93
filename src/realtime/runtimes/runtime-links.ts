import { ByProject } from '#src/commands/by-project.ts'
import {
  type AgentTarget,
  type Attached,
  attachAgent,
  disconnectAgent,
  type Registering,
  registerAgent,
  restoreLink,
} from '#src/commands/runtime.ts'
import { system } from '#src/domain/actor.ts'
import { notFound } from '#src/domain/errors.ts'
import type { Registration } from '#src/domain/registration.ts'
import type { Attaching } from '#src/domain/runtime.ts'
import type { Hub } from '#src/realtime/feed/hub.ts'
import { readLogHeads } from '#src/store/events.ts'
import { listHeldLinks } from '#src/store/replicas.ts'
import { type DetachReason, Link, type LinkOutlet } from './link.ts'
import { LinkTable } from './link-table.ts'
import { ProjectLinks } from './project-links.ts'
import { type DeliveryServices, SignalDelivery } from './signal-delivery.ts'
import { UnderWay } from './under-way.ts'

export type LinkServices = DeliveryServices & {
  hub: Hub
  /** The id of this process, in the rows of its links. */
  replica: string
  /** A link ended, and its runtime did not ask for it. */
  onLost: (project_id: string) => void
}

type Linking = Omit<AgentTarget, 'agent_id'> & {
  outlet: LinkOutlet
  onAttached: (link: Link, attached: Attached, registered?: Registration) => void
  onDetached: (agent_id: string, reason: DetachReason) => void
}
type Runtime = Omit<Attaching, 'replica'>
type AttachInput = Linking & { agent_id: string; runtime: Runtime }
type RegisterInput = Linking & {
  registering: Omit<Registering, 'runtime' | 'onDecided'>
  runtime: Runtime
  /** Refuses an agent that the connection has no room for. */
  admit: (agent_id: string) => void
}

/** `users`: links of the project, and attaches under way. */
type Project = { reader: Promise<ProjectLinks | undefined>; users: number }

/** The links of all runtimes that are connected to this process. */
export class RuntimeLinks {
  readonly #services: LinkServices
  readonly #projects = new Map<string, Project>()
  readonly #links = new LinkTable()
  readonly #underWay = new UnderWay()
  readonly #reconciling = new ByProject()
  readonly delivery: SignalDelivery
  /** Reports by outcome, for metrics. */
  readonly reports = { applied: 0, duplicate: 0, status_rejected: 0 }
  /** While the server drains, links end with its process, not one by one: their runtimes attach elsewhere. */
  isDraining = false

  constructor(services: LinkServices) {
    this.#services = services
    this.delivery = new SignalDelivery(services, this.#links, (link, lease) => this.#outdated(link, lease))
  }

  get size(): number {
    return this.#links.size
  }

  /** Refuses with `not_found` or `agent_terminated`. */
  attach({ agent_id, runtime, ...linking }: AttachInput): Promise<void> {
    const { project_id, actor } = linking
    const attaching = { ...runtime, replica: this.#services.replica }
    return this.#link(linking, (note) => {
      note(agent_id)
      return attachAgent(this.#services, { project_id, agent_id, actor }, attaching)
    })
  }

  /** Refuses with what `registerAgent` refuses. */
  register({ registering, runtime, admit, ...linking }: RegisterInput): Promise<void> {
    const { project_id, actor } = linking
    const attaching = { ...runtime, replica: this.#services.replica }
    let how: Registration
    const onAttached: Linking['onAttached'] = (link, attached) => linking.onAttached(link, attached, how)
    return this.#link({ ...linking, onAttached }, (note) => {
      const onDecided = (agent_id: string, registered: Registration) => {
        admit(agent_id)
        note(agent_id)
        how = registered
      }
      const all = { ...registering, runtime: attaching, onDecided }
      return registerAgent(this.#services, { project_id, actor }, all)
    })
  }

  /** Commits an attach, then begins to deliver; `onAttached` is called in between. */
  async #link(
    { project_id, actor, outlet, onAttached, onDetached }: Linking,
    commit: (note: (agent_id: string) => void) => Promise<Attached>,
  ): Promise<void> {
    const project = this.#use(project_id)
    const attach = async (note: (agent_id: string) => void) => {
      const reader = await project.reader
      if (!reader) throw notFound.project(project_id)
      const { epoch } = reader.feed
      const attached = await commit(note)
      const { id: agent_id, lease, seq } = attached.agent
      const { sent } = this.delivery.counts
      const { awake } = this.#services
      const place = { agent_id, project_id, actor, lease, epoch, seq }
      const detached = (reason: DetachReason) => onDetached(agent_id, reason)
      const link = new Link({ ...place, outlet, sent, awake, onDetached: detached })
      project.users++
      onAttached(link, attached)
      this.#add(link)
      if (epoch !== reader.feed.epoch) this.#dismiss(link)
    }
    await this.#underWay.during(attach).finally(() => this.#leave(project_id, project))
  }

  /**
   * Attaches of one project are committed in turn and answered in that order, so the newest comes last. A lease below the
   * previous one means that the database was set back.
   */
  #add(link: Link): void {
    const other = this.#links.find(link.agent_id)
    // A new attach on the same socket renews the link, so nothing is detached.
    if (other?.outlet === link.outlet) this.#forget(other)
    else if (other && other.lease > link.lease) this.#dismiss(other)
    else if (other) this.#detach(other, 'replaced')
    this.#links.add(link)
    if (link.outlet.isOpen) this.delivery.catchUp(link)
    else this.end(link).catch(() => {})
  }

  #detach(link: Link, reason: DetachReason): void {
    if (link.hasEnded) return
    this.#forget(link)
    link.detached(reason)
  }

  /**
   * The agent's lease is not the link's: a newer link has replaced it, or a backup was restored, and its attach never
   * happened. Rejects where the database cannot say which.
   */
  async #outdated(link: Link, lease: number | undefined): Promise<void> {
    if (lease === undefined) return this.#detach(link, 'revoked')
    const heads = await readLogHeads(this.#services.database, [link.project_id])
    const isRestored = lease < link.lease || heads.get(link.project_id)?.epoch !== link.epoch
    if (isRestored) this.#dismiss(link)
    else this.#detach(link, 'replaced')
  }

  /** Has the runtime attach again. If it does not come back, `reconcile` finds that this process has no such link. */
  #dismiss(link: Link): void {
    if (link.hasEnded) return
    this.#forget(link)
    link.outlet.dismiss('restored')
  }

  /** Ends a link; resolves once that is committed. `reconcile` makes up for a failure. */
  async end(link: Link, { isRequested = false } = {}): Promise<void> {
    if (link.hasEnded) return
    this.#forget(link)
    if (this.isDraining) return
    if (!isRequested) this.#services.onLost(link.project_id)
    await disconnectAgent(this.#services, link, { lease: link.lease })
  }

  #forget(link: Link): void {
    link.end()
    this.delivery.forget(link)
    this.#links.delete(link)
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
    const feed = await this.#services.hub.acquire(project_id)
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
      this.#services.hub.release(reader.feed)
    }
    // A reader that failed to open has nothing to release.
    project.reader.then(release, () => {})
  }

  /**
   * Compares the links here with those that the database has for this process. Links that ended while the database was
   * away are disconnected now. Links that were declared lost are restored, unless a newer one has replaced them.
   */
  async reconcile(): Promise<void> {
    if (this.isDraining) return
    const here = [...this.#links.all()]
    const recorded = await listHeldLinks(this.#services.database, this.#services.replica)
    if (this.isDraining) return
    const leases = new Map(recorded.map(({ agent_id, lease }) => [agent_id, lease]))
    const gone = recorded.filter(
      ({ agent_id, lease }) => this.#links.find(agent_id)?.lease !== lease && !this.#underWay.has(agent_id),
    )
    const missed = here.filter((link) => leases.get(link.agent_id) !== link.lease && !link.hasEnded)
    const toEnd = gone.map(({ project_id, agent_id, lease }) => ({
      project_id,
      reconcile: () => disconnectAgent(this.#services, { project_id, agent_id, actor: system }, { lease }),
    }))
    const toRestore = missed.map((link) => ({
      project_id: link.project_id,
      reconcile: () => this.#restore(link),
    }))
    await this.#reconciling.run([...toEnd, ...toRestore], ({ reconcile }) => reconcile())
  }

  async #restore(link: Link): Promise<void> {
    if (link.hasEnded) return
    const { lease } = await restoreLink(this.#services, link, this.#services.replica)
    if (lease !== link.lease) await this.#outdated(link, lease)
    // The link may have ended while it was being restored.
    else if (link.hasEnded) await disconnectAgent(this.#services, link, { lease })
  }

  close(): void {
    this.delivery.close()
  }
}

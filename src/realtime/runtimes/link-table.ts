import type { Link } from './link.ts'

/** The newest link of each agent that is attached to this process. The only place that knows which one that is. */
export class LinkTable {
  readonly #byAgent = new Map<string, Link>()
  readonly #byProject = new Map<string, Set<Link>>()

  get size(): number {
    return this.#byAgent.size
  }

  find(agent_id: string): Link | undefined {
    return this.#byAgent.get(agent_id)
  }

  /** A copy, so that the caller may end links while it goes through them. */
  ofProject(project_id: string): Link[] {
    return [...(this.#byProject.get(project_id) ?? [])]
  }

  /** May end early, and costs nothing for the links that are not reached. */
  all(): Iterable<Link> {
    return this.#byAgent.values()
  }

  add(link: Link): void {
    const previous = this.#byAgent.get(link.agent_id)
    if (previous) this.delete(previous)
    this.#byAgent.set(link.agent_id, link)
    const links = this.#byProject.get(link.project_id) ?? new Set()
    this.#byProject.set(link.project_id, links.add(link))
  }

  /** Leaves a newer link of the same agent where it is. */
  delete(link: Link): void {
    if (this.#byAgent.get(link.agent_id) !== link) return
    this.#byAgent.delete(link.agent_id)
    const links = this.#byProject.get(link.project_id)
    links?.delete(link)
    if (links?.size === 0) this.#byProject.delete(link.project_id)
  }
}

import type { Time } from '#src/domain/time.ts'
import type { Sql } from '#src/store/database.ts'
import { countLiveAgents, lockProjects, type ProjectHead } from '#src/store/events.ts'

/** Where an event is in its project's log. */
export type EventPlace = { project_id: string; epoch: number; seq: number; at: Time }

/** What one transaction knows of its locked projects: the numbers of their next events, and their counts of live agents. */
export class Numbering {
  readonly #now: Time
  readonly #heads = new Map<string, ProjectHead>()
  readonly #numbered = new Set<string>()

  constructor(now: Time) {
    this.#now = now
  }

  async lock(sql: Sql, ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return
    for (const [id, head] of await lockProjects(sql, ids)) this.#heads.set(id, head)
  }

  head(project_id: string): ProjectHead | undefined {
    return this.#heads.get(project_id)
  }

  /** Makes the count of live agents known, where it is not. */
  async countLive(sql: Sql, project_ids: readonly string[]): Promise<void> {
    const uncounted = project_ids.filter((id) => this.#heads.get(id)?.live_agents === null)
    if (uncounted.length === 0) return
    for (const { id, live_agents } of await countLiveAgents(sql, uncounted)) {
      const head = this.#heads.get(id)
      if (head) this.#heads.set(id, { ...head, live_agents })
    }
  }

  /** Within a project the time of events never goes back, even if the database's clock does. */
  timeOf(project_id: string): Time {
    const { event_at } = this.#headOf(project_id)
    return event_at && event_at > this.#now ? event_at : this.#now
  }

  /** Takes a project's next number, which the transaction then has to use. `more`: live agents that its event adds. */
  next(project_id: string, more = 0): EventPlace {
    const head = this.#headOf(project_id)
    const { epoch } = head
    const seq = head.event_seq + 1
    const at = this.timeOf(project_id)
    const live_agents = head.live_agents === null ? null : head.live_agents + more
    this.#heads.set(head.id, { ...head, event_seq: seq, event_at: at, live_agents })
    this.#numbered.add(project_id)
    return { project_id, epoch, seq, at }
  }

  #headOf(project_id: string): ProjectHead {
    const head = this.#heads.get(project_id)
    if (!head) throw new Error('the project of a change is not locked')
    return head
  }

  /** The projects whose numbers were taken, as they are now. */
  get changed(): readonly ProjectHead[] {
    return [...this.#numbered].flatMap((id) => this.#heads.get(id) ?? [])
  }
}

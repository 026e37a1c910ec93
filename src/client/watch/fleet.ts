import { Emitter } from '#src/client/connection/emitter.ts'
import type { AgentSummary } from '#src/domain/agent.ts'
import type { Hold } from '#src/domain/hold.ts'
import type { ProjectBudget } from '#src/domain/project-budget.ts'
import type { AgentEventFrame, EventFrame } from '#src/protocol/messages/event.ts'

/**
 * Why a new snapshot replaces the whole state. `start`: it is the first one. `expired`, `unknown`: the server's log does
 * not continue from our position, since it was pruned or a backup was restored. `reader_too_slow`: the reader left too many
 * events unread.
 */
export type ResetReason = 'start' | 'expired' | 'unknown' | 'reader_too_slow'

export type FleetEvents = {
  /** One agent has changed; `fleet.agents` has the new state already. */
  change: { agent: AgentSummary; event: AgentEventFrame }
  /** The holds or the budgets of the project have changed, by an event or, without one, by a new subscription. */
  stops: { event: EventFrame | undefined }
  /** A new snapshot has replaced all agents. */
  reset: LogEnd & { reason: ResetReason; agents: ReadonlyMap<string, AgentSummary> }
}

type LogEnd = { seq: number; epoch: number }
/** What a subscription says of the project beside its agents. Servers of releases before holds say nothing. */
type Stops = { holds?: readonly Hold[] | undefined; budgets?: readonly ProjectBudget[] | undefined }
type Snapshot = LogEnd & { reason: ResetReason; agents: AgentSummary[] }

/** The agents of one project, after the newest event that has arrived. */
export class Fleet {
  readonly #agents = new Map<string, AgentSummary>()
  readonly #holds = new Map<string, Hold>()
  readonly #budgets = new Map<string, ProjectBudget>()
  readonly #emitter = new Emitter<FleetEvents>()
  #seq: number | undefined
  #epoch: number | undefined
  #snapshot: Snapshot | undefined

  /** Live: the same Map changes. It has terminated agents too. */
  get agents(): ReadonlyMap<string, AgentSummary> {
    return this.#agents
  }

  /** Live: the holds that stand, by id, oldest first. */
  get holds(): ReadonlyMap<string, Hold> {
    return this.#holds
  }

  /** Live: all budgets of the project, by id, each as its newest event or the subscription shows it. */
  get budgets(): ReadonlyMap<string, ProjectBudget> {
    return this.#budgets
  }

  /** The number of the event that this state follows; undefined until the first snapshot is complete. */
  get seq(): number | undefined {
    return this.#seq
  }

  /** The history that `seq` belongs to. A restored backup of the database starts a new epoch, with a new snapshot. */
  get epoch(): number | undefined {
    return this.#epoch
  }

  /** Returns a function that removes the listener. */
  on<Name extends keyof FleetEvents>(name: Name, listener: (detail: FleetEvents[Name]) => void): () => void {
    return this.#emitter.on(name, listener)
  }

  /** @internal Pages of a snapshot follow. */
  begin({ seq, epoch, reason = 'start' }: LogEnd & { reason?: ResetReason }): void {
    this.#snapshot = { seq, epoch, reason, agents: [] }
  }

  /** @internal The server continues from our position in this epoch. */
  resume(epoch: number): void {
    this.#epoch = epoch
  }

  /** @internal What a subscription says. Events that follow may repeat some of it. */
  setStops({ holds = [], budgets = [] }: Stops): void {
    this.#holds.clear()
    this.#budgets.clear()
    for (const hold of holds) this.#holds.set(hold.id, hold)
    for (const budget of budgets) this.#budgets.set(budget.id, budget)
    this.#emitter.emit('stops', { event: undefined })
  }

  /** @internal The connection has ended: an incomplete snapshot is dropped. */
  abandon(): void {
    this.#snapshot = undefined
  }

  /** @internal The reason for the reset, after the last page. */
  addPage(agents: readonly AgentSummary[], isLast: boolean): ResetReason | undefined {
    if (!this.#snapshot) return undefined
    this.#snapshot.agents.push(...agents)
    if (!isLast) return undefined
    const { seq, epoch, reason } = this.#snapshot
    this.#agents.clear()
    for (const agent of this.#snapshot.agents) this.#agents.set(agent.id, agent)
    this.#seq = seq
    this.#epoch = epoch
    this.#snapshot = undefined
    this.#emitter.emit('reset', { reason, seq, epoch, agents: this.#agents })
    return reason
  }

  /** @internal Whether it is the next event. An older one changes nothing. */
  apply(event: EventFrame): 'next' | 'known' | 'gap' {
    if (this.#seq === undefined || event.seq > this.#seq + 1) return 'gap'
    if (event.seq <= this.#seq) return 'known'
    this.#seq = event.seq
    if (event.agent) {
      this.#agents.set(event.agent.id, event.agent)
      this.#emitter.emit('change', { agent: event.agent, event })
    } else this.#applyToProject(event)
    return 'next'
  }

  /** A name that this release does not know changes nothing. */
  #applyToProject(event: EventFrame): void {
    const { hold, budget } = event
    if (hold && hold.released_at === null) this.#holds.set(hold.id, hold)
    else if (hold) this.#holds.delete(hold.id)
    if (budget) this.#budgets.set(budget.id, budget)
    if (hold || budget) this.#emitter.emit('stops', { event })
  }
}

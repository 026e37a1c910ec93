import type { AgentSummary } from '#src/domain/agent.ts'
import type { EventFrame } from '#src/protocol/frames.ts'
import { Emitter } from './emitter.ts'

/**
 * Why the whole state is told anew. `start`: it is the first time. `expired`, `unknown`: the server's log does not go
 * on from what we had; it was pruned, or a backup of it was restored. `reader_too_slow`: the reader left too many events unread.
 */
export type ResetReason = 'start' | 'expired' | 'unknown' | 'reader_too_slow'

export type FleetEvents = {
  /** One agent has changed; `fleet.agents` has it already. */
  change: { agent: AgentSummary; event: EventFrame }
  /** All agents are told anew. */
  reset: LogEnd & { reason: ResetReason; agents: ReadonlyMap<string, AgentSummary> }
}

type LogEnd = { seq: number; epoch: number }
type Snapshot = LogEnd & { reason: ResetReason; agents: AgentSummary[] }

/** The agents of one project, as its newest event that came through has left them. */
export class Fleet {
  readonly #agents = new Map<string, AgentSummary>()
  readonly #emitter = new Emitter<FleetEvents>()
  #seq: number | undefined
  #epoch: number | undefined
  #snapshot: Snapshot | undefined

  /** Live: the same Map changes. Terminated agents are in it too. */
  get agents(): ReadonlyMap<string, AgentSummary> {
    return this.#agents
  }

  /** The number of the event that this is the state after; undefined until the first snapshot is whole. */
  get seq(): number | undefined {
    return this.#seq
  }

  /** Of what history `seq` is: it changes when a backup of the database is restored, and then everything is told anew. */
  get epoch(): number | undefined {
    return this.#epoch
  }

  /** Returns what ends the listening. */
  on<Name extends keyof FleetEvents>(name: Name, listener: (told: FleetEvents[Name]) => void): () => void {
    return this.#emitter.on(name, listener)
  }

  /** @internal Pages of a snapshot follow. */
  begin({ seq, epoch, reason = 'start' }: LogEnd & { reason?: ResetReason }): void {
    this.#snapshot = { seq, epoch, reason, agents: [] }
  }

  /** @internal What we have is right, also in this epoch: all of them begin with nothing. */
  resume(epoch: number): void {
    this.#epoch = epoch
  }

  /** @internal A connection has ended: what it had begun is begun anew. */
  abandon(): void {
    this.#snapshot = undefined
  }

  /** @internal The reason for the reset, once the last page is in. */
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

  /** @internal Whether it is the next event; an older one changes nothing. */
  apply(event: EventFrame): 'next' | 'known' | 'gap' {
    if (this.#seq === undefined || event.seq > this.#seq + 1) return 'gap'
    if (event.seq <= this.#seq) return 'known'
    this.#seq = event.seq
    this.#agents.set(event.agent.id, event.agent)
    this.#emitter.emit('change', { agent: event.agent, event })
    return 'next'
  }
}

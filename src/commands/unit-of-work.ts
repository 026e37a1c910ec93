import type { AgentState, Time } from '#src/domain/agent.ts'
import { toAgentSummary } from '#src/domain/agent.ts'
import type { Change, NewSignal } from '#src/domain/change.ts'
import { notFound } from '#src/domain/errors.ts'
import type { Actor, EventDetail } from '#src/domain/events.ts'
import type { SignalRecord } from '#src/domain/signal.ts'
import type { EventFrame } from '#src/protocol/frames.ts'
import { type AgentKey, lockAgents } from '#src/store/agents.ts'
import type { Transaction } from '#src/store/database.ts'
import { type LoggedEvent, lockProjects, type ProjectHead, writeChanges } from '#src/store/events.ts'
import { readSignals } from '#src/store/signals.ts'
import { activeTraceparent, type Traceparent } from '#src/tracing/trace.ts'

/**
 * The agents that one transaction changes, and the events that it appends. Locks are taken in one order:
 * agents by id, then projects by id. Changes are decided one after another against the locked state, each
 * seeing those before it; `flush` writes them all.
 */
export class UnitOfWork {
  readonly #sql: Transaction
  readonly #now: Time
  readonly #traceparent = activeTraceparent()
  readonly #agents = new Map<string, AgentState>()
  readonly #memories = new Map<string, unknown>()
  readonly #heads = new Map<string, ProjectHead>()
  readonly #spawned = new Set<string>()
  readonly #changed = new Set<string>()
  readonly #superseded = new Set<string>()
  /** Signals that were read, and those issued here: each as it is by now. */
  readonly #signals = new Map<string, SignalRecord>()
  readonly #issued = new Set<string>()
  readonly #told = new Set<string>()
  readonly #events: (LoggedEvent & { at: Time })[] = []

  constructor(sql: Transaction, now: Time) {
    this.#sql = sql
    this.#now = now
  }

  /** Locks the agents that exist among `keys`: all at once, and before `lockProjects`. */
  async lockAgents(keys: readonly AgentKey[]): Promise<void> {
    if (keys.length === 0) return
    for (const [id, agent] of await lockAgents(this.#sql, keys)) {
      this.#agents.set(id, agent)
      this.#memories.set(id, agent.short_term_memory)
    }
  }

  /** Locks the numbering of projects: of all whose agents are changed. */
  async lockProjects(ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return
    for (const [id, head] of await lockProjects(this.#sql, ids)) this.#heads.set(id, head)
  }

  /** The agent as it is by now; refuses with `not_found` one that is unknown, or of another project. */
  agent({ agent_id, project_id }: AgentKey): AgentState {
    const agent = this.#agents.get(agent_id)
    if (agent?.project_id !== project_id) throw notFound.agent(agent_id, project_id)
    return agent
  }

  agents(): AgentState[] {
    return [...this.#agents.values()]
  }

  project(id: string): ProjectHead | undefined {
    return this.#heads.get(id)
  }

  /** Reads kept signals, after their agents were locked: a signal changes only under its agent's lock. */
  async readSignals(ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return
    for (const signal of await readSignals(this.#sql, ids)) this.#signals.set(signal.id, signal)
  }

  /** A signal of that agent, as it is by now; undefined for an unknown one. */
  signal(agent_id: string, id: string): SignalRecord | undefined {
    const signal = this.#signals.get(id)
    return signal?.agent_id === agent_id ? signal : undefined
  }

  /**
   * Takes a decided change: numbers its event, if it has one. Returns the agent after it. `traceparent`: that of whoever
   * asked for it, in a transaction that is not theirs alone.
   */
  apply(
    { agent, event, issued, signals = [] }: Change,
    actor: Actor,
    traceparent: Traceparent | undefined = this.#traceparent,
  ): AgentState {
    const after = event ? this.#announce(agent, event, { actor, traceparent }) : agent
    if (!this.#agents.has(agent.id)) this.#spawned.add(agent.id)
    this.#agents.set(agent.id, after)
    this.#changed.add(agent.id)
    for (const signal of signals) {
      this.#signals.set(signal.id, signal)
      if (!this.#issued.has(signal.id)) this.#told.add(signal.id)
    }
    if (issued) this.#issue(issued, after, traceparent)
    return after
  }

  #announce(
    agent: AgentState,
    event: EventDetail,
    { actor, traceparent }: { actor: Actor; traceparent: Traceparent | undefined },
  ): AgentState {
    const head = this.#heads.get(agent.project_id)
    if (!head) throw new Error('the project of a changed agent is not locked')
    const { epoch } = head
    const seq = head.event_seq + 1
    // Within a project time never goes back, whatever the clocks of the servers say.
    const at = head.event_at && head.event_at > this.#now ? head.event_at : this.#now
    this.#heads.set(head.id, { ...head, event_seq: seq, event_at: at })

    const after: AgentState = { ...agent, updated_at: at, seq }
    const frame: EventFrame = {
      type: 'event',
      project_id: agent.project_id,
      seq,
      epoch,
      name: event.name,
      at,
      actor,
      agent: toAgentSummary(after),
      ...(event.from && { from: event.from, to: event.to }),
      ...(event.signal && { signal: event.signal }),
    }
    const told = { ...event, actor: actor.kind }
    const logged = { project_id: agent.project_id, epoch, seq, at, frame: JSON.stringify(frame) }
    this.#events.push({ ...logged, told, traceparent })
    return after
  }

  /** A control signal supersedes the agent's earlier ones, in the database and in this transaction. */
  #issue(signal: NewSignal, { id: agent_id, seq }: AgentState, traceparent: Traceparent | undefined): void {
    if (signal.kind !== 'message') {
      this.#superseded.add(agent_id)
      for (const earlier of this.#signals.values()) {
        if (earlier.agent_id !== agent_id || earlier.kind === 'message' || earlier.outcome) continue
        this.#signals.set(earlier.id, { ...earlier, outcome: 'superseded' })
        if (!this.#issued.has(earlier.id)) this.#told.add(earlier.id)
      }
    }
    this.#issued.add(signal.id)
    this.#signals.set(signal.id, { ...signal, agent_id, seq, traceparent: traceparent ?? null })
  }

  /** Writes everything with the commit; the events are to be published once that is done. */
  flush(): readonly LoggedEvent[] {
    if (this.#changed.size === 0) return []
    const changed = [...this.#changed].filter((id) => !this.#spawned.has(id)).map((id) => this.#toWrite(id))
    writeChanges(this.#sql, {
      changed,
      spawned: [...this.#spawned].flatMap((id) => this.#agents.get(id) ?? []),
      events: this.#events,
      issued: this.#pick(this.#issued),
      signals: this.#pick(this.#told),
      superseded: [...this.#superseded],
      heads: [...new Set(this.#events.map((event) => event.project_id))].flatMap(
        (id) => this.#heads.get(id) ?? [],
      ),
    })
    return this.#events
  }

  #pick(ids: ReadonlySet<string>): SignalRecord[] {
    return [...ids].flatMap((id) => this.#signals.get(id) ?? [])
  }

  /** A memory that stayed the same is left out: it may be 64 KiB. */
  #toWrite(id: string) {
    const agent = this.#agents.get(id)
    if (!agent) throw new Error('a changed agent is not known')
    const same = agent.short_term_memory === this.#memories.get(id)
    return { ...agent, short_term_memory: same ? null : agent.short_term_memory }
  }
}

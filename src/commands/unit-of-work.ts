import type { AgentState, Time } from '#src/domain/agent.ts'
import { toAgentSummary } from '#src/domain/agent.ts'
import type { Change } from '#src/domain/change.ts'
import { notFound } from '#src/domain/errors.ts'
import type { Actor } from '#src/domain/events.ts'
import type { EventFrame } from '#src/protocol/frames.ts'
import { type AgentKey, lockAgents } from '#src/store/agents.ts'
import type { Sql } from '#src/store/database.ts'
import {
  type LoggedEvent,
  lockProjects,
  type ProjectHead,
  type SignalRow,
  writeChanges,
} from '#src/store/events.ts'

/**
 * The agents that one transaction changes, and the events that it appends. Locks are taken in one order:
 * agents by id, then projects by id. Changes are decided one after another against the locked state, each
 * seeing those before it; `flush` writes them all.
 */
export class UnitOfWork {
  readonly #sql: Sql
  readonly #now: Time
  readonly #agents = new Map<string, AgentState>()
  readonly #memories = new Map<string, unknown>()
  readonly #heads = new Map<string, ProjectHead>()
  readonly #spawned = new Set<string>()
  readonly #changed = new Set<string>()
  readonly #superseded = new Set<string>()
  readonly #signals: SignalRow[] = []
  readonly #events: (LoggedEvent & { at: Time })[] = []

  constructor(sql: Sql, now: Time) {
    this.#sql = sql
    this.#now = now
  }

  /** Locks the agents that exist among `keys`. Once, and before `lockProjects`. */
  async lockAgents(keys: readonly AgentKey[]): Promise<void> {
    if (keys.length === 0) return
    for (const [id, agent] of await lockAgents(this.#sql, keys)) {
      this.#agents.set(id, agent)
      this.#memories.set(id, agent.short_term_memory)
    }
  }

  /** Locks the numbering of the projects of the locked agents, and of those named. */
  async lockProjects(ids: readonly string[] = []): Promise<void> {
    const all = new Set(ids)
    for (const agent of this.#agents.values()) all.add(agent.project_id)
    if (all.size === 0) return
    for (const [id, head] of await lockProjects(this.#sql, [...all])) this.#heads.set(id, head)
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

  /** Takes a decided change: numbers its event and keeps both for `flush`. Returns the agent after it. */
  apply({ agent, event }: Change, actor: Actor): AgentState {
    const head = this.#heads.get(agent.project_id)
    if (!head) throw new Error('the project of a changed agent is not locked')
    const seq = head.event_seq + 1
    // Within a project time never goes back, whatever the clocks of the servers say.
    const at = head.event_at && head.event_at > this.#now ? head.event_at : this.#now
    this.#heads.set(head.id, { ...head, event_seq: seq, event_at: at })

    const after: AgentState = { ...agent, updated_at: at, seq }
    if (!this.#agents.has(agent.id)) this.#spawned.add(agent.id)
    this.#agents.set(agent.id, after)
    this.#changed.add(agent.id)
    if (event.signal) this.#issue({ ...event.signal, agent_id: agent.id, seq, outcome: null })

    const frame: EventFrame = {
      type: 'event',
      project_id: agent.project_id,
      seq,
      name: event.name,
      at,
      actor,
      agent: toAgentSummary(after),
      ...(event.from && { from: event.from, to: event.to }),
      ...(event.signal && { signal: event.signal }),
    }
    this.#events.push({ project_id: agent.project_id, seq, at, frame: JSON.stringify(frame) })
    return after
  }

  /** A control signal supersedes the agent's earlier ones, in the database and in this transaction. */
  #issue(signal: SignalRow): void {
    if (signal.kind !== 'message') {
      this.#superseded.add(signal.agent_id)
      for (const earlier of this.#signals) {
        if (earlier.agent_id === signal.agent_id && earlier.kind !== 'message') earlier.outcome = 'superseded'
      }
    }
    this.#signals.push(signal)
  }

  /** Writes everything; the events are to be published once the transaction has committed. */
  async flush(): Promise<readonly LoggedEvent[]> {
    if (this.#events.length === 0) return []
    const changed = [...this.#changed].filter((id) => !this.#spawned.has(id)).map((id) => this.#toWrite(id))
    await writeChanges(this.#sql, {
      changed,
      spawned: [...this.#spawned].flatMap((id) => this.#agents.get(id) ?? []),
      events: this.#events,
      signals: this.#signals,
      superseded: [...this.#superseded],
      heads: [...new Set(this.#events.map((event) => event.project_id))].flatMap(
        (id) => this.#heads.get(id) ?? [],
      ),
    })
    return this.#events
  }

  /** A memory that stayed the same is left out: it may be 64 KiB. */
  #toWrite(id: string) {
    const agent = this.#agents.get(id)
    if (!agent) throw new Error('a changed agent is not known')
    const same = agent.short_term_memory === this.#memories.get(id)
    return { ...agent, short_term_memory: same ? null : agent.short_term_memory }
  }
}

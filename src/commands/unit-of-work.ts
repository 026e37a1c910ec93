import type { Actor } from '#src/domain/actor.ts'
import type { AgentState } from '#src/domain/agent.ts'
import { toAgentSummary } from '#src/domain/agent.ts'
import type { Change, NewSignal } from '#src/domain/change.ts'
import { isControlOpen } from '#src/domain/control.ts'
import { notFound } from '#src/domain/errors.ts'
import type { EventDetail, ProjectEventDetail } from '#src/domain/events.ts'
import type { RequestRecord } from '#src/domain/request.ts'
import { isControl, type SignalRecord } from '#src/domain/signal.ts'
import type { Time } from '#src/domain/time.ts'
import { sumUsed, type Used } from '#src/domain/usage.ts'
import { addActivity } from '#src/store/activity.ts'
import { type AgentKey, type AgentToLock, lockAgents } from '#src/store/agents.ts'
import type { Transaction } from '#src/store/database.ts'
import { writeFrame, writeProjectFrame } from '#src/store/event-frame.ts'
import { type LoggedEvent, type ProjectHead, writeChanges } from '#src/store/events.ts'
import type { AgentName } from '#src/store/names.ts'
import { type RequestKey, readRequests, saveRequests } from '#src/store/requests.ts'
import { readSignals } from '#src/store/signals.ts'
import { addUsage } from '#src/store/usage.ts'
import { activeTraceparent, type Traceparent } from '#src/tracing/trace.ts'
import { ActivitySums } from './activity-sums.ts'
import { HoldBook } from './hold-book.ts'
import { type EventPlace, Numbering } from './numbering.ts'
import { RequestBook } from './request-book.ts'
import { type Cause, RequestEndings } from './request-endings.ts'
import { TransactionNews } from './transaction-news.ts'
import { UsageSums } from './usage-sums.ts'

/**
 * The agents that one transaction changes, and the events that it appends. Locks are taken in one order: agents by id, then
 * projects by id. Each change is decided against the locked state after the changes before it, and `flush` writes them
 * all. An order for a fleet (`fleet-order.ts`) writes slice by slice, and keeps only the projects' numbers of a slice.
 */
export class UnitOfWork {
  readonly sql: Transaction
  readonly now: Time
  readonly holds: HoldBook
  readonly #traceparent = activeTraceparent()
  readonly #numbering: Numbering
  readonly #news = new TransactionNews()
  readonly #usage = new UsageSums()
  readonly #activity = new ActivitySums()
  #slice = emptySlice()

  constructor(sql: Transaction, now: Time) {
    this.sql = sql
    this.now = now
    this.holds = new HoldBook(sql)
    this.#numbering = new Numbering(now)
  }

  /** Locks the agents that exist among `keys`, and those that have `names`: all at once, and before `lockProjects`. */
  async lockAgents(keys: readonly AgentToLock[], names: readonly AgentName[] = []): Promise<void> {
    if (keys.length === 0 && names.length === 0) return
    this.take((await lockAgents(this.sql, keys, names)).values())
  }

  /** Takes agents that this transaction has locked, in their current state. */
  take(agents: Iterable<AgentState>): void {
    for (const agent of agents) {
      this.#slice.agents.set(agent.id, agent)
      this.#slice.memories.set(agent.id, agent.short_term_memory)
    }
  }

  /**
   * Locks the numbering of projects. Every project with a changed agent needs it. A hold is placed and released under this
   * lock, too, so the holds that are read once it is taken are exactly those that stand when this transaction commits: a
   * spawn, a resume or new labels either come before the hold, which then finds the agent, or see it.
   */
  async lockProjects(ids: readonly string[]): Promise<void> {
    await this.#numbering.lock(this.sql, ids)
    const held = ids.filter((id) => (this.project(id)?.active_holds ?? 0) > 0)
    if (held.length > 0) await this.holds.read(held)
  }

  /** Makes the count of live agents of locked projects known, where it is not. */
  countLiveAgents(project_ids: readonly string[]): Promise<void> {
    return this.#numbering.countLive(this.sql, project_ids)
  }

  /** The agent in its current state. Refuses with `not_found` an unknown agent, or one of another project. */
  agent(key: AgentKey): AgentState {
    const agent = this.find(key)
    if (!agent) throw notFound.agent(key.agent_id, key.project_id)
    return agent
  }

  /** The agent in its current state; undefined for one that is unknown, not locked, or of another project. */
  find({ agent_id, project_id }: AgentKey): AgentState | undefined {
    const agent = this.#slice.agents.get(agent_id)
    return agent?.project_id === project_id ? agent : undefined
  }

  project(id: string): ProjectHead | undefined {
    return this.#numbering.head(id)
  }

  /** The time of the next event of a locked project. */
  timeOf(project_id: string): Time {
    return this.#numbering.timeOf(project_id)
  }

  /** Reads kept signals, after their agents were locked: a signal changes only under its agent's lock. */
  async readSignals(ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return
    for (const signal of await readSignals(this.sql, ids)) this.#keep(signal)
  }

  /** A signal of that agent in its current state; undefined for an unknown one. */
  signal(agent_id: string, id: string): SignalRecord | undefined {
    return this.#slice.signals.get(agent_id)?.get(id)
  }

  /** Reads requests, after their agents were locked: a request changes only under its agent's lock. */
  async readRequests(keys: readonly RequestKey[]): Promise<void> {
    if (keys.length > 0) this.#slice.requests.keep(await readRequests(this.sql, keys))
  }

  /** A request in its current state; undefined for an unknown one. */
  request(key: RequestKey): RequestRecord | undefined {
    return this.#slice.requests.find(key)
  }

  #keep(signal: SignalRecord): void {
    const { signals } = this.#slice
    const own = signals.get(signal.agent_id)
    if (own) own.set(signal.id, signal)
    else signals.set(signal.agent_id, new Map([[signal.id, signal]]))
  }

  /**
   * Takes a decided change, numbers its event, if it has one, and returns the agent after it and what follows it. `traceparent` belongs to the
   * request, where several requests share the transaction.
   */
  apply(
    { agent, event, issued, signals = [], requests = [], used = [], next }: Change,
    actor: Actor,
    traceparent: Traceparent | undefined = this.#traceparent,
  ): AgentState {
    const { agents, spawned, changed, superseded } = this.#slice
    const before = agents.get(agent.id)
    const cause = { actor, traceparent }
    const ends = agent.status === 'terminated' && before && before.open_requests > 0
    const left = ends ? { ...agent, ...this.#endRequests(before, cause) } : agent
    const more = countIn(agent) - countIn(before)
    const after = event
      ? this.#log(left, event, this.#numbering.next(agent.project_id, more), { ...cause, used })
      : left
    this.#usage.add(after, used, event ? after.updated_at : this.now)
    this.#activity.addChange(before, after)
    if (!before) spawned.add(agent.id)
    // Only the newest control signal can be open, and the agent's row shows whether it is.
    else if (issued && isControl(issued.kind) && isControlOpen(before)) superseded.add(agent.id)
    agents.set(agent.id, after)
    changed.add(agent.id)
    for (const signal of signals) this.#update(signal)
    for (const request of requests) this.#slice.requests.change(request, after.seq)
    if (issued) this.#issue(issued, after, traceparent)
    if (issued) this.holds.note(before, after)
    return next ? this.apply(next, actor, traceparent) : after
  }

  #update(signal: SignalRecord): void {
    const { issued, updated } = this.#slice
    this.#keep(signal)
    if (!issued.has(signal.id)) updated.set(signal.id, signal.agent_id)
  }

  /** An agent's open requests end before it does, whatever terminates it. Returns what that changes about it. */
  #endRequests(before: AgentState, cause: Cause): Pick<AgentState, 'open_requests' | 'seq' | 'updated_at'> {
    const places = Array.from({ length: before.open_requests }, () => this.#numbering.next(before.project_id))
    const { seq, at } = places.at(-1) ?? { seq: before.seq, at: before.updated_at }
    this.#slice.endings.add({ agent: before, cause, places })
    this.#slice.requests.terminate(before.id, at)
    return { open_requests: 0, seq, updated_at: at }
  }

  #log(
    agent: AgentState,
    event: EventDetail,
    place: EventPlace,
    { actor, traceparent, used = [] }: Cause & { used?: readonly Used[] },
  ): AgentState {
    const after: AgentState = { ...agent, updated_at: place.at, seq: place.seq }
    const frame = writeFrame({ ...place, ...event, actor, agent: toAgentSummary(after) })
    const logged = { ...place, name: event.name, frame }
    const eventDetails = [{ ...event, actor: actor.kind, times: 1, used: sumUsed(used) }]
    this.#slice.events.push(logged)
    this.#activity.addEvent(place.project_id)
    this.#news.add({ ...logged, eventDetails, traceparent })
    return after
  }

  /** Takes an event of a locked project itself. */
  logOfProject(project_id: string, detail: ProjectEventDetail, actor: Actor): void {
    const place = this.#numbering.next(project_id)
    const { name } = detail
    const logged = { ...place, name, frame: writeProjectFrame({ ...place, ...detail, actor }) }
    this.#slice.events.push(logged)
    this.#activity.addEvent(project_id)
    this.#news.add({
      ...logged,
      eventDetails: [{ name, actor: actor.kind, times: 1 }],
      traceparent: this.#traceparent,
    })
  }

  /** A control signal supersedes the agent's earlier ones, both in the database and in this transaction. */
  #issue(signal: NewSignal, { id: agent_id, seq }: AgentState, traceparent: Traceparent | undefined): void {
    const { signals, issued } = this.#slice
    if (isControl(signal.kind)) {
      for (const earlier of signals.get(agent_id)?.values() ?? []) {
        if (isControl(earlier.kind) && !earlier.outcome) this.#update({ ...earlier, outcome: 'superseded' })
      }
    }
    issued.set(signal.id, agent_id)
    this.#keep({ ...signal, agent_id, seq, traceparent: traceparent ?? null })
  }

  /** Writes what has been decided so far, and forgets it. */
  async write(): Promise<void> {
    if (this.#slice.changed.size > 0 || this.#slice.events.length > 0) this.#send([])
    await this.#writeEndings()
    this.#slice = emptySlice()
  }

  /** Writes what has been decided so far, before what follows: a name has to be free when another agent takes it. */
  writeSoFar(): void {
    if (this.#slice.changed.size === 0) return
    this.#send([])
    const { agents, signals, requests, endings } = this.#slice
    this.#slice = { ...emptySlice(), signals, requests, endings }
    this.take(agents.values())
  }

  /** After the slice, so that requests of this very transaction are found, too. */
  #writeEndings(): Promise<void> {
    const { endings } = this.#slice
    return endings.write(this.sql, {
      announce: (agent, event, place, cause) => this.#log(agent, event, place, cause),
      send: () => writeChanges(this.sql, { ...nothing, events: this.#slice.events.splice(0) }),
    })
  }

  /** Writes the rest with the commit. Returns the events to publish after it. */
  async flush(): Promise<readonly LoggedEvent[]> {
    const heads = this.#numbering.changed
    if (heads.length > 0 || this.#slice.changed.size > 0) this.#send(heads)
    await this.#writeEndings()
    addActivity(this.sql, this.#activity.take(heads, this.now))
    return this.#news.events()
  }

  #send(heads: readonly ProjectHead[]): void {
    const { agents, spawned, changed, events, issued, updated, superseded, requests } = this.#slice
    writeChanges(this.sql, {
      changed: [...changed].filter((id) => !spawned.has(id)).map((id) => this.#toWrite(id)),
      spawned: [...spawned].flatMap((id) => agents.get(id) ?? []),
      events: events.splice(0),
      issued: this.#pick(issued),
      signals: this.#pick(updated),
      superseded: [...superseded],
      heads,
    })
    saveRequests(this.sql, requests.takeChanged())
    addUsage(this.sql, this.#usage.take())
    this.holds.send()
  }

  #pick(ids: ReadonlyMap<string, string>): SignalRecord[] {
    return [...ids].flatMap(([id, agent_id]) => this.signal(agent_id, id) ?? [])
  }

  /** An unchanged memory, which may be 64 KiB, is left out. */
  #toWrite(id: string) {
    const agent = this.#slice.agents.get(id)
    if (!agent) throw new Error('a changed agent is not known')
    const same = agent.short_term_memory === this.#slice.memories.get(id)
    return { ...agent, short_term_memory: same ? null : agent.short_term_memory }
  }
}

function countIn(agent: AgentState | undefined): number {
  return agent && agent.status !== 'terminated' ? 1 : 0
}

const nothing = { spawned: [], changed: [], issued: [], signals: [], superseded: [], heads: [] }

/** What is read and decided but not written yet. */
function emptySlice() {
  return {
    agents: new Map<string, AgentState>(),
    memories: new Map<string, unknown>(),
    spawned: new Set<string>(),
    changed: new Set<string>(),
    superseded: new Set<string>(),
    events: [] as LoggedEvent[],
    requests: new RequestBook(),
    endings: new RequestEndings(),
    /** By agent and id: signals that were read or issued here, in their current state. */
    signals: new Map<string, Map<string, SignalRecord>>(),
    /** Agents by the ids of their new signals, and below of those that have changed. */
    issued: new Map<string, string>(),
    updated: new Map<string, string>(),
  }
}

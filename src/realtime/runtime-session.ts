import pLimit from 'p-limit'
import { acknowledgeSignal, reportAgent } from '#src/commands/runtime.ts'
import type { Writes } from '#src/commands/write-batch.ts'
import { assertAllowed, assertReaches, type Principal, toActor } from '#src/domain/access.ts'
import { type AgentState, pendingSignals, toAgent } from '#src/domain/agent.ts'
import { notFound, refuse } from '#src/domain/errors.ts'
import { MAX_AGENTS } from '#src/protocol/bounds.ts'
import type { ClientMessage } from '#src/protocol/frames.ts'
import { findRoleByAgent } from '#src/store/access.ts'
import type { Database } from '#src/store/database.ts'
import type { Traceparent } from '#src/tracing/trace.ts'
import type { Connection } from './connection.ts'
import type { DetachReason, Link } from './link.ts'
import type { RuntimeLinks } from './runtime-links.ts'

/** Attaches of one socket under way: each is answered with a whole agent, of up to 265 KB, so more could flood it. */
const MAX_ATTACHING = 10

type Parts = { database: Database; writes: Writes; links: RuntimeLinks }

/** The runtime's side of one connection: the agents attached on it, and what is said for them. */
export class RuntimeSession {
  readonly #parts: Parts
  readonly #connection: Connection
  readonly #links = new Map<string, Link>()
  /** Agents whose newest link is elsewhere by now: what is still said for them is refused as that. */
  readonly #replaced = new Set<string>()
  /** Attaches and detaches under way: what is said for their agents meanwhile waits for them. */
  readonly #moving = new Map<string, Promise<unknown>>()
  #reserved = 0
  readonly #limitAttaching = pLimit(MAX_ATTACHING)

  constructor(parts: Parts, connection: Connection) {
    this.#parts = parts
    this.#connection = connection
  }

  attach(message: ClientMessage<'attach'>, principal: Principal): Promise<void> {
    return this.#inTurn(message.agent_id, async () => {
      const more = this.#links.has(message.agent_id) ? 0 : 1
      if (this.#links.size + this.#reserved + more > MAX_AGENTS) {
        throw refuse('invalid', `At most ${MAX_AGENTS} agents on one connection`, 'agent_id')
      }
      this.#reserved += more
      const attach = () => this.#attach(message, principal)
      await this.#limitAttaching(attach).finally(() => {
        this.#reserved -= more
      })
    })
  }

  detach({ id, agent_id }: ClientMessage<'detach'>): Promise<void> {
    return this.#inTurn(agent_id, async () => {
      const link = this.#find(agent_id)
      this.#links.delete(agent_id)
      // Nothing reaches it any more, also where that cannot be committed now: `reconcile` does it later.
      await this.#parts.links.end(link, { isRequested: true }).catch(() => {})
      this.#connection.send({ type: 'detached', id, agent_id, reason: 'requested' })
    })
  }

  async acknowledge({ id, agent_id, signal_id, outcome, detail }: ClientMessage<'ack'>): Promise<void> {
    const link = await this.#settled(agent_id)
    const kept = await acknowledgeSignal(this.#parts, link, { signal_id, outcome, detail })
    link.acknowledged(signal_id)
    this.#connection.send({ type: 'acknowledged', id, agent_id, signal_id, outcome: kept })
  }

  async report({ id, agent_id, type: _, ...report }: ClientMessage<'report'>): Promise<void> {
    const link = await this.#settled(agent_id)
    const { agent, duplicate, status_rejected } = await reportAgent(this.#parts, link, report)
    const outcome = duplicate ? 'duplicate' : status_rejected === undefined ? 'applied' : 'status_rejected'
    this.#parts.links.reports[outcome]++
    this.#connection.send({
      type: 'reported',
      id,
      agent_id,
      n: report.n,
      status: agent.status,
      seq: agent.seq,
      ...(duplicate && { duplicate }),
      ...(status_rejected !== undefined && { status_rejected }),
    })
  }

  /** The trace of a signal that this connection was sent for an agent of its own. */
  traceOf({ agent_id, signal_id }: ClientMessage<'ack'>): Traceparent | undefined {
    return this.#links.get(agent_id)?.traceOf(signal_id)
  }

  has(agent_id: string): boolean {
    return this.#links.has(agent_id) || this.#moving.has(agent_id)
  }

  /** The projects of the agents attached here. */
  projects(): Set<string> {
    return new Set([...this.#links.values()].map((link) => link.project_id))
  }

  /** The right to attach agents of a project is gone. */
  revoke(project_id: string): void {
    for (const link of [...this.#links.values()]) {
      if (link.project_id !== project_id) continue
      this.#parts.links.end(link).catch(() => {})
      this.#detached(link.agent_id, 'revoked')
    }
  }

  /** The socket is closed. */
  stop(): void {
    for (const link of this.#links.values()) this.#parts.links.end(link).catch(() => {})
    this.#links.clear()
  }

  async #attach({ id, agent_id }: ClientMessage<'attach'>, principal: Principal): Promise<void> {
    if (this.#connection.isFull) await this.#connection.drained()
    assertReaches(principal, agent_id)
    const found = await findRoleByAgent(this.#parts.database, principal, agent_id)
    if (!found) throw notFound.agentAnywhere(agent_id)
    assertAllowed(found.role, 'attach_agent')
    // It may have waited for its socket: one that has closed must not take the agents of the one that came after it.
    if (!this.#connection.isOpen) return
    await this.#parts.links.attach({
      agent_id,
      project_id: found.project_id,
      actor: toActor(principal),
      outlet: this.#connection,
      onAttached: (link, agent) => this.#attached(id, link, agent),
      onDetached: (reason) => this.#detached(agent_id, reason),
    })
  }

  #attached(id: string | undefined, link: Link, agent: AgentState): void {
    const { agent_id, lease } = link
    this.#links.set(agent_id, link)
    this.#replaced.delete(agent_id)
    const { last_report } = agent
    const pending_signals = pendingSignals(agent)
    this.#connection.send({
      type: 'attached',
      id,
      agent_id,
      lease,
      agent: toAgent(agent),
      last_report,
      pending_signals,
    })
  }

  #detached(agent_id: string, reason: DetachReason): void {
    this.#links.delete(agent_id)
    if (reason === 'replaced') {
      const [oldest] = this.#replaced.size >= MAX_AGENTS ? this.#replaced : []
      if (oldest) this.#replaced.delete(oldest)
      this.#replaced.add(agent_id)
    }
    this.#connection.send({ type: 'detached', agent_id, reason })
  }

  #find(agent_id: string): Link {
    const link = this.#links.get(agent_id)
    if (link) return link
    if (this.#replaced.has(agent_id)) {
      throw refuse('replaced', 'A newer link has taken the place of this one', 'agent_id')
    }
    throw refuse('not_attached', 'The agent is not attached on this connection', 'agent_id')
  }

  /** The link of an agent once no attach or detach of it is under way. */
  async #settled(agent_id: string): Promise<Link> {
    await this.#moving.get(agent_id)
    return this.#find(agent_id)
  }

  #inTurn(agent_id: string, move: () => Promise<void>): Promise<void> {
    const before = this.#moving.get(agent_id)
    const moving = before ? before.then(move) : move()
    const settled = moving
      .catch(() => {})
      .then(() => {
        if (this.#moving.get(agent_id) === settled) this.#moving.delete(agent_id)
      })
    this.#moving.set(agent_id, settled)
    return moving
  }
}

import pLimit from 'p-limit'
import { delegateAgent, type Issuer } from '#src/commands/api-keys.ts'
import { askPeople, withdrawRequest } from '#src/commands/requests.ts'
import { type Attached, acknowledgeSignal, reportAgent } from '#src/commands/runtime.ts'
import type { Writes } from '#src/commands/write-batch.ts'
import { assertReaches, type Principal, toActor } from '#src/domain/access.ts'
import { toAgent } from '#src/domain/agent.ts'
import { pendingSignals } from '#src/domain/control.ts'
import type { Registration } from '#src/domain/registration.ts'
import { toRequest } from '#src/domain/request.ts'
import { toTypeKey } from '#src/protocol/messages/register.ts'
import type { ClientMessage } from '#src/protocol/messages/up.ts'
import { MAX_ATTACHING } from '#src/realtime/bounds.ts'
import type { Connection } from '#src/realtime/socket/connection.ts'
import type { DatabaseClock } from '#src/store/clock.ts'
import type { Database } from '#src/store/database.ts'
import type { Traceparent } from '#src/tracing/trace.ts'
import { AgentTurns } from './agent-turns.ts'
import { AttachedAgents, tooManyAgents } from './attached-agents.ts'
import type { DetachReason, Link } from './link.ts'
import { assertMayAttach, assertMayRegister, projectOf } from './may-attach.ts'
import type { RuntimeLinks } from './runtime-links.ts'

type Services = { database: Database; writes: Writes; links: RuntimeLinks; clock: DatabaseClock }

/** The runtime's side of one connection: its attached agents, and the messages for them. */
export class RuntimeSession {
  readonly #services: Services
  readonly #connection: Connection
  readonly #agents = new AttachedAgents()
  /** Messages for an agent wait for its attaches and detaches under way. */
  readonly #turns = new AgentTurns()
  readonly #limitAttaching = pLimit(MAX_ATTACHING)

  constructor(services: Services, connection: Connection) {
    this.#services = services
    this.#connection = connection
  }

  attach(message: ClientMessage<'attach'>, principal: Principal): Promise<void> {
    return this.#turns.run([message.agent_id], async () => {
      const attach = () => this.#limitAttaching(() => this.#attach(message, principal))
      if (this.#agents.has(message.agent_id)) return attach()
      await this.#reserve('agent_id', attach)
    })
  }

  async register(message: ClientMessage<'register'>, principal: Principal): Promise<void> {
    const project_id = projectOf(message, principal)
    const name = { project_id, external_id: message.external_id }
    const known = this.#agents.idOf(name)
    const keys = [`${project_id} ${message.external_id}`, ...(known === undefined ? [] : [known])]
    await this.#turns.run(keys, async () => {
      const register = (only_id?: string) =>
        this.#limitAttaching(() => this.#register({ ...message, project_id }, principal, only_id))
      const attached = this.#agents.idOf(name)
      if (attached === undefined) return this.#reserve('external_id', register)
      await register(this.#agents.hasRoom ? undefined : attached)
    })
  }

  async #reserve(field: string, attach: () => Promise<void>): Promise<void> {
    if (!this.#agents.hasRoom) throw tooManyAgents(field)
    await this.#agents.reserve(attach)
  }

  detach({ id, agent_id }: ClientMessage<'detach'>): Promise<void> {
    return this.#turns.run([agent_id], async () => {
      const link = this.#agents.require(agent_id)
      this.#agents.delete(agent_id)
      // No signal reaches it from now on. If this cannot be committed, `reconcile` makes up for it.
      await this.#services.links.end(link, { isRequested: true }).catch(() => {})
      this.#connection.send({ type: 'detached', id, agent_id, reason: 'requested' })
    })
  }

  async acknowledge({ id, agent_id, signal_id, outcome, detail }: ClientMessage<'ack'>): Promise<void> {
    const link = await this.#settled(agent_id)
    const recorded = await acknowledgeSignal(this.#services, link, { signal_id, outcome, detail })
    link.acknowledged(signal_id)
    this.#connection.send({ type: 'acknowledged', id, agent_id, signal_id, outcome: recorded })
  }

  async report({ id, agent_id, type: _, ...report }: ClientMessage<'report'>): Promise<void> {
    const link = await this.#settled(agent_id)
    link.receivedReport(report.n)
    const unapplied = () => link.unapplied
    const { agent, duplicate, status_rejected } = await reportAgent(this.#services, link, {
      report,
      said: unapplied,
    })
    link.appliedReports(agent.last_report)
    const outcome = duplicate ? 'duplicate' : status_rejected === undefined ? 'applied' : 'status_rejected'
    this.#services.links.reports[outcome]++
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

  async ask({ id, agent_id, type: _, ...question }: ClientMessage<'request'>): Promise<void> {
    const link = await this.#settled(agent_id)
    const { request, status_rejected } = await askPeople(this.#services, link, question)
    this.#connection.send({
      type: 'requested',
      id,
      agent_id,
      request: toRequest(request),
      ...(status_rejected !== undefined && { status_rejected }),
    })
  }

  async withdraw({ id, agent_id, request_id }: ClientMessage<'withdraw'>): Promise<void> {
    const link = await this.#settled(agent_id)
    const request = await withdrawRequest(this.#services, link, request_id)
    this.#connection.send({ type: 'withdrawn', id, agent_id, request: toRequest(request) })
  }

  async delegate({ id, agent_id, expires_in }: ClientMessage<'delegate'>, issuer: Issuer): Promise<void> {
    const { project_id } = await this.#settled(agent_id)
    const { database, clock } = this.#services
    const context = { database, clock: clock.time }
    const issued = await delegateAgent(context, { project_id, agent_id, issuer }, expires_in)
    this.#connection.send({ type: 'delegated', id, agent_id, ...issued })
  }

  /** The trace of a signal that was sent on this connection. */
  traceOf({ agent_id, signal_id }: ClientMessage<'ack'>): Traceparent | undefined {
    return this.#agents.get(agent_id)?.traceOf(signal_id)
  }

  has(agent_id: string): boolean {
    return this.#agents.has(agent_id) || this.#turns.has(agent_id)
  }

  /** The projects of the agents attached here. */
  projects(): Set<string> {
    return new Set(this.#agents.links().map((link) => link.project_id))
  }

  /** Ends the links of a project whose agents the principal may no longer attach. */
  revoke(project_id: string): void {
    for (const link of this.#agents.links()) {
      if (link.project_id !== project_id) continue
      this.#services.links.end(link).catch(() => {})
      this.#detached(link.agent_id, 'revoked')
    }
  }

  /** The socket is closed. */
  stop(): void {
    for (const link of this.#agents.links()) this.#services.links.end(link).catch(() => {})
    this.#agents.clear()
  }

  async #attach(
    { id, agent_id, type: _, ...runtime }: ClientMessage<'attach'>,
    principal: Principal,
  ): Promise<void> {
    if (this.#connection.isFull) await this.#connection.drained()
    const project_id = await assertMayAttach(this.#services.database, principal, agent_id)
    // The attach may have waited for its socket. A closed socket must not take an agent from its successor.
    if (!this.#connection.isOpen) return
    await this.#services.links.attach({ ...this.#linking(id, principal, project_id), agent_id, runtime })
  }

  async #register(
    message: ClientMessage<'register'> & { project_id: string },
    principal: Principal,
    only_id: string | undefined,
  ): Promise<void> {
    const { id, type: _, project_id, agent_type, capabilities, client, ...agent } = message
    if (this.#connection.isFull) await this.#connection.drained()
    await assertMayRegister(this.#services.database, principal, message)
    if (!this.#connection.isOpen) return
    await this.#services.links.register({
      ...this.#linking(id, principal, project_id),
      registering: {
        ...agent,
        agent_type: toTypeKey(agent_type),
        reach: (holder) => assertReaches(principal, holder.parent_id ?? undefined),
      },
      runtime: { capabilities, client },
      admit(agent_id) {
        if (only_id !== undefined && agent_id !== only_id) throw tooManyAgents('external_id')
      },
    })
  }

  #linking(id: string | undefined, principal: Principal, project_id: string) {
    return {
      project_id,
      actor: toActor(principal),
      outlet: this.#connection,
      onAttached: (link: Link, attached: Attached, registered?: Registration) =>
        this.#attached(id, link, attached, registered),
      onDetached: (agent_id: string, reason: DetachReason) => this.#detached(agent_id, reason),
    }
  }

  #attached(
    id: string | undefined,
    link: Link,
    { agent, open_requests }: Attached,
    registered?: Registration,
  ): void {
    const { agent_id, lease } = link
    this.#agents.add(link, agent)
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
      open_requests: [...open_requests],
      registered,
    })
  }

  #detached(agent_id: string, reason: DetachReason): void {
    this.#agents.delete(agent_id, reason)
    this.#connection.send({ type: 'detached', agent_id, reason })
  }

  /** The link of an agent, once no attach or detach of it is under way. */
  async #settled(agent_id: string): Promise<Link> {
    await this.#turns.settled(agent_id)
    return this.#agents.require(agent_id)
  }
}

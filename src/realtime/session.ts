import type { Authenticate, Authentication } from '#src/auth/authenticate.ts'
import type { Writes } from '#src/commands/write-batch.ts'
import { assertAllowed, type Principal, type ProjectOperation } from '#src/domain/access.ts'
import { notFound, refuse } from '#src/domain/errors.ts'
import { MAX_SUBSCRIPTIONS } from '#src/protocol/bounds.ts'
import { type ClientMessage, type ClientMessageType, concurrentMessages } from '#src/protocol/frames.ts'
import { findProjectRole } from '#src/store/access.ts'
import type { Database } from '#src/store/database.ts'
import { asSpan, parentFrom, SpanKind } from '#src/tracing/trace.ts'
import type { Guarded } from './access-watch.ts'
import type { Connection } from './connection.ts'
import { Credentials } from './credentials.ts'
import type { Hub } from './hub.ts'
import { parseJson, parseMessage, replyIdOf, toErrorFrame, toRefusal } from './message.ts'
import { type MessageClass, MessageRate } from './message-rate.ts'
import type { RuntimeLinks } from './runtime-links.ts'
import { RuntimeSession } from './runtime-session.ts'
import type { Snapshots } from './snapshots.ts'
import { type SocketCounts, tooMany } from './socket-counts.ts'
import { Subscription } from './subscription.ts'

export type SessionParts = {
  authenticate: Authenticate
  database: Database
  hub: Hub
  snapshots: Snapshots
  links: RuntimeLinks
  counts: SocketCounts
  writes: Writes
  onError: (error: unknown) => void
}

type Handlers = { [Type in ClientMessageType]: (message: ClientMessage<Type>) => Promise<void> | void }

/** What a client says on one connection, and what it gets for it. */
export class Session implements Guarded {
  readonly #parts: SessionParts
  readonly #connection: Connection
  readonly #subscriptions = new Map<string, Subscription>()
  readonly #runtime: RuntimeSession
  readonly #credentials: Credentials
  readonly #rate = new MessageRate()

  constructor(parts: SessionParts, connection: Connection, address: string) {
    this.#parts = parts
    this.#connection = connection
    this.#runtime = new RuntimeSession(parts, connection)
    const refuse = (error: unknown, id: string | undefined) => this.#refuse(error, id)
    this.#credentials = new Credentials({ ...parts, address }, connection, refuse)
    // At once, not when the peer has answered: what is sent to them from now on is lost.
    connection.onClosing(() => {
      this.#endAll()
      this.#runtime.stop()
    })
  }

  get authentication(): Authentication | undefined {
    return this.#credentials.current
  }

  /** Begins with the credentials of the upgrade; without any, `auth` has to come in time. */
  start(authentication: Authentication | undefined): void {
    this.#credentials.start(authentication)
  }

  stop(): void {
    this.#credentials.stop()
    this.#endAll()
    this.#runtime.stop()
  }

  *uses(): Iterable<{ project_id: string; operation: ProjectOperation }> {
    for (const project_id of this.#subscriptions.keys()) yield { project_id, operation: 'watch_project' }
    for (const project_id of this.#runtime.projects()) yield { project_id, operation: 'attach_agent' }
  }

  refresh(principal: Principal): void {
    this.#credentials.refresh(principal)
  }

  credentialLost(): void {
    this.#connection.close('unauthenticated')
  }

  accessLost(project_id: string, operation: ProjectOperation): void {
    if (operation === 'attach_agent') return this.#runtime.revoke(project_id)
    if (!this.#subscriptions.has(project_id)) return
    this.#end(project_id)
    this.#connection.send({ type: 'unsubscribed', project_id, reason: 'forbidden' })
  }

  /**
   * Resolves when the next message may be handled: at once after one that can be under way together with
   * others. `answered` is called when this one is.
   */
  async handle(text: string, answered: () => void): Promise<void> {
    let id: string | undefined
    let isConcurrent = false
    let kind: MessageClass | undefined
    const work = async () => {
      const json = parseJson(text)
      id = replyIdOf(json)
      const message = parseMessage(json, this.authentication !== undefined)
      kind = this.#classify(message)
      isConcurrent = concurrentMessages.has(message.type)
      if (this.#isInTime(kind)) await this.#dispatch(message)
    }
    const answering = work()
      .catch((error: unknown) => {
        // What cannot be read is counted, too.
        if (kind || this.#isInTime('ordinary')) this.#refuse(error, id)
      })
      .finally(answered)
    if (!isConcurrent) await answering
  }

  #classify(message: ClientMessage): MessageClass {
    if (message.type === 'ack' || message.type === 'attach') return 'runtime'
    return message.type === 'report' && this.#runtime.has(message.agent_id) ? 'runtime' : 'ordinary'
  }

  /** False: it was one message too many, and the connection is closed. */
  #isInTime(kind: MessageClass): boolean {
    if (this.#rate.take(kind, Date.now())) return true
    if (this.#connection.isOpen) this.#refuse(tooMany('Too many messages'), undefined)
    this.#connection.close('too_many')
    return false
  }

  /** A span of its own; that of an acknowledgement is in the trace of its signal, the others begin one. */
  #dispatch(message: ClientMessage): Promise<void> {
    const traceparent = message.type === 'ack' ? this.#runtime.traceOf(message) : undefined
    return asSpan(
      `ws ${message.type}`,
      { kind: SpanKind.SERVER, parent: parentFrom({ traceparent }) },
      async () => this.#handlers[message.type](message as never),
    )
  }

  readonly #handlers: Handlers = {
    auth: (auth) => this.#credentials.take(auth),
    subscribe: (subscribe) => this.#subscribe(subscribe),
    unsubscribe: (unsubscribe) => this.#unsubscribe(unsubscribe),
    ping: ({ id }) => this.#connection.send({ type: 'pong', id, at: new Date().toISOString() }),
    attach: (attach) => this.#runtime.attach(attach, this.#required),
    detach: (detach) => this.#runtime.detach(detach),
    ack: (ack) => this.#runtime.acknowledge(ack),
    report: (report) => this.#runtime.report(report),
  }

  get #required(): Principal {
    if (!this.authentication) throw refuse('no_credentials', 'Authenticate first')
    return this.authentication.principal
  }

  async #subscribe({ id, project_id, after, epoch }: ClientMessage<'subscribe'>): Promise<void> {
    if (!this.#subscriptions.has(project_id) && this.#subscriptions.size >= MAX_SUBSCRIPTIONS) {
      this.#refuse(refuse('invalid', `At most ${MAX_SUBSCRIPTIONS} subscriptions`, 'project_id'), id)
      return this.#connection.close('too_many')
    }
    const { hub, snapshots, database } = this.#parts
    const access = await findProjectRole(database, this.#required, project_id)
    if (!access) throw notFound.project(project_id)
    assertAllowed(access.role, 'watch_project')
    const feed = await hub.acquire(project_id)
    if (!feed) throw notFound.project(project_id)

    this.#end(project_id)
    const subscription = new Subscription(feed, { connection: this.#connection, hub, snapshots }, () => {
      this.#end(project_id)
      this.#connection.send({ type: 'unsubscribed', project_id, reason: 'deleted' })
    })
    this.#subscriptions.set(project_id, subscription)
    hub.counts.subscriptions++
    try {
      await subscription.start({ after, epoch, id })
    } catch (error) {
      this.#end(project_id)
      throw error
    }
    // The socket may have closed while the database was asked.
    if (!this.#connection.isOpen) this.#end(project_id)
  }

  #unsubscribe({ id, project_id }: ClientMessage<'unsubscribe'>): void {
    this.#end(project_id)
    this.#connection.send({ type: 'unsubscribed', id, project_id, reason: 'requested' })
  }

  #endAll(): void {
    for (const project_id of this.#subscriptions.keys()) this.#end(project_id)
  }

  #end(project_id: string): void {
    const subscription = this.#subscriptions.get(project_id)
    if (!subscription) return
    subscription.stop()
    this.#subscriptions.delete(project_id)
    this.#parts.hub.counts.subscriptions--
  }

  #refuse(error: unknown, id: string | undefined): void {
    this.#connection.send(toErrorFrame(toRefusal(error, this.#parts.onError), id))
  }
}

import type { Authenticate, Authentication } from '#src/auth/authenticate.ts'
import type { Writes } from '#src/commands/write-batch.ts'
import { assertAllowed, type Principal, type ProjectOperation, userBehind } from '#src/domain/access.ts'
import { notFound, refuse } from '#src/domain/errors.ts'
import type { UnsentBudget } from '#src/domain/unsent-budget.ts'
import { MAX_SUBSCRIPTIONS } from '#src/protocol/bounds.ts'
import { type ClientMessage, type ClientMessageType, concurrentMessages } from '#src/protocol/messages/up.ts'
import type { Guarded } from '#src/realtime/access/access-recheck.ts'
import { type SocketCounts, tooMany } from '#src/realtime/access/socket-counts.ts'
import type { Hub } from '#src/realtime/feed/hub.ts'
import type { Snapshots } from '#src/realtime/feed/snapshots.ts'
import { Subscription } from '#src/realtime/feed/subscription.ts'
import type { RuntimeLinks } from '#src/realtime/runtimes/runtime-links.ts'
import { RuntimeSession } from '#src/realtime/runtimes/runtime-session.ts'
import type { AwakeClock } from '#src/realtime/socket/awake-clock.ts'
import type { Connection } from '#src/realtime/socket/connection.ts'
import { parseJson, parseMessage, replyIdOf, toErrorFrame } from '#src/realtime/socket/message.ts'
import { type MessageClass, MessageRate } from '#src/realtime/socket/message-rate.ts'
import { findProjectRole } from '#src/store/access.ts'
import type { DatabaseClock } from '#src/store/clock.ts'
import type { Database } from '#src/store/database.ts'
import { toRefusal } from '#src/store/failures.ts'
import { asSpan, parentFrom, SpanKind } from '#src/tracing/trace.ts'
import { Credentials } from './credentials.ts'

export type SessionServices = {
  authenticate: Authenticate
  database: Database
  hub: Hub
  snapshots: Snapshots
  links: RuntimeLinks
  counts: SocketCounts
  budget: UnsentBudget
  writes: Writes
  clock: DatabaseClock
  awake: AwakeClock
  onError: (error: unknown) => void
}

const ofRuntimes: ReadonlySet<ClientMessageType> = new Set(['ack', 'attach', 'register'])
/** These count as the runtime's if their agent is attached. */
const ofAttached: ReadonlySet<ClientMessageType> = new Set(['report', 'request', 'withdraw'])

type Handlers = { [Type in ClientMessageType]: (message: ClientMessage<Type>) => Promise<void> | void }

/** One client's conversation: handles its messages and sends the answers. */
export class Session implements Guarded {
  readonly #services: SessionServices
  readonly #connection: Connection
  readonly #subscriptions = new Map<string, Subscription>()
  readonly #runtime: RuntimeSession
  readonly #credentials: Credentials
  readonly #rate = new MessageRate()

  constructor(services: SessionServices, connection: Connection, address: string) {
    this.#services = services
    this.#connection = connection
    this.#runtime = new RuntimeSession(services, connection)
    const refuse = (error: unknown, id: string | undefined) => this.#refuse(error, id)
    this.#credentials = new Credentials({ ...services, address }, connection, refuse)
    // At once, and not when the peer has answered: frames sent from now on are lost.
    connection.onClosing(() => {
      this.#endAll()
      this.#runtime.stop()
    })
  }

  get authentication(): Authentication | undefined {
    return this.#credentials.current
  }

  /** Starts with the credentials of the upgrade. Without any, the client has to send `auth` in time. */
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
   * Resolves when the next message may be handled, which is at once for messages that may run concurrently. Calls
   * `answered` when this message is answered.
   */
  async handle(text: string, answered: () => void): Promise<void> {
    let id: string | undefined
    let isConcurrent = false
    let kind: MessageClass | undefined
    const work = async () => {
      const json = parseJson(text)
      id = replyIdOf(json)
      const message = parseMessage(json, text, this.authentication !== undefined)
      kind = this.#classify(message)
      isConcurrent = concurrentMessages.has(message.type)
      if (this.#isWithinRate(kind)) await this.#dispatch(message)
    }
    const answering = work()
      .catch((error: unknown) => {
        // A message that cannot be parsed counts as ordinary.
        if (kind || this.#isWithinRate('ordinary')) this.#refuse(error, id)
      })
      .finally(answered)
    if (!isConcurrent) await answering
  }

  #classify(message: ClientMessage): MessageClass {
    const isRuntimes = ofAttached.has(message.type)
      ? 'agent_id' in message && this.#runtime.has(message.agent_id)
      : ofRuntimes.has(message.type)
    return isRuntimes ? 'runtime' : 'ordinary'
  }

  /** False: the message exceeded the rate, and the connection is closed. */
  #isWithinRate(kind: MessageClass): boolean {
    if (this.#rate.take(kind, performance.now())) return true
    if (this.#connection.isOpen) this.#refuse(tooMany('Too many messages'), undefined)
    this.#connection.close('too_many')
    return false
  }

  /** Handles a message as a span: an acknowledgement in its signal's trace, any other message in a new one. */
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
    ping: ({ id }) => this.#connection.send({ type: 'pong', id, at: this.#services.clock.time() }),
    attach: (attach) => this.#runtime.attach(attach, this.#required),
    register: (register) => this.#runtime.register(register, this.#required),
    detach: (detach) => this.#runtime.detach(detach),
    ack: (ack) => this.#runtime.acknowledge(ack),
    report: (report) => this.#runtime.report(report),
    request: (request) => this.#runtime.ask(request),
    withdraw: (withdraw) => this.#runtime.withdraw(withdraw),
    delegate: (delegate) => this.#runtime.delegate(delegate, this.#authenticated),
  }

  get #required(): Principal {
    return this.#authenticated.principal
  }

  get #authenticated(): Authentication {
    if (!this.authentication) throw refuse('no_credentials', 'Authenticate first')
    return this.authentication
  }

  async #subscribe({ id, project_id, after, epoch }: ClientMessage<'subscribe'>): Promise<void> {
    if (!this.#subscriptions.has(project_id) && this.#subscriptions.size >= MAX_SUBSCRIPTIONS) {
      this.#refuse(refuse('invalid', `At most ${MAX_SUBSCRIPTIONS} subscriptions`, 'project_id'), id)
      return this.#connection.close('too_many')
    }
    const { hub, snapshots, database, budget } = this.#services
    const access = await findProjectRole(database, this.#required, project_id)
    if (!access) throw notFound.project(project_id)
    assertAllowed(access.role, 'watch_project')
    const feed = await hub.acquire(project_id)
    if (!feed) throw notFound.project(project_id)

    this.#end(project_id)
    const account = budget.account(userBehind(this.#required))
    this.#connection.account = account
    const watching = { connection: this.#connection, account, hub, snapshots }
    const subscription = new Subscription(feed, watching, () => {
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
    // The socket may have closed during the queries.
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
    this.#services.hub.counts.subscriptions--
  }

  #refuse(error: unknown, id: string | undefined): void {
    this.#connection.send(toErrorFrame(toRefusal(error, this.#services.onError), id))
  }
}

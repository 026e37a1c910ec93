import type { Authenticate, Authentication } from '#src/auth/authenticate.ts'
import type { WriteQueue } from '#src/commands/write-queue.ts'
import { assertAllowed, type Principal } from '#src/domain/access.ts'
import { notFound, refuse } from '#src/domain/errors.ts'
import { type ClientMessage, type ClientMessageType, concurrentMessages } from '#src/protocol/frames.ts'
import { findProjectRole } from '#src/store/access.ts'
import type { Database } from '#src/store/database.ts'
import { isUnavailable } from '#src/store/failures.ts'
import type { Connection } from './connection.ts'
import type { Hub } from './hub.ts'
import { parseJson, parseMessage, replyIdOf, toRefusal, toWirePrincipal } from './message.ts'
import type { RuntimeLinks } from './runtime-links.ts'
import { RuntimeSession } from './runtime-session.ts'
import type { Snapshots } from './snapshots.ts'
import { Subscription } from './subscription.ts'

export type SessionParts = {
  authenticate: Authenticate
  database: Database
  hub: Hub
  snapshots: Snapshots
  links: RuntimeLinks
  writes: WriteQueue
  onError: (error: unknown) => void
}

type Handlers = { [Type in ClientMessageType]: (message: ClientMessage<Type>) => Promise<void> | void }

const AUTH_TIMEOUT_MS = 5_000
const EXPIRY_NOTICE_MS = 60_000
export const MAX_SUBSCRIPTIONS = 100

/** What a client says on one connection, and what it gets for it. */
export class Session {
  readonly #parts: SessionParts
  readonly #connection: Connection
  readonly #subscriptions = new Map<string, Subscription>()
  readonly #runtime: RuntimeSession
  #authentication: Authentication | undefined
  #authTimer: NodeJS.Timeout | undefined
  #expiryTimers: NodeJS.Timeout[] = []

  constructor(parts: SessionParts, connection: Connection) {
    this.#parts = parts
    this.#connection = connection
    this.#runtime = new RuntimeSession(parts, connection)
  }

  get principal(): Principal | null {
    return this.#authentication?.principal ?? null
  }

  /** Begins with the credentials of the upgrade; without any, `auth` has to come in time. */
  start(authentication: Authentication | undefined): void {
    if (authentication) this.#accept(authentication)
    else this.#authTimer = setTimeout(() => this.#connection.close('auth_timeout'), AUTH_TIMEOUT_MS)
  }

  stop(): void {
    clearTimeout(this.#authTimer)
    for (const timer of this.#expiryTimers) clearTimeout(timer)
    for (const subscription of this.#subscriptions.values()) subscription.stop()
    this.#subscriptions.clear()
    this.#runtime.stop()
  }

  /**
   * Resolves when the next message may be handled: at once after one that can be under way together with
   * others. `answered` is called when this one is.
   */
  async handle(text: string, answered: () => void): Promise<void> {
    let id: string | undefined
    let isConcurrent = false
    const work = async () => {
      const json = parseJson(text)
      id = replyIdOf(json)
      const message = parseMessage(json, this.#authentication !== undefined)
      isConcurrent = concurrentMessages.has(message.type)
      await this.#dispatch(message)
    }
    const answering = work()
      .catch((error: unknown) => this.#refuse(error, id))
      .finally(answered)
    if (!isConcurrent) await answering
  }

  #dispatch(message: ClientMessage): Promise<void> | void {
    return this.#handlers[message.type](message as never)
  }

  readonly #handlers: Handlers = {
    auth: (auth) => this.#authenticate(auth),
    subscribe: (subscribe) => this.#subscribe(subscribe),
    unsubscribe: (unsubscribe) => this.#unsubscribe(unsubscribe),
    ping: ({ id }) => this.#connection.send({ type: 'pong', id, at: new Date().toISOString() }),
    attach: (attach) => this.#runtime.attach(attach, this.#required),
    detach: (detach) => this.#runtime.detach(detach),
    ack: (ack) => this.#runtime.acknowledge(ack),
    report: (report) => this.#runtime.report(report),
  }

  get #required(): Principal {
    if (!this.principal) throw refuse('no_credentials', 'Authenticate first')
    return this.principal
  }

  async #authenticate({ id, token }: ClientMessage<'auth'>): Promise<void> {
    let authentication: Authentication
    try {
      authentication = await this.#parts.authenticate(token)
    } catch (error) {
      if (isUnavailable(error)) throw error
      this.#refuse(error, id)
      return this.#connection.close('unauthenticated')
    }
    const before = this.principal
    if (
      before &&
      (before.id !== authentication.principal.id || before.kind !== authentication.principal.kind)
    ) {
      return this.#connection.close('unauthenticated')
    }
    const { principal, expires_at } = this.#accept(authentication)
    const expires = expires_at === null ? null : new Date(expires_at).toISOString()
    this.#connection.send({
      type: 'authenticated',
      id,
      principal: toWirePrincipal(principal),
      expires_at: expires,
    })
  }

  #accept(authentication: Authentication): Authentication {
    clearTimeout(this.#authTimer)
    for (const timer of this.#expiryTimers) clearTimeout(timer)
    this.#authentication = authentication
    const { expires_at } = authentication
    if (expires_at !== null) {
      const left = expires_at - Date.now()
      const notice = { type: 'token_expiring', expires_at: new Date(expires_at).toISOString() } as const
      this.#expiryTimers = [
        setTimeout(() => this.#connection.send(notice), Math.max(0, left - EXPIRY_NOTICE_MS)),
        setTimeout(() => this.#connection.close('unauthenticated'), left),
      ]
    }
    return authentication
  }

  async #subscribe({ id, project_id, after }: ClientMessage<'subscribe'>): Promise<void> {
    if (!this.#subscriptions.has(project_id) && this.#subscriptions.size >= MAX_SUBSCRIPTIONS) {
      this.#refuse(refuse('invalid', `At most ${MAX_SUBSCRIPTIONS} subscriptions`, 'project_id'), id)
      return this.#connection.close('too_many')
    }
    const { hub, snapshots, database } = this.#parts
    const access = this.principal && (await findProjectRole(database, this.principal, project_id))
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
    try {
      await subscription.start({ after, id })
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

  #end(project_id: string): void {
    this.#subscriptions.get(project_id)?.stop()
    this.#subscriptions.delete(project_id)
  }

  #refuse(error: unknown, id: string | undefined): void {
    const refusal = toRefusal(error, this.#parts.onError)
    const [problem] = refusal.problems
    this.#connection.send({
      type: 'error',
      id,
      code: refusal.code,
      message: problem?.message ?? '',
      ...(problem?.field && { field: problem.field }),
    })
  }
}

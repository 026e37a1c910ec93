import type { Authenticate, Authentication } from '#src/auth/authenticate.ts'
import { assertAllowed, type Principal } from '#src/domain/access.ts'
import { notFound, refuse, SignalboxError } from '#src/domain/errors.ts'
import { type ClientMessage, type ClientMessageType, clientMessages } from '#src/protocol/frames.ts'
import { checkObject, findProblem } from '#src/protocol/problems.ts'
import { findProjectRole } from '#src/store/access.ts'
import type { Database } from '#src/store/database.ts'
import { isUnavailable } from '#src/store/failures.ts'
import type { Connection } from './connection.ts'
import type { Hub } from './hub.ts'
import type { Snapshots } from './snapshots.ts'
import { Subscription } from './subscription.ts'

export type SessionParts = {
  authenticate: Authenticate
  database: Database
  hub: Hub
  snapshots: Snapshots
  onError: (error: unknown) => void
}

const AUTH_TIMEOUT_MS = 5_000
const EXPIRY_NOTICE_MS = 60_000
export const MAX_SUBSCRIPTIONS = 100

/** What a client says on one connection, and what it gets for it; messages are answered one after another. */
export class Session {
  readonly #parts: SessionParts
  readonly #connection: Connection
  readonly #subscriptions = new Map<string, Subscription>()
  #authentication: Authentication | undefined
  #authTimer: NodeJS.Timeout | undefined
  #expiryTimers: NodeJS.Timeout[] = []

  constructor(parts: SessionParts, connection: Connection) {
    this.#parts = parts
    this.#connection = connection
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
  }

  async handle(text: string): Promise<void> {
    let id: string | undefined
    try {
      const message = parseJson(text)
      id = replyIdOf(message)
      await this.#dispatch(this.#parse(message))
    } catch (error) {
      this.#refuse(error, id)
    }
  }

  #parse(message: unknown): ClientMessage {
    const type = (message as { type?: unknown } | null)?.type
    if (!this.#authentication && type !== 'auth') throw refuse('no_credentials', 'Authenticate first')
    const problem = findProblem(message)
    if (problem) throw new SignalboxError('invalid', [problem])
    if (typeof type !== 'string' || !Object.hasOwn(clientMessages, type)) {
      throw refuse('invalid', 'Unknown message type', 'type')
    }
    const { problems, output } = checkObject(clientMessages[type as ClientMessageType], message)
    if (problems.length > 0) throw new SignalboxError('invalid', problems)
    return output as ClientMessage
  }

  #dispatch(message: ClientMessage): Promise<void> | void {
    const handlers: { [Type in ClientMessageType]: (message: ClientMessage<Type>) => Promise<void> | void } =
      {
        auth: (auth) => this.#authenticate(auth),
        subscribe: (subscribe) => this.#subscribe(subscribe),
        unsubscribe: (unsubscribe) => this.#unsubscribe(unsubscribe),
        ping: ({ id }) => this.#connection.send({ type: 'pong', id, at: new Date().toISOString() }),
      }
    return handlers[message.type](message as never)
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
    this.#connection.send({ type: 'authenticated', id, principal, expires_at: expires })
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

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw refuse('not_json', 'The message is not JSON')
  }
}

function replyIdOf(message: unknown): string | undefined {
  const id = (message as { id?: unknown } | null)?.id
  return typeof id === 'string' && id.length <= 64 ? id : undefined
}

function toRefusal(error: unknown, onError: (error: unknown) => void): SignalboxError {
  if (error instanceof SignalboxError) return error
  if (isUnavailable(error)) return refuse('unavailable', 'The database cannot be reached')
  onError(error)
  return refuse('internal', 'Internal error')
}

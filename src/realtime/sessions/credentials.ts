import type { Authenticate, Authentication } from '#src/auth/authenticate.ts'
import type { Principal } from '#src/domain/access.ts'
import type { ClientMessage } from '#src/protocol/messages/up.ts'
import { type Quota, quotasOf, type SocketCounts, tooMany } from '#src/realtime/access/socket-counts.ts'
import { callAt } from '#src/realtime/access/timer.ts'
import { AUTH_TIMEOUT_MS, EXPIRY_NOTICE_MS } from '#src/realtime/bounds.ts'
import type { AwakeClock } from '#src/realtime/socket/awake-clock.ts'
import type { Connection } from '#src/realtime/socket/connection.ts'
import { toWirePrincipal } from '#src/realtime/socket/message.ts'
import type { DatabaseClock } from '#src/store/clock.ts'
import { isUnavailable } from '#src/store/failures.ts'

type Services = {
  authenticate: Authenticate
  counts: SocketCounts
  clock: DatabaseClock
  awake: AwakeClock
  address: string
}

/** The credentials of a connection, from the first over each renewal to their expiry. */
export class Credentials {
  readonly #services: Services
  readonly #connection: Connection
  readonly #refuse: (error: unknown, id: string | undefined) => void
  #cancels: (() => void)[] = []
  /** The quotas that this socket uses: a stranger's until it authenticates, then its principal's. */
  #counted: readonly Quota[] = []
  current: Authentication | undefined

  constructor(
    services: Services,
    connection: Connection,
    refuse: (error: unknown, id: string | undefined) => void,
  ) {
    this.#services = services
    this.#connection = connection
    this.#refuse = refuse
  }

  /** Starts with the credentials of the upgrade. Without any, the client has to send `auth` in time. */
  start(authentication: Authentication | undefined): void {
    if (authentication) {
      this.#accept(authentication)
      return
    }
    if (!this.#count([['stranger', this.#services.address]])) return
    const { now } = this.#services.awake
    this.#cancels = [callAt(now() + AUTH_TIMEOUT_MS, now, () => this.#connection.close('auth_timeout'))]
  }

  stop(): void {
    this.#cancelAll()
    this.#services.counts.releaseAll(this.#counted)
    this.#counted = []
  }

  /** Handles `auth`: the first one, or a renewal by the same principal. */
  async take({ id, token }: ClientMessage<'auth'>): Promise<void> {
    let authentication: Authentication
    try {
      authentication = await this.#services.authenticate(token)
    } catch (error) {
      if (isUnavailable(error)) throw error
      this.#refuse(error, id)
      return this.#connection.close('unauthenticated')
    }
    // The connection may have closed during the query.
    if (!this.#connection.isOpen) return
    const { principal, expires_at } = authentication
    const before = this.current?.principal
    if (before && (before.id !== principal.id || before.kind !== principal.kind)) {
      return this.#connection.close('unauthenticated')
    }
    if (!this.#accept(authentication)) return
    this.#connection.send({
      type: 'authenticated',
      id,
      principal: toWirePrincipal(principal),
      expires_at: expires_at === null ? null : new Date(expires_at).toISOString(),
    })
  }

  /** Takes the same principal's current role. */
  refresh(principal: Principal): void {
    if (this.current) this.current = { ...this.current, principal }
  }

  #accept(authentication: Authentication): boolean {
    // A renewal is by the same principal, so it is counted already.
    if (!this.current && !this.#count(quotasOf(authentication.principal))) return false
    this.#cancelAll()
    this.current = authentication
    const { expires_at } = authentication
    if (expires_at !== null) {
      const { now } = this.#services.clock
      const notice = { type: 'token_expiring', expires_at: new Date(expires_at).toISOString() } as const
      this.#cancels = [
        callAt(expires_at - EXPIRY_NOTICE_MS, now, () => this.#connection.send(notice)),
        callAt(expires_at, now, () => this.#connection.close('unauthenticated')),
      ]
    }
    return true
  }

  /** Replaces the quotas of this socket. False: one was used up, and the socket is closed. */
  #count(quotas: readonly Quota[]): boolean {
    const { counts } = this.#services
    counts.releaseAll(this.#counted)
    const isCounted = counts.takeAll(quotas)
    this.#counted = isCounted ? quotas : []
    if (isCounted) return true
    this.#refuse(tooMany(), undefined)
    this.#connection.close('too_many')
    return false
  }

  #cancelAll(): void {
    for (const cancel of this.#cancels) cancel()
    this.#cancels = []
  }
}

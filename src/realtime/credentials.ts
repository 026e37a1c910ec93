import type { Authenticate, Authentication } from '#src/auth/authenticate.ts'
import type { Principal } from '#src/domain/access.ts'
import type { ClientMessage } from '#src/protocol/frames.ts'
import { isUnavailable } from '#src/store/failures.ts'
import type { Connection } from './connection.ts'
import { toWirePrincipal } from './message.ts'
import { type Place, placesOf, type SocketCounts, tooMany } from './socket-counts.ts'
import { callAt } from './timer.ts'

const AUTH_TIMEOUT_MS = 5_000
const EXPIRY_NOTICE_MS = 60_000

type Parts = { authenticate: Authenticate; counts: SocketCounts; address: string }

/** Who a connection belongs to, from its first credentials over each renewal to their end. */
export class Credentials {
  readonly #parts: Parts
  readonly #connection: Connection
  readonly #refuse: (error: unknown, id: string | undefined) => void
  #cancels: (() => void)[] = []
  /** What is counted for this socket: its principal's places once it has one, until then a stranger's. */
  #counted: readonly Place[] = []
  current: Authentication | undefined

  constructor(
    parts: Parts,
    connection: Connection,
    refuse: (error: unknown, id: string | undefined) => void,
  ) {
    this.#parts = parts
    this.#connection = connection
    this.#refuse = refuse
  }

  /** Begins with the credentials of the upgrade; without any, `auth` has to come in time. */
  start(authentication: Authentication | undefined): void {
    if (authentication) {
      this.#accept(authentication)
      return
    }
    if (!this.#count([['stranger', this.#parts.address]])) return
    this.#cancels = [callAt(Date.now() + AUTH_TIMEOUT_MS, () => this.#connection.close('auth_timeout'))]
  }

  stop(): void {
    this.#cancelAll()
    this.#parts.counts.releaseAll(this.#counted)
    this.#counted = []
  }

  /** Message `auth`: the first one, or a renewal by the same principal. */
  async take({ id, token }: ClientMessage<'auth'>): Promise<void> {
    let authentication: Authentication
    try {
      authentication = await this.#parts.authenticate(token)
    } catch (error) {
      if (isUnavailable(error)) throw error
      this.#refuse(error, id)
      return this.#connection.close('unauthenticated')
    }
    // It may have been closed while the database was asked.
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

  /** The same principal, as it is by now. */
  refresh(principal: Principal): void {
    if (this.current) this.current = { ...this.current, principal }
  }

  #accept(authentication: Authentication): boolean {
    // A renewal is by the same principal.
    if (!this.current && !this.#count(placesOf(authentication.principal))) return false
    this.#cancelAll()
    this.current = authentication
    const { expires_at } = authentication
    if (expires_at !== null) {
      const notice = { type: 'token_expiring', expires_at: new Date(expires_at).toISOString() } as const
      this.#cancels = [
        callAt(expires_at - EXPIRY_NOTICE_MS, () => this.#connection.send(notice)),
        callAt(expires_at, () => this.#connection.close('unauthenticated')),
      ]
    }
    return true
  }

  /** Counts this socket anew; false where there are too many, and then it is closed. */
  #count(places: readonly Place[]): boolean {
    const { counts } = this.#parts
    counts.releaseAll(this.#counted)
    const isCounted = counts.takeAll(places)
    this.#counted = isCounted ? places : []
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

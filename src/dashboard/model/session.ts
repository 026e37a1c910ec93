import { type ReadonlySignal, signal } from '@preact/signals'
import { ApiError, type Credentials, type User } from '#src/client/rest.ts'
import { toApiError, transportError } from '#src/client/rest-error.ts'

/** `unknown`: nobody has asked the server yet. `out` says why, where it was not the user's own wish. */
export type SessionState =
  | { kind: 'unknown'; problem?: string }
  | { kind: 'out'; reason?: string | undefined }
  | { kind: 'in'; user: User }

type Access = { access_token: string; expires_in: number; user: User }

/** A token that lasts no longer than this is renewed when it is asked for. */
const RENEWED_BEFORE_MS = 90_000
const CHANNEL = 'signalbox-session'
const endings: Partial<Record<string, string>> = { AUTH_005: 'This user is no longer active.' }

/**
 * Who is signed in. The refresh token is in a cookie that no script sees; the access token is in memory alone. Tabs
 * share the cookie, and a spent refresh token ends the session: so they renew one after the other.
 */
export class Session {
  readonly #state = signal<SessionState>({ kind: 'unknown' })
  #token: { text: string; renew_at: number } | undefined
  #renewal: Promise<string> | undefined
  readonly #tabs = new BroadcastChannel(CHANNEL)

  constructor() {
    this.#tabs.onmessage = () => this.#leave('You signed out in another tab.')
  }

  get state(): ReadonlySignal<SessionState> {
    return this.#state
  }

  /** Goes on with the session that the cookie is of, if there is one. */
  async resume(): Promise<void> {
    this.#state.value = { kind: 'unknown' }
    try {
      await this.#renew()
    } catch (error) {
      if (this.#state.value.kind !== 'unknown') return
      this.#state.value = { kind: 'unknown', problem: error instanceof Error ? error.message : String(error) }
    }
  }

  async signIn(credentials: Credentials): Promise<void> {
    this.#enter(await send('POST', credentials))
  }

  /** Rejects where the server was not told: then the cookie is still good. */
  async signOut(): Promise<void> {
    await send('DELETE')
    this.#leave()
    this.#tabs.postMessage('out')
  }

  /** A token that is good for a while; never the `refused` one. */
  async token(refused?: string): Promise<string> {
    const token = this.#token
    if (token && token.text !== refused && Date.now() < token.renew_at) return token.text
    return this.#renew()
  }

  #renew(): Promise<string> {
    this.#renewal ??= this.#askInTurn().finally(() => {
      this.#renewal = undefined
    })
    return this.#renewal
  }

  async #askInTurn(): Promise<string> {
    try {
      const ask = () => send<Access>('PUT')
      // Browsers have locks on https and on localhost only.
      const locks = navigator.locks as LockManager | undefined
      return this.#enter(await (locks ? locks.request(CHANNEL, ask) : ask()))
    } catch (error) {
      if (error instanceof ApiError && !error.retryable) {
        // Without a cookie nobody was signed in, or it was in another tab that it ended.
        const isFirstVisit = error.code === 'AUTH_006' && this.#state.value.kind === 'unknown'
        this.#leave(isFirstVisit ? undefined : (endings[error.code] ?? 'Your session has ended.'))
      }
      throw error
    }
  }

  #enter({ access_token, expires_in, user }: Access): string {
    this.#token = { text: access_token, renew_at: Date.now() + expires_in * 1_000 - RENEWED_BEFORE_MS }
    const known = this.#state.value
    if (known.kind !== 'in' || known.user.id !== user.id) this.#state.value = { kind: 'in', user }
    return access_token
  }

  #leave(reason?: string): void {
    this.#token = undefined
    if (this.#state.value.kind !== 'out') this.#state.value = { kind: 'out', reason }
  }
}

/** `keepalive`: an answer that carries a new cookie must come home even if the page is reloaded meanwhile. */
async function send<Answer = Access>(method: string, body?: object): Promise<Answer> {
  const response = await fetch('/dashboard/session', {
    method,
    keepalive: true,
    ...(body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  }).catch((error: unknown) => {
    throw transportError('unreachable', 'The server cannot be reached', error)
  })
  const answer: unknown = await response.json().catch(() => undefined)
  if (!response.ok) throw toApiError(response, answer)
  return answer as Answer
}

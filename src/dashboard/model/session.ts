import { type ReadonlySignal, signal } from '@preact/signals'
import { readJson } from '#src/client/rest/attempt.ts'
import { ApiError, type Credentials, type User } from '#src/client/rest/rest.ts'
import { sendRepeatedly } from '#src/client/rest/retry.ts'

/** `unknown`: the server has not answered yet. `out` has a reason unless the user signed out. */
export type SessionState =
  | { kind: 'unknown'; problem?: string }
  | { kind: 'out'; reason?: string | undefined }
  | { kind: 'in'; user: User }

type Access = { access_token: string; expires_in: number; user: User }
/** What the server answers where there is no cookie. */
type NoAccess = { user: null }

/** A token with less time left than this is renewed before it is used. */
const RENEWED_BEFORE_MS = 90_000
const CHANNEL = 'signalbox-session'
const NO_SESSION = 'AUTH_006'
const endings: Partial<Record<string, string>> = { AUTH_005: 'This user has been deactivated.' }

/**
 * The signed-in user. The refresh token is in a cookie that no script can read; the access token is only in memory. Tabs
 * share the cookie, and a spent refresh token ends the session, so tabs renew one after the other.
 */
export class Session {
  readonly #state = signal<SessionState>({ kind: 'unknown' })
  #token: { text: string; renewAt: number } | undefined
  #renewal: Promise<string> | undefined
  readonly #tabs = new BroadcastChannel(CHANNEL)

  constructor() {
    this.#tabs.onmessage = () => this.#leave('You signed out in another tab.')
  }

  get state(): ReadonlySignal<SessionState> {
    return this.#state
  }

  /** Resumes the session of the cookie, if there is one. */
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

  /** Rejects if the server did not get the request: the cookie is still valid then. */
  async signOut(): Promise<void> {
    await send('DELETE')
    this.#leave()
    this.#tabs.postMessage('out')
  }

  /** A token with enough time left; never the `refused` one. */
  async token(refused?: string): Promise<string> {
    const token = this.#token
    if (token && token.text !== refused && Date.now() < token.renewAt) return token.text
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
      const ask = () => send<Access | NoAccess>('PUT')
      // Browsers have locks only on https and on localhost.
      const locks = navigator.locks as LockManager | undefined
      const answer = await (locks ? locks.request(CHANNEL, ask) : ask())
      if (answer.user === null) throw notSignedIn()
      return this.#enter(answer)
    } catch (error) {
      if (error instanceof ApiError && !error.retryable) {
        // No cookie: this is a first visit, or another tab ended the session.
        const isFirstVisit = error.code === NO_SESSION && this.#state.value.kind === 'unknown'
        this.#leave(isFirstVisit ? undefined : (endings[error.code] ?? 'Your session has ended.'))
      }
      throw error
    }
  }

  #enter({ access_token, expires_in, user }: Access): string {
    this.#token = { text: access_token, renewAt: Date.now() + expires_in * 1_000 - RENEWED_BEFORE_MS }
    const known = this.#state.value
    if (known.kind !== 'in' || known.user.id !== user.id) this.#state.value = { kind: 'in', user }
    return access_token
  }

  #leave(reason?: string): void {
    this.#token = undefined
    if (this.#state.value.kind !== 'out') this.#state.value = { kind: 'out', reason }
  }
}

function notSignedIn(): ApiError {
  const problem = { code: NO_SESSION, message: 'You are not signed in', field: null }
  return new ApiError({ status: 401, errors: [problem] })
}

/** Within 10 s the server answers a spent refresh token again, so the last attempt must begin before that. */
const RENEWAL = { timeout_ms: 4_000, retries: 2, max_wait_ms: 1_000, isRepeatable: true }
const ONCE = { timeout_ms: 30_000, retries: 0, max_wait_ms: 0, isRepeatable: false }

/** `keepalive`: the browser must store the new cookie even if the page is reloaded during the call. */
const fetchThrough: typeof fetch = (input, init) => fetch(input, { ...init, keepalive: true })

function send<Answer = Access>(method: string, body?: object): Promise<Answer> {
  const request = {
    method,
    url: '/dashboard/session',
    headers: { ...(body && { 'content-type': 'application/json' }) },
    body: body && JSON.stringify(body),
  }
  const how = method === 'PUT' ? RENEWAL : ONCE
  return sendRepeatedly(
    request,
    { ...how, fetch: fetchThrough, token: undefined, signal: undefined },
    readJson<Answer>,
  )
}

import { startTimer } from '#src/client/shared/timers.ts'
import type { TokenSource } from '#src/client/shared/token-source.ts'
import type { Backoff } from '#src/domain/full-jitter.ts'
import { type Channel, Channels } from './channels.ts'
import { Emitter } from './emitter.ts'
import { ClosedError, type ClosedReason, OfflineError } from './errors.ts'
import { page, socketUrl } from './page.ts'
import { type Closing, defaultBackoff, planReconnect } from './reconnect.ts'
import { GONE, type Outgoing, type Reply, Socket } from './socket.ts'
import type { ConnectionState } from './state.ts'
import { isFinal, renewalDelayMs, Tokens } from './tokens.ts'
import { requireWebSocket } from './wire.ts'

export type ConnectOptions = {
  /** The server, such as `https://signalbox.example.org`; empty in a page that the server itself serves. */
  url: string
  token: TokenSource
  /** Bounds of the first wait before a reconnect, and of every wait, in milliseconds (500; 30,000). */
  backoff?: Partial<Backoff>
}

/** After a connection that lasted this long, the waits start from the first again. */
const GOOD_AFTER_MS = 5_000

/** One socket that reconnects automatically, shared by watches and agents. */
export class Connection {
  readonly #url: string
  readonly #tokens: Tokens
  readonly #backoff: Backoff
  readonly #closesWhenUnused: boolean
  readonly #channels = new Channels()
  readonly #emitter = new Emitter<{ state: ConnectionState }>()
  #state: ConnectionState = { kind: 'connecting' }
  #socket: Socket | undefined
  /** The token that the socket authenticated with. */
  #token: string | undefined
  #cancelRetry: (() => void) | undefined
  #renewal: ReturnType<typeof setTimeout> | undefined
  /** Aborts at the end, so that no call of a token source is waited for. */
  readonly #over = new AbortController()
  #attempt = 0
  #openedAt = 0

  /** @internal */
  constructor(options: ConnectOptions, { closesWhenUnused = false } = {}) {
    requireWebSocket()
    this.#url = socketUrl(options.url)
    this.#tokens = new Tokens(options.token)
    this.#backoff = { ...defaultBackoff, ...options.backoff }
    this.#closesWhenUnused = closesWhenUnused
    page.addEventListener?.('online', this.#online)
    void this.#dial()
  }

  get state(): ConnectionState {
    return this.#state
  }

  /** Returns a function that removes the listener. */
  on(name: 'state', listener: (state: ConnectionState) => void): () => void {
    return this.#emitter.on(name, listener)
  }

  /** Reconnects now instead of after the wait. A page does this automatically when it is online again. */
  retryNow(): void {
    if (!this.#cancelRetry) return
    this.#dropRetry()
    void this.#dial()
  }

  /** Closes the connection, with its watches and agents. */
  close(): void {
    this.#end('requested')
  }

  /** @internal `key` is in the channel's frames. A channel that does not know its key yet joins with another one. */
  join(channel: Channel, key: string): void {
    this.#channels.add(channel, key)
    this.#tell(channel)
  }

  /** @internal The server has said the key. */
  rename(channel: Channel, key: string): void {
    this.#channels.rename(channel, key)
  }

  /** @internal */
  has(key: string): boolean {
    return this.#channels.hasKey(key)
  }

  /** @internal Leaving twice does nothing. */
  leave(channel: Channel): void {
    if (!this.#channels.has(channel)) return
    this.#channels.delete(channel)
    if (this.#closesWhenUnused && this.#channels.isEmpty) this.close()
  }

  /** @internal Whether the message was sent; its reply may never come. Throws a RangeError for a message that is too long. */
  send(message: Outgoing, onReply?: Reply): boolean {
    if (this.#state.kind !== 'open' || !this.#socket) return false
    this.#socket.send(message, onReply)
    return true
  }

  readonly #online = () => this.retryNow()

  async #dial(): Promise<void> {
    try {
      const token = await this.#tokens.next(this.#over.signal)
      if (this.#state.kind === 'closed') return
      this.#token = token
      this.#socket = this.#open(token)
    } catch (error) {
      if (isFinal(error)) this.#end('unauthenticated', error)
      else this.#closed({ code: GONE, error: new OfflineError('token', describe(error), error) })
    }
  }

  #open(token: string): Socket {
    return new Socket(this.#url, token, {
      authenticated: () => this.#opened(),
      expiring: (expires_at) => this.#renewBefore(Date.parse(expires_at)),
      frame: (frame) => this.#channels.route(frame),
      closed: (closing) => this.#closed(closing),
    })
  }

  #opened(): void {
    this.#openedAt = Date.now()
    this.#become({ kind: 'open' })
  }

  #closed(closing: Closing): void {
    this.#socket = undefined
    clearTimeout(this.#renewal)
    if (this.#state.kind === 'closed') return
    const now = Date.now()
    const wasOpen = this.#state.kind === 'open'
    if (wasOpen && now - this.#openedAt >= GOOD_AFTER_MS) this.#attempt = 0
    const plan = planReconnect(closing, this.#attempt++, { backoff: this.#backoff, random: Math.random() })
    if (plan.kind === 'give_up') return this.#end(plan.reason, closing.error)
    if (plan.needsToken) this.#tokens.refuse(this.#token)
    const since = this.#state.kind === 'offline' ? this.#state.since : now
    this.#cancelRetry = startTimer(plan.delayMs, () => this.retryNow())
    this.#become({ kind: 'offline', since, retry_at: now + plan.delayMs, error: closing.error })
  }

  #renewBefore(expires_at: number): void {
    clearTimeout(this.#renewal)
    const delay = renewalDelayMs(expires_at, Date.now(), Math.random())
    this.#renewal = setTimeout(() => void this.#renew(), delay)
  }

  /** If the renewal fails, the server closes the socket with 4401, and the next connection asks for another token. */
  async #renew(): Promise<void> {
    const socket = this.#socket
    try {
      const token = await this.#tokens.next(this.#over.signal, this.#token)
      if (socket !== this.#socket || token === this.#token) return
      this.send({ type: 'auth', token }, ({ type }) => {
        if (type === 'authenticated') this.#token = token
      })
    } catch {}
  }

  #end(reason: ClosedReason, cause?: unknown): void {
    if (this.#state.kind === 'closed') return
    const error = cause instanceof ClosedError ? cause : new ClosedError(reason, cause)
    this.#over.abort()
    this.#dropRetry()
    clearTimeout(this.#renewal)
    page.removeEventListener?.('online', this.#online)
    this.#socket?.close()
    this.#socket = undefined
    this.#become({ kind: 'closed', reason, error })
    this.#channels.clear()
  }

  #dropRetry(): void {
    this.#cancelRetry?.()
    this.#cancelRetry = undefined
  }

  /** A listener may close other channels or the connection; one that joins in the loop gets the state when it joins. */
  #become(state: ConnectionState): void {
    this.#state = state
    for (const channel of this.#channels.list()) {
      if (this.#state !== state) return
      if (this.#channels.has(channel)) this.#tell(channel)
    }
    if (this.#state === state) this.#emitter.emit('state', state)
  }

  #tell(channel: Channel): void {
    if (this.#state.kind === 'open') channel.opened()
    else channel.changed(this.#state)
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** Opens one socket for watches and agents to share. It reconnects automatically until it is closed. */
export function connect(options: ConnectOptions): Connection {
  return new Connection(options)
}

/** A connection to share, or the options of a connection for this watch or agent alone. */
export type Reach = { connection: Connection } | ConnectOptions

export function reach(options: Reach): Connection {
  return 'connection' in options ? options.connection : new Connection(options, { closesWhenUnused: true })
}

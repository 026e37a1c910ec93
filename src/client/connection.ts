import { MAX_AGENTS, MAX_SUBSCRIPTIONS } from '#src/protocol/bounds.ts'
import { Emitter } from './emitter.ts'
import { ClosedError, type ClosedReason } from './errors.ts'
import { page, socketUrl } from './page.ts'
import { type Backoff, type Closing, defaultBackoff, planReconnect } from './reconnect.ts'
import { type Frame, type Outgoing, type Reply, Socket } from './socket.ts'
import type { ConnectionState } from './state.ts'
import { isFinal, renewalDelayMs, type TokenSource, Tokens } from './tokens.ts'

export type ConnectOptions = {
  /** Where the server is, such as `https://signalbox.example.org`; empty in a page that it serves itself. */
  url: string
  token: TokenSource
  /** The most that the first wait before coming back may take, and any wait, in milliseconds (500; 30,000). */
  backoff?: Partial<Backoff>
}

/** What lives on a connection: a watch of a project, or an agent. */
export type Channel = {
  readonly kind: keyof typeof most
  /** The project's or the agent's id, which the frames for it carry. */
  readonly key: string
  /** The server is there, and knows nothing of this channel yet. */
  opened(): void
  changed(state: ConnectionState): void
  take(frame: Frame): void
}

/** As many the server lets live on one socket. */
const most = { watches: MAX_SUBSCRIPTIONS, agents: MAX_AGENTS } as const

/** A connection that has held for so long was good: after its end the waits begin anew. */
const GOOD_AFTER_MS = 5_000

/** One socket that comes back by itself, for any number of watches and agents. */
export class Connection {
  readonly #url: string
  readonly #tokens: Tokens
  readonly #backoff: Backoff
  readonly #closesWhenUnused: boolean
  readonly #channels = new Map<string, Channel>()
  readonly #emitter = new Emitter<{ state: ConnectionState }>()
  #state: ConnectionState = { kind: 'connecting' }
  #socket: Socket | undefined
  /** What the socket was let in with. */
  #token: string | undefined
  #retry: ReturnType<typeof setTimeout> | undefined
  #renewal: ReturnType<typeof setTimeout> | undefined
  #attempt = 0
  #openedAt = 0

  /** @internal */
  constructor(options: ConnectOptions, { closesWhenUnused = false } = {}) {
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

  /** Returns what ends the listening. */
  on(name: 'state', listener: (state: ConnectionState) => void): () => void {
    return this.#emitter.on(name, listener)
  }

  /** Comes back now instead of when it would; a page that is online again does this by itself. */
  retryNow(): void {
    if (this.#retry === undefined) return
    this.#cancelRetry()
    void this.#dial()
  }

  /** Ends it with all that lives on it. */
  close(): void {
    this.#end('requested')
  }

  /** @internal */
  join(channel: Channel): void {
    if (this.#channels.has(channel.key)) throw new Error(`${channel.key} is on this connection already`)
    const { kind } = channel
    const alike = [...this.#channels.values()].filter((other) => other.kind === kind).length
    if (alike >= most[kind]) throw new RangeError(`At most ${most[kind]} ${kind} on one connection`)
    this.#channels.set(channel.key, channel)
    this.#tell(channel)
  }

  /** @internal Leaving twice does nothing. */
  leave(channel: Channel): void {
    if (this.#channels.get(channel.key) !== channel) return
    this.#channels.delete(channel.key)
    if (this.#closesWhenUnused && this.#channels.size === 0) this.close()
  }

  /** @internal Whether it went out; its reply may never come. Throws a RangeError where it is too long. */
  send(message: Outgoing, onReply?: Reply): boolean {
    if (this.#state.kind !== 'open' || !this.#socket) return false
    this.#socket.send(message, onReply)
    return true
  }

  readonly #online = () => this.retryNow()

  async #dial(): Promise<void> {
    try {
      const token = await this.#tokens.next()
      if (this.#state.kind === 'closed') return
      this.#token = token
      this.#socket = this.#open(token)
    } catch (error) {
      if (isFinal(error)) this.#end('unauthenticated', error)
      else this.#closed({ code: 1006 })
    }
  }

  #open(token: string): Socket {
    return new Socket(this.#url, token, {
      authenticated: () => this.#opened(),
      expiring: (expires_at) => this.#renewBefore(Date.parse(expires_at)),
      frame: (frame) => this.#route(frame),
      closed: (closing) => this.#closed(closing),
    })
  }

  #opened(): void {
    this.#openedAt = Date.now()
    this.#become({ kind: 'open' })
  }

  #route(frame: Frame): void {
    const key = 'project_id' in frame ? frame.project_id : 'agent_id' in frame ? frame.agent_id : ''
    this.#channels.get(key)?.take(frame)
  }

  #closed(closing: Closing): void {
    this.#socket = undefined
    clearTimeout(this.#renewal)
    if (this.#state.kind === 'closed') return
    const now = Date.now()
    const wasOpen = this.#state.kind === 'open'
    if (wasOpen && now - this.#openedAt >= GOOD_AFTER_MS) this.#attempt = 0
    const plan = planReconnect(closing, this.#attempt++, { backoff: this.#backoff, random: Math.random() })
    if (plan.kind === 'give_up') return this.#end(plan.reason)
    if (plan.needs_token) this.#tokens.refuse(this.#token)
    const since = this.#state.kind === 'offline' ? this.#state.since : now
    this.#retry = setTimeout(() => this.retryNow(), plan.delay_ms)
    this.#become({ kind: 'offline', since, retry_at: now + plan.delay_ms })
  }

  #renewBefore(expires_at: number): void {
    clearTimeout(this.#renewal)
    const delay = renewalDelayMs(expires_at, Date.now(), Math.random())
    this.#renewal = setTimeout(() => void this.#renew(), delay)
  }

  /** Where it comes to nothing, the token ends with 4401, and the next connection asks for another. */
  async #renew(): Promise<void> {
    const socket = this.#socket
    try {
      const token = await this.#tokens.next(this.#token)
      if (socket !== this.#socket || token === this.#token) return
      this.send({ type: 'auth', token }, ({ type }) => {
        if (type === 'authenticated') this.#token = token
      })
    } catch {}
  }

  #end(reason: ClosedReason, cause?: unknown): void {
    if (this.#state.kind === 'closed') return
    const error = cause instanceof ClosedError ? cause : new ClosedError(reason, cause)
    this.#cancelRetry()
    clearTimeout(this.#renewal)
    page.removeEventListener?.('online', this.#online)
    this.#socket?.close()
    this.#socket = undefined
    this.#become({ kind: 'closed', reason, error })
    this.#channels.clear()
  }

  #cancelRetry(): void {
    clearTimeout(this.#retry)
    this.#retry = undefined
  }

  /** Who is told may end one that is still to be told, or all; one that joins meanwhile is told by that. */
  #become(state: ConnectionState): void {
    this.#state = state
    for (const channel of [...this.#channels.values()]) {
      if (this.#state !== state) return
      if (this.#channels.get(channel.key) === channel) this.#tell(channel)
    }
    if (this.#state === state) this.#emitter.emit('state', state)
  }

  #tell(channel: Channel): void {
    if (this.#state.kind === 'open') channel.opened()
    else channel.changed(this.#state)
  }
}

/** Opens one socket, for watches and agents to share. It comes back by itself until it is closed. */
export function connect(options: ConnectOptions): Connection {
  return new Connection(options)
}

/** What a watch or an agent needs: a connection to share, or what makes one of its own. */
export type Reach = { connection: Connection } | ConnectOptions

export function reach(options: Reach): Connection {
  return 'connection' in options ? options.connection : new Connection(options, { closesWhenUnused: true })
}

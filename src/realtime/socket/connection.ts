import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import { SMALLEST_WRITE_BYTES, type UnsentAccount } from '#src/domain/unsent-budget.ts'
import { HEARTBEAT_MS } from '#src/protocol/bounds.ts'
import { type CloseReason, closeCodes } from '#src/protocol/close-codes.ts'
import type { ServerMessage } from '#src/protocol/messages/down.ts'
import type { GoodbyeReason } from '#src/protocol/messages/goodbye.ts'
import {
  CLOSE_WAIT_MS,
  FLOOD_BYTES,
  MAX_RETRY_AFTER_MS,
  MAX_UNSENT_BYTES,
  PARK_BYTES,
  PEER_TIMEOUT_MS,
  STALL_CHECK_MS,
  STALL_MS,
} from '#src/realtime/bounds.ts'
import type { FrameSink } from '#src/realtime/feed/live-sockets.ts'
import type { AwakeClock } from './awake-clock.ts'

/** One WebSocket: sends frames, counts what is unsent, and finds out whether the peer is alive. */
export class Connection {
  readonly #ws: WebSocket
  readonly #socket: Duplex
  readonly #awake: AwakeClock
  readonly #heartbeat: NodeJS.Timeout
  readonly #drained = new Set<() => void>()
  /** Resolves with the close code when the socket is closed: the server's own code where it closed first. */
  readonly closed: Promise<number>
  #lastSeen: number
  #stall: NodeJS.Timeout | undefined
  /** The budget of the connection's user, once that is known. */
  account: UnsentAccount | undefined
  /** Functions that release the budget for frames that are not all sent yet. */
  #releases: (() => void)[] = []
  #closing = false
  #code: number | undefined
  #isCorked = false
  #onClosing: () => void = () => {}

  /** `socket` is the one that `ws` uses. Whole frames are written to it, so compression must be off. */
  constructor(ws: WebSocket, socket: Duplex, awake: AwakeClock) {
    this.#ws = ws
    this.#socket = socket
    this.#awake = awake
    this.#lastSeen = awake.now()
    this.#heartbeat = setInterval(() => this.#beat(), HEARTBEAT_MS)
    const seen = () => {
      this.#lastSeen = awake.now()
    }
    ws.on('pong', seen)
    ws.on('ping', seen)
    ws.on('message', seen)
    ws.on('error', () => {})
    // `ws` also answers a peer's close frame through `close`. After a close frame no other may be written.
    const close = ws.close.bind(ws)
    ws.close = (...reason) => {
      this.#onClosing()
      close(...reason)
    }
    this.closed = new Promise((resolve) => ws.on('close', (code) => resolve(this.#code ?? code)))
    ws.on('close', () => this.#stop())
    socket.on('drain', () => {
      this.#release()
      this.#wake()
    })
  }

  get isOpen(): boolean {
    return !this.#closing && this.#ws.readyState === this.#ws.OPEN
  }

  /** For writing whole frames without checking `isOpen`. Callers stop when `onClosing` calls. */
  get sink(): FrameSink {
    return this.#socket
  }

  /** Calls when either side begins to close. */
  onClosing(call: () => void): void {
    this.#onClosing = call
  }

  get isFull(): boolean {
    const isSpent = this.#releases.length > 0 && this.account?.room() === 0
    return this.#socket.writableLength > (isSpent ? SMALLEST_WRITE_BYTES : PARK_BYTES)
  }

  /** Has so much unsent that the peer's next messages wait. Events alone never lead here: they stop at `isFull`. */
  get isFlooded(): boolean {
    return this.#socket.writableLength > FLOOD_BYTES
  }

  /** Waits for its peer to read before it sends more. */
  get isLagging(): boolean {
    return this.#stall !== undefined
  }

  send(message: ServerMessage): void {
    if (!this.isOpen) return
    if (this.#socket.writableLength > MAX_UNSENT_BYTES) return this.close('slow_reader')
    this.#corkUntilNextTick()
    this.#ws.send(JSON.stringify(message))
  }

  /** Joins the messages of one turn into one write. */
  #corkUntilNextTick(): void {
    if (this.#isCorked) return
    this.#isCorked = true
    this.#socket.cork()
    process.nextTick(() => {
      this.#isCorked = false
      this.#socket.uncork()
    })
  }

  /** Writes whole frames, in order with the messages of `send`. */
  write(frames: Buffer): void {
    if (!this.isOpen) return
    if (this.#socket.writableLength === 0) this.#release()
    if (this.account) this.#releases.push(this.account.hold(frames))
    this.#socket.write(frames)
  }

  #release(): void {
    for (const release of this.#releases) release()
    this.#releases = []
  }

  /**
   * Resolves once everything is sent or the socket is closed. Until then the peer counts as slow: its socket is closed if
   * it reads nothing for STALL_MS, and waits as long as the peer reads anything.
   */
  drained(): Promise<void> {
    if (!this.isOpen || this.#socket.writableLength === 0) return Promise.resolve()
    this.#stall ??= this.#watchStall()
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#drained.add(resolve)
    return promise
  }

  /** Asks the peer to reconnect after a random delay. */
  sayGoodbye(reason: GoodbyeReason): void {
    const retry_after_ms = Math.floor(Math.random() * MAX_RETRY_AFTER_MS)
    this.send({ type: 'goodbye', reason, retry_after_ms })
  }

  dismiss(reason: GoodbyeReason): void {
    this.sayGoodbye(reason)
    this.close(reason)
  }

  close(reason: CloseReason): void {
    if (this.#closing) return
    this.#closing = true
    this.#code = closeCodes[reason].code
    this.#ws.close(this.#code, reason)
    setTimeout(() => this.#ws.terminate(), CLOSE_WAIT_MS).unref()
    this.#wake()
  }

  #watchStall(): NodeJS.Timeout {
    let last = this.#unsent()
    let since = this.#awake.now()
    return setInterval(() => {
      const now = this.#unsent()
      if (now !== last) {
        last = now
        since = this.#awake.now()
      } else if (this.#awake.now() - since >= STALL_MS) this.close('slow_reader')
    }, STALL_CHECK_MS)
  }

  /** Changes with any progress: bytes in Node's buffer, and bytes of the current write that the system has not taken. */
  #unsent(): string {
    const { _handle } = this.#socket as Duplex & { _handle?: { writeQueueSize?: number } }
    return `${this.#socket.writableLength} ${_handle?.writeQueueSize ?? 0}`
  }

  #wake(): void {
    clearInterval(this.#stall)
    this.#stall = undefined
    for (const resolve of this.#drained) resolve()
    this.#drained.clear()
  }

  #beat(): void {
    // Neither peer can be heard: one that does not read, and one whose messages this process does not read.
    if (this.#stall || this.#ws.isPaused) this.#lastSeen = this.#awake.now()
    // Pings do not get through to a parked peer, so only its stall timer counts.
    if (this.#stall) return
    if (this.#awake.now() - this.#lastSeen >= PEER_TIMEOUT_MS) this.#ws.terminate()
    else if (this.isOpen) this.#ws.ping()
  }

  #stop(): void {
    this.#closing = true
    this.#onClosing()
    clearInterval(this.#heartbeat)
    this.#release()
    this.#wake()
  }
}

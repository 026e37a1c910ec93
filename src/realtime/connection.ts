import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import { HEARTBEAT_MS } from '#src/protocol/bounds.ts'
import { type CloseReason, closeCodes } from '#src/protocol/close-codes.ts'
import type { GoodbyeReason, ServerMessage } from '#src/protocol/frames.ts'
import { type FrameSink, PARK_BYTES } from './live-sockets.ts'

/** Unsent bytes above which a peer is given up. Nothing should get there: see `isFlooded` and `isFull`. */
const MAX_UNSENT_BYTES = 4 * 1024 * 1024
/** A parked socket that takes nothing for so long is closed. */
const STALL_MS = 30_000
const STALL_CHECK_MS = 1_000
/**
 * A peer that has been silent for two heartbeats is gone. Looked at once a heartbeat, with a second to spare,
 * so that its links are shown disconnected within 45 s of its last word.
 */
const PEER_TIMEOUT_MS = 2 * HEARTBEAT_MS - 1_000
/** Those who are sent away together come back spread over so long. */
const MAX_RETRY_AFTER_MS = 5_000
/** From the close frame to the end of TCP. */
const CLOSE_WAIT_MS = 5_000

/** One WebSocket: what goes out of it, how much of that is unsent, and whether its peer is alive. */
export class Connection {
  readonly #ws: WebSocket
  readonly #socket: Duplex
  readonly #heartbeat: NodeJS.Timeout
  readonly #drained = new Set<() => void>()
  /** Resolves when the socket is closed, with the code: ours, where this side began the closing. */
  readonly closed: Promise<number>
  #lastSeen = Date.now()
  #stall: NodeJS.Timeout | undefined
  #closing = false
  #code: number | undefined
  #isJoining = false
  #onClosing: () => void = () => {}

  /** `socket` is the one below `ws`: whole frames are written to it, which needs compression to be off. */
  constructor(ws: WebSocket, socket: Duplex) {
    this.#ws = ws
    this.#socket = socket
    this.#heartbeat = setInterval(() => this.#beat(), HEARTBEAT_MS)
    const seen = () => {
      this.#lastSeen = Date.now()
    }
    ws.on('pong', seen)
    ws.on('ping', seen)
    ws.on('message', seen)
    ws.on('error', () => {})
    // `ws` answers a peer's close frame through this, too; after that frame no other may be written.
    const close = ws.close.bind(ws)
    ws.close = (...reason) => {
      this.#onClosing()
      close(...reason)
    }
    this.closed = new Promise((resolve) => ws.on('close', (code) => resolve(this.#code ?? code)))
    ws.on('close', () => this.#stop())
    socket.on('drain', () => this.#wake())
  }

  get isOpen(): boolean {
    return !this.#closing && this.#ws.readyState === this.#ws.OPEN
  }

  /** For whole frames that are written without asking whether it is open: only until `onClosing`. */
  get sink(): FrameSink {
    return this.#socket
  }

  /** Calls when the closing begins, whoever begins it. */
  onClosing(call: () => void): void {
    this.#onClosing = call
  }

  get isFull(): boolean {
    return this.#socket.writableLength > PARK_BYTES
  }

  /** So much is unsent that what its peer says next has to wait: more than events bring about, which stop at `isFull`. */
  get isFlooded(): boolean {
    return this.#socket.writableLength > (MAX_UNSENT_BYTES * 3) / 4
  }

  /** Whether its peer is waited for: it gets nothing more until it has read. */
  get isLagging(): boolean {
    return this.#stall !== undefined
  }

  send(message: ServerMessage): void {
    if (!this.isOpen) return
    if (this.#socket.writableLength > MAX_UNSENT_BYTES) return this.close('slow_reader')
    this.#join()
    this.#ws.send(JSON.stringify(message))
  }

  /** What is sent in one turn goes out in one write. */
  #join(): void {
    if (this.#isJoining) return
    this.#isJoining = true
    this.#socket.cork()
    process.nextTick(() => {
      this.#isJoining = false
      this.#socket.uncork()
    })
  }

  /** Writes whole frames as they are, in order with what `send` sends. */
  write(frames: Buffer): void {
    if (this.isOpen) this.#socket.write(frames)
  }

  /**
   * Resolves once everything is sent, or the socket is closed. Meanwhile the peer counts as slow: it is
   * closed when it takes nothing for STALL_MS; as long as it takes anything at all, it is waited for.
   */
  drained(): Promise<void> {
    if (!this.isOpen || this.#socket.writableLength === 0) return Promise.resolve()
    this.#stall ??= this.#watchStall()
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#drained.add(resolve)
    return promise
  }

  /** Tells the peer when to come back. */
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
    let since = Date.now()
    return setInterval(() => {
      const now = this.#unsent()
      if (now !== last) {
        last = now
        since = Date.now()
      } else if (Date.now() - since >= STALL_MS) this.close('slow_reader')
    }, STALL_CHECK_MS)
  }

  /** What tells progress: Node's buffer, and what the system has yet to take of a write under way. */
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
    // Neither is heard: one that waits for its peer to read, and one whose messages wait to be read here.
    if (this.#stall || this.#ws.isPaused) this.#lastSeen = Date.now()
    // A parked peer gets no pings through: its stall timer alone counts.
    if (this.#stall) return
    if (Date.now() - this.#lastSeen >= PEER_TIMEOUT_MS) this.#ws.terminate()
    else if (this.isOpen) this.#ws.ping()
  }

  #stop(): void {
    this.#closing = true
    this.#onClosing()
    clearInterval(this.#heartbeat)
    this.#wake()
  }
}

import { toJson } from '#src/client/shared/json.ts'
import { MAX_MESSAGE_BYTES, SUBPROTOCOL } from '#src/protocol/bounds.ts'
import type { ServerMessage } from '#src/protocol/messages/down.ts'
import type { EventFrame } from '#src/protocol/messages/event.ts'
import type { ClientMessage, ClientMessageType } from '#src/protocol/messages/up.ts'
import { OfflineError, type OfflineReason } from './errors.ts'
import type { Closing } from './reconnect.ts'
import { openWire, type Wire } from './wire.ts'

export type Frame = ServerMessage | EventFrame
type Typed<Type extends Frame['type']> = Extract<Frame, { type: Type }>
export type Reply = (reply: ServerMessage) => void
/** A message as the client writes it: the server's schema fills in fields that are missing. */
export type Outgoing = {
  [Type in ClientMessageType]: { type: Type } & Partial<ClientMessage<Type>>
}[ClientMessageType]

type Events = {
  authenticated: () => void
  expiring: (expires_at: string) => void
  frame: (frame: Frame) => void
  closed: (closing: Closing) => void
}

/** The longest time from opening to authenticated. */
const CONNECT_TIMEOUT_MS = 10_000
/** The close code of a connection that ended without one. */
export const GONE = 1006
/** At this pace two beats notice a dead peer within 45 s; it also keeps a server's value within the range of a timer. */
const LONGEST_BEAT_MS = 15_000

const encoder = new TextEncoder()

/**
 * One WebSocket from its opening to its end, which calls `closed` once. Frames are not validated: they come from the
 * server that holds our token, and the schemas would be larger than the rest of the client. Anything that is not a frame
 * comes from a proxy, and ends the socket.
 */
export class Socket {
  readonly #ws: WebSocket
  readonly #wire: Wire
  readonly #host: string
  readonly #events: Events
  readonly #replies = new Map<string, Reply>()
  #lastId = 0
  #timer: ReturnType<typeof setInterval>
  #heardAt = 0
  #askedAt = 0
  #retryAfterMs: number | undefined
  #isGreeted = false
  #isOver = false

  constructor(url: string, token: string, events: Events) {
    this.#events = events
    this.#host = new URL(url).host
    const { ws, wire } = openWire(url, [SUBPROTOCOL])
    this.#ws = ws
    this.#wire = wire
    this.#ws.onmessage = ({ data }) => this.#read(data)
    this.#ws.onclose = ({ code, reason }) => this.#end(code, this.#whyClosed(code, reason))
    // The close that follows says what went wrong.
    this.#ws.onerror = () => {}
    this.#timer = setTimeout(() => this.#drop('timeout'), CONNECT_TIMEOUT_MS)
    this.#handlers.hello = ({ heartbeat_ms }) => this.#greet(token, heartbeat_ms)
  }

  /** `onReply` gets the reply or the error; it is not called if the socket ends first. */
  send(message: Outgoing, onReply?: Reply): void {
    if (this.#isOver) return
    const id = onReply && String(++this.#lastId)
    const text = toJson({ ...message, id })
    if (isTooLong(text)) throw new RangeError(`The message is longer than ${MAX_MESSAGE_BYTES} bytes`)
    if (id && onReply) this.#replies.set(id, onReply)
    this.#ws.send(text)
  }

  close(): void {
    this.#isOver = true
    this.#release()
  }

  readonly #handlers: { [Type in Frame['type']]?: (frame: Typed<Type>) => void } = {
    goodbye: ({ retry_after_ms }) => {
      this.#retryAfterMs = retry_after_ms
    },
    token_expiring: ({ expires_at }) => this.#events.expiring(expires_at),
    pong: () => {},
  }

  #read(data: unknown): void {
    this.#heardAt = Date.now()
    try {
      if (typeof data !== 'string') throw new TypeError('A binary frame')
      this.#take(JSON.parse(data))
    } catch (cause) {
      this.#drop('bad_answer', cause)
    }
  }

  #take(frame: Frame): void {
    const id = 'id' in frame ? frame.id : undefined
    if (id !== undefined) {
      this.#replies.get(id)?.(frame as ServerMessage)
      this.#replies.delete(id)
      return
    }
    const handle = this.#handlers[frame.type] as ((frame: Frame) => void) | undefined
    if (handle) handle(frame)
    else this.#events.frame(frame)
  }

  #greet(token: string, askedMs: number): void {
    this.#isGreeted = true
    if (!(askedMs > 0)) throw new TypeError('A hello without heartbeat_ms')
    const heartbeat_ms = Math.min(askedMs, LONGEST_BEAT_MS)
    this.send({ type: 'auth', token }, (reply) => {
      // After a refusal the server closes with 4401, or with 4408 if it could not check the token.
      if (reply.type !== 'authenticated') return
      clearTimeout(this.#timer)
      this.#timer = setInterval(() => this.#beat(heartbeat_ms), heartbeat_ms)
      this.#events.authenticated()
    })
  }

  /**
   * A ping without an answer for one heartbeat means a dead peer. If the ping is older than that, the timers of this
   * process were late (a busy loop, a page in the background), and the answer may be waiting to be read.
   */
  #beat(heartbeat_ms: number): void {
    const now = Date.now()
    const isUnanswered = this.#askedAt > this.#heardAt
    if (isUnanswered && now - this.#askedAt < 1.5 * heartbeat_ms) return this.#drop('silent')
    this.#askedAt = now
    this.send({ type: 'ping' })
  }

  /** Ends the socket without waiting for the peer. */
  #drop(reason: OfflineReason, cause?: unknown): void {
    this.#end(GONE, new OfflineError(reason, this.#host, cause))
  }

  #end(code: number, error: OfflineError): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#release()
    this.#events.closed({ code, retry_after_ms: this.#retryAfterMs, error })
  }

  #whyClosed(code: number, reason: string): OfflineError {
    const { status, failure } = this.#wire
    if (this.#isGreeted)
      return new OfflineError('closed', `${this.#host}, code ${code}${reason && ` ${reason}`}`)
    if (status !== undefined)
      return new OfflineError('bad_answer', `${this.#host} answered with HTTP ${status}`)
    const why = describe(failure)
    return new OfflineError('unreachable', `${this.#host}${why && `, ${why}`}`, failure)
  }

  #release(): void {
    clearTimeout(this.#timer)
    this.#replies.clear()
    this.#ws.onmessage = null
    this.#ws.onclose = null
    this.#ws.close()
    this.#wire.end()
  }
}

/** A failed attempt at several addresses has a code but no message. */
function describe(failure: Error | undefined): string {
  return failure?.message || (failure && 'code' in failure && String(failure.code)) || ''
}

function isTooLong(text: string): boolean {
  // A UTF-16 unit takes at most three bytes.
  return text.length * 3 > MAX_MESSAGE_BYTES && encoder.encode(text).length > MAX_MESSAGE_BYTES
}

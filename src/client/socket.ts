import { MAX_MESSAGE_BYTES, SUBPROTOCOL } from '#src/protocol/bounds.ts'
import type { ClientMessage, ClientMessageType, EventFrame, ServerMessage } from '#src/protocol/frames.ts'
import type { Closing } from './reconnect.ts'

export type Frame = ServerMessage | EventFrame
type Typed<Type extends Frame['type']> = Extract<Frame, { type: Type }>
export type Reply = (reply: ServerMessage) => void
/** A message as it is written: what the server's schema makes of a field that is missing is its own affair. */
export type Outgoing = {
  [Type in ClientMessageType]: { type: Type } & Partial<ClientMessage<Type>>
}[ClientMessageType]

type Events = {
  authenticated: () => void
  expiring: (expires_at: string) => void
  frame: (frame: Frame) => void
  closed: (closing: Closing) => void
}

/** From the beginning until the server knows who we are. */
const CONNECT_TIMEOUT_MS = 10_000
const GONE = 1006

const encoder = new TextEncoder()

/**
 * One WebSocket, from its opening to its end, which `closed` tells once. Frames are taken as they are: they come from
 * the server that holds our token, and checking each would cost more bytes than the rest of the client.
 */
export class Socket {
  readonly #ws: WebSocket
  readonly #events: Events
  readonly #replies = new Map<string, Reply>()
  #last_id = 0
  #timer: ReturnType<typeof setInterval>
  #heard_at = 0
  #asked_at = 0
  #retry_after_ms: number | undefined
  #isOver = false

  constructor(url: string, token: string, events: Events) {
    this.#events = events
    this.#ws = new WebSocket(url, [SUBPROTOCOL])
    this.#ws.onmessage = ({ data }) => this.#take(JSON.parse(data as string))
    this.#ws.onclose = ({ code }) => this.#end(code)
    // What went wrong is told by the close that follows.
    this.#ws.onerror = () => {}
    this.#timer = setTimeout(() => this.drop(), CONNECT_TIMEOUT_MS)
    this.#handlers.hello = ({ heartbeat_ms }) => this.#greet(token, heartbeat_ms)
  }

  /** `onReply` gets what answers it, an error too; nothing where the socket ends first. */
  send(message: Outgoing, onReply?: Reply): void {
    if (this.#isOver) return
    const id = onReply && String(++this.#last_id)
    const text = JSON.stringify({ ...message, id })
    if (isTooLong(text)) throw new RangeError(`A message may have at most ${MAX_MESSAGE_BYTES} bytes`)
    if (id && onReply) this.#replies.set(id, onReply)
    this.#ws.send(text)
  }

  /** Gives it up, whatever the peer does. */
  drop(): void {
    this.#end(GONE)
  }

  close(): void {
    this.#isOver = true
    this.#release()
  }

  readonly #handlers: { [Type in Frame['type']]?: (frame: Typed<Type>) => void } = {
    goodbye: ({ retry_after_ms }) => {
      this.#retry_after_ms = retry_after_ms
    },
    token_expiring: ({ expires_at }) => this.#events.expiring(expires_at),
    pong: () => {},
  }

  #take(frame: Frame): void {
    this.#heard_at = Date.now()
    const id = frame.type === 'event' ? undefined : frame.id
    if (id !== undefined) {
      this.#replies.get(id)?.(frame as ServerMessage)
      this.#replies.delete(id)
      return
    }
    const handle = this.#handlers[frame.type] as ((frame: Frame) => void) | undefined
    if (handle) handle(frame)
    else this.#events.frame(frame)
  }

  #greet(token: string, heartbeat_ms: number): void {
    this.send({ type: 'auth', token }, (reply) => {
      // After a refusal the server closes: with 4401, or 4408 where it could not look.
      if (reply.type !== 'authenticated') return
      clearTimeout(this.#timer)
      this.#timer = setInterval(() => this.#beat(heartbeat_ms), heartbeat_ms)
      this.#events.authenticated()
    })
  }

  /**
   * Only a ping that went unanswered for a heartbeat tells a dead peer. One that is longer ago tells of timers that
   * were held up (a busy loop, a page in the background): then the answer may be waiting to be read.
   */
  #beat(heartbeat_ms: number): void {
    const now = Date.now()
    const isUnanswered = this.#asked_at > this.#heard_at
    if (isUnanswered && now - this.#asked_at < 1.5 * heartbeat_ms) return this.drop()
    this.#asked_at = now
    this.send({ type: 'ping' })
  }

  #end(code: number): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#release()
    this.#events.closed({ code, retry_after_ms: this.#retry_after_ms })
  }

  #release(): void {
    clearTimeout(this.#timer)
    this.#replies.clear()
    this.#ws.onmessage = null
    this.#ws.onclose = null
    this.#ws.close()
  }
}

function isTooLong(text: string): boolean {
  // A character takes three bytes at most.
  return text.length * 3 > MAX_MESSAGE_BYTES && encoder.encode(text).length > MAX_MESSAGE_BYTES
}

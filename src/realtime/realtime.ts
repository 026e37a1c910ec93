import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { setTimeout } from 'node:timers/promises'
import { type RawData, type WebSocket, WebSocketServer } from 'ws'
import type { Authentication } from '#src/auth/authenticate.ts'
import { HEARTBEAT_MS, MAX_MESSAGE_BYTES, SUBPROTOCOL } from '#src/protocol/bounds.ts'
import type { AccessWatch } from './access-watch.ts'
import { Closes } from './closes.ts'
import { Connection } from './connection.ts'
import { toErrorFrame, toWirePrincipal } from './message.ts'
import { Session, type SessionParts } from './session.ts'
import { tooMany } from './socket-counts.ts'

/** Messages of one socket that are not answered yet, and their bytes; above it the socket is not read from. */
const MAX_WAITING_MESSAGES = 256
const MAX_WAITING_BYTES = 1024 * 1024

/** Of one message; one more closes the socket with 1008. */
const MAX_FRAGMENTS = 16_384
/** Pongs that wait for the peer to read; one more cuts it off. The types of `ws` do not know this option yet. */
const pongs = { maxPendingAutoPongs: 60 }

const DRAIN_SLICES = 20
const DRAIN_SLICE_MS = 50

/** An upgrade that the HTTP side has let through: from where, and with whose credentials, if any. */
type Accepted = { authentication: Authentication | undefined; address: string }
type Parts = SessionParts & { guards: AccessWatch }

export type ServerIdentity = { version: string; instance: string }

/** The WebSocket side of a server: turns accepted upgrades into sessions. */
export class Realtime {
  readonly #parts: Parts
  readonly #identity: ServerIdentity
  readonly #server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: MAX_MESSAGE_BYTES,
    maxFragments: MAX_FRAGMENTS,
    ...pongs,
    // One that only speaks others gets its first name, so that a browser lets the close code through.
    handleProtocols: (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : [...offered][0] || false),
  })
  readonly connections = new Set<Connection>()
  readonly #closes = new Closes()
  isDraining = false

  constructor(parts: Parts, identity: ServerIdentity) {
    this.#parts = parts
    this.#identity = identity
  }

  /** Sockets closed so far, by code: for metrics. */
  get closes(): Readonly<Record<string, number>> {
    return this.#closes.counts
  }

  /** How many sockets wait for their peer to read. */
  lagging(): number {
    let count = 0
    for (const connection of this.connections) if (connection.isLagging) count++
    return count
  }

  /** Completes an upgrade that the HTTP side has let through. */
  accept(request: IncomingMessage, socket: Duplex, { head, ...accepted }: Accepted & { head: Buffer }): void {
    this.#server.handleUpgrade(request, socket, head, (ws) => this.#open(ws, socket, accepted))
  }

  #open(ws: WebSocket, socket: Duplex, { authentication, address }: Accepted): void {
    const connection = new Connection(ws, socket)
    void connection.closed.then((code) => this.#closes.add(code))
    const { counts, guards } = this.#parts
    if (!counts.take('address', address)) {
      connection.send(toErrorFrame(tooMany()))
      return connection.close('too_many')
    }
    ws.on('close', () => counts.release('address', address))
    if (ws.protocol && ws.protocol !== SUBPROTOCOL) return connection.close('wrong_subprotocol')

    const session = new Session(this.#parts, connection, address)
    this.connections.add(connection)
    guards.add(session)
    ws.on('close', () => {
      session.stop()
      guards.delete(session)
      this.connections.delete(connection)
    })
    connection.send({
      type: 'hello',
      protocol: SUBPROTOCOL,
      server: this.#identity,
      heartbeat_ms: HEARTBEAT_MS,
      principal: authentication ? toWirePrincipal(authentication.principal) : null,
    })
    session.start(authentication)
    this.#listen(ws, connection, session)
  }

  #listen(ws: WebSocket, connection: Connection, session: Session): void {
    let [messages, bytes] = [0, 0]
    let turn = Promise.resolve()
    const isBusy = () => messages >= MAX_WAITING_MESSAGES || bytes >= MAX_WAITING_BYTES
    ws.on('message', (data: RawData, isBinary: boolean) => {
      if (!connection.isOpen) return
      if (isBinary) return connection.close('binary_frame')
      const { length } = data as Buffer
      const text = (data as Buffer).toString()
      messages++
      bytes += length
      if (isBusy()) ws.pause()
      const answered = () => {
        messages--
        bytes -= length
        if (ws.isPaused && !isBusy()) ws.resume()
      }
      turn = turn.then(async () => {
        if (connection.isFlooded) await connection.drained()
        return connection.isOpen ? session.handle(text, answered) : answered()
      })
    })
  }

  /**
   * Says goodbye to everybody and closes, in slices, so that not all come back at once. Resolves when the
   * last socket is closed, by its peer or by the close timer.
   */
  async drain(): Promise<void> {
    this.isDraining = true
    this.#parts.links.isDraining = true
    const slice = Math.ceil(this.connections.size / DRAIN_SLICES)
    const all = [...this.connections]
    for (const connection of all) connection.sayGoodbye('draining')
    for (let start = 0; start < all.length; start += slice) {
      for (const connection of all.slice(start, start + slice)) connection.close('draining')
      await setTimeout(DRAIN_SLICE_MS)
    }
    await Promise.all(all.map((connection) => connection.closed))
  }
}

import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { setTimeout } from 'node:timers/promises'
import { type RawData, type WebSocket, WebSocketServer } from 'ws'
import type { Authentication } from '#src/auth/authenticate.ts'
import { HEARTBEAT_MS, MAX_MESSAGE_BYTES, SUBPROTOCOL } from '#src/protocol/bounds.ts'
import type { AccessRecheck } from '#src/realtime/access/access-recheck.ts'
import { tooMany } from '#src/realtime/access/socket-counts.ts'
import {
  DRAIN_SLICE_MS,
  DRAIN_SLICES,
  MAX_FRAGMENTS,
  MAX_UNSENT_PONGS,
  MAX_WAITING_BYTES,
  MAX_WAITING_MESSAGES,
} from '#src/realtime/bounds.ts'
import { CloseCounts } from '#src/realtime/socket/close-counts.ts'
import { Connection } from '#src/realtime/socket/connection.ts'
import { toErrorFrame, toWirePrincipal } from '#src/realtime/socket/message.ts'
import { Session, type SessionServices } from './session.ts'

/** The types of `ws` do not know this option yet. */
const pongs = { maxPendingAutoPongs: MAX_UNSENT_PONGS }

/** An upgrade that the HTTP layer accepted: the address, and the credentials if it had any. */
type Accepted = { authentication: Authentication | undefined; address: string }
type Services = SessionServices & { guards: AccessRecheck }

export type ServerIdentity = { version: string; instance: string }

/** Turns accepted upgrades into sessions. */
export class SocketServer {
  readonly #services: Services
  readonly #identity: ServerIdentity
  readonly #server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: MAX_MESSAGE_BYTES,
    maxFragments: MAX_FRAGMENTS,
    ...pongs,
    // A client that offers only other subprotocols gets its first one, or a browser would hide the close code.
    handleProtocols: (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : [...offered][0] || false),
  })
  readonly connections = new Set<Connection>()
  readonly #closes = new CloseCounts()
  isDraining = false

  constructor(services: Services, identity: ServerIdentity) {
    this.#services = services
    this.#identity = identity
  }

  /** Closed sockets by code, for metrics. */
  get closes(): Readonly<Record<string, number>> {
    return this.#closes.counts
  }

  /** How many sockets wait for their peers to read. */
  lagging(): number {
    let count = 0
    for (const connection of this.connections) if (connection.isLagging) count++
    return count
  }

  /** Completes an upgrade that the HTTP layer accepted. */
  accept(request: IncomingMessage, socket: Duplex, { head, ...accepted }: Accepted & { head: Buffer }): void {
    this.#server.handleUpgrade(request, socket, head, (ws) => this.#open(ws, socket, accepted))
  }

  #open(ws: WebSocket, socket: Duplex, { authentication, address }: Accepted): void {
    const connection = new Connection(ws, socket, this.#services.awake)
    void connection.closed.then((code) => this.#closes.add(code))
    const { counts, guards } = this.#services
    if (!counts.take('address', address)) {
      connection.send(toErrorFrame(tooMany()))
      return connection.close('too_many')
    }
    ws.on('close', () => counts.release('address', address))
    if (ws.protocol && ws.protocol !== SUBPROTOCOL) return connection.close('wrong_subprotocol')

    const session = new Session(this.#services, connection, address)
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
   * Says goodbye on every socket and closes them in slices, so that not all clients return at once. Resolves when the
   * last socket is closed, by its peer or by the close timer.
   */
  async drain(): Promise<void> {
    this.isDraining = true
    this.#services.links.isDraining = true
    const slice = Math.ceil(this.connections.size / DRAIN_SLICES)
    const connections = [...this.connections]
    for (const connection of connections) connection.sayGoodbye('draining')
    for (let start = 0; start < connections.length; start += slice) {
      for (const connection of connections.slice(start, start + slice)) connection.close('draining')
      await setTimeout(DRAIN_SLICE_MS)
    }
    await Promise.all(connections.map((connection) => connection.closed))
  }
}

/** The connection below a WebSocket. Node lets a program see it; browsers do not. */
export type Wire = {
  /** The HTTP status of the answer to the opening, if there was one. */
  readonly status: number | undefined
  /** Why the opening failed. */
  readonly failure: Error | undefined
  /** Ends the connection after a moment, in case the peer never answers the WebSocket's close frame. */
  end(): void
}

/** A live peer answers a close frame within this time. Until then the socket keeps Node's process alive. */
const CLOSE_WAIT_MS = 1_000

type Duplex = { destroy(): unknown; once(name: 'close', listener: () => void): unknown }
type Handler = Record<string, unknown>
type Dispatcher = { dispatch(options: unknown, handler: Handler): boolean }

/** Where undici, Node's implementation of fetch and WebSocket, keeps the dispatcher, which programs may replace. */
const DISPATCHER = Symbol.for('undici.globalDispatcher.1')

/** Throws in a program without WebSocket, which would otherwise try to connect for ever. */
export function requireWebSocket(): void {
  if (typeof WebSocket === 'function') return
  const node = globalThis.process?.versions?.node
  throw new Error(`Signalbox needs Node 22 or newer, or a browser${node ? `; this is Node ${node}` : ''}`)
}

/** Opens a WebSocket. Throws for an invalid URL. */
export function openWire(url: string, protocols: string[]): { ws: WebSocket; wire: Wire } {
  const below = new WireBelow()
  // Read WebSocket before the dispatcher: only then does Node load undici, which sets the dispatcher.
  const Constructor = WebSocket
  const dispatcher: Dispatcher | undefined = Reflect.get(globalThis, DISPATCHER)
  const options = dispatcher ? { protocols, dispatcher: below.spyOn(dispatcher) } : protocols
  // The browser's types do not have these options.
  const ws: WebSocket = Reflect.construct(Constructor, [url, options])
  return { ws, wire: below }
}

class WireBelow implements Wire {
  status: number | undefined
  failure: Error | undefined
  #socket: Duplex | undefined

  /** Undici has two names for each step of a request: its older and its newer dispatcher interface. */
  readonly #steps: Record<string, (...args: never[]) => void> = {
    onUpgrade: (_status: number, _headers: unknown, socket: Duplex) => this.#take(socket),
    onRequestUpgrade: (_controller: unknown, _status: number, _headers: unknown, socket: Duplex) =>
      this.#take(socket),
    onHeaders: (status: number) => this.#answered(status),
    onResponseStart: (_controller: unknown, status: number) => this.#answered(status),
    onError: (error: Error) => this.#failed(error),
    onResponseError: (_controller: unknown, error: Error) => this.#failed(error),
  }

  spyOn(dispatcher: Dispatcher): Dispatcher {
    return {
      dispatch: (options, handler) => {
        const spy: Handler = Object.create(handler)
        for (const [name, see] of Object.entries(this.#steps)) {
          const known = handler[name]
          if (typeof known !== 'function') continue
          spy[name] = function (this: unknown, ...args: never[]) {
            see(...args)
            return Reflect.apply(known, this, args)
          }
        }
        return dispatcher.dispatch(options, spy)
      },
    }
  }

  end(): void {
    const socket = this.#socket
    if (!socket) return
    const timer = setTimeout(() => socket.destroy(), CLOSE_WAIT_MS)
    socket.once('close', () => clearTimeout(timer))
  }

  #take(socket: Duplex): void {
    this.#socket = socket
  }

  #answered(status: number): void {
    this.status = status
  }

  #failed(error: Error): void {
    this.failure = error
  }
}

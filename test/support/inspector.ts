import { once } from 'node:events'
import WebSocket from 'ws'

/** The inspector of a Node process on a local port: runs code on its event loop. */
export class Inspector {
  readonly #socket: WebSocket

  private constructor(socket: WebSocket) {
    this.#socket = socket
  }

  static async at(port: number): Promise<Inspector> {
    const [target] = (await (await fetch(`http://127.0.0.1:${port}/json/list`)).json()) as [
      { webSocketDebuggerUrl: string },
    ]
    const socket = new WebSocket(target.webSocketDebuggerUrl)
    await once(socket, 'open')
    return new Inspector(socket)
  }

  /** Computes without a pause for so long, and resolves when that is over. */
  async block(ms: number): Promise<void> {
    const expression = `{ const end = performance.now() + ${ms}; while (performance.now() < end); }`
    this.#socket.send(JSON.stringify({ id: 1, method: 'Runtime.evaluate', params: { expression } }))
    await once(this.#socket, 'message')
  }

  close(): void {
    this.#socket.close()
  }
}

import type { AddressInfo } from 'node:net'
import { connect, createServer, type Server, type Socket } from 'node:net'

/** Stands between a server and what it depends on: can cut, refuse, hang and delay its connections. */
export class TcpProxy {
  readonly #server: Server
  readonly #pairs = new Set<[Socket, Socket]>()
  #isRefusing = false
  #isHanging = false
  port = 0

  private constructor(host: string, port: number) {
    this.#server = createServer((inbound) => {
      if (this.#isRefusing) return inbound.destroy()
      const outbound = connect(port, host)
      const pair: [Socket, Socket] = [inbound, outbound]
      this.#pairs.add(pair)
      for (const socket of pair) {
        socket.on('error', () => this.#drop(pair))
        socket.on('close', () => this.#drop(pair))
        // As proxies do: else a second small packet waits 40 ms for the first one's acknowledgement.
        socket.setNoDelay(true)
      }
      inbound.pipe(outbound)
      outbound.pipe(inbound)
      if (this.#isHanging) for (const socket of pair) socket.unpipe().pause()
    })
  }

  static async to(url: string): Promise<TcpProxy> {
    const { hostname, port } = new URL(url)
    const proxy = new TcpProxy(hostname, Number(port))
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve))
    proxy.port = (proxy.#server.address() as AddressInfo).port
    return proxy
  }

  /** The same URL, through this proxy. */
  through(url: string): string {
    const result = new URL(url)
    result.hostname = '127.0.0.1'
    result.port = String(this.port)
    return result.href
  }

  /** Breaks every connection, and new ones at once, as a server that is gone. */
  cut(): void {
    this.#isRefusing = true
    for (const pair of this.#pairs) this.#drop(pair)
  }

  /** Keeps every connection, and takes new ones, but nothing passes: as a server that is stopped. */
  hang(): void {
    this.#isHanging = true
    for (const pair of this.#pairs) for (const socket of pair) socket.unpipe().pause()
  }

  heal(): void {
    this.#isRefusing = false
    if (!this.#isHanging) return
    this.#isHanging = false
    for (const [inbound, outbound] of this.#pairs) {
      inbound.pipe(outbound)
      outbound.pipe(inbound)
    }
  }

  #drop(pair: [Socket, Socket]): void {
    this.#pairs.delete(pair)
    for (const socket of pair) socket.destroy()
  }

  async close(): Promise<void> {
    this.cut()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

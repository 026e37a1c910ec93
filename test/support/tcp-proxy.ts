import type { AddressInfo } from 'node:net'
import { connect, createServer, type Server, type Socket } from 'node:net'

/** Stands between a server and what it depends on: can cut, refuse, hang and delay its connections. */
export class TcpProxy {
  readonly #server: Server
  readonly #pairs = new Set<[Socket, Socket]>()
  readonly #silent = new Set<Socket>()
  #last_words: { text: string; spoken: () => void } | undefined
  #isRefusing = false
  #isHanging = false
  #target: { host: string; port: number }
  port = 0
  /** Connections that were broken at once. */
  refused = 0

  private constructor(target: { host: string; port: number }) {
    this.#target = target
    this.#server = createServer((inbound) => {
      if (this.#isRefusing) {
        this.refused++
        return inbound.destroy()
      }
      const outbound = connect(this.#target)
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
      inbound.on('data', (data) => {
        if (this.#last_words && data.includes(this.#last_words.text)) this.#silence(pair)
      })
      if (this.#isHanging) for (const socket of pair) socket.unpipe().pause()
    })
  }

  static async to(url: string): Promise<TcpProxy> {
    const proxy = new TcpProxy(targetOf(url))
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

  /** Leads new connections elsewhere, as after a failover; those that are open stay where they are. */
  follow(url: string): void {
    this.#target = targetOf(url)
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

  /**
   * The next connection on which a client sends `text` passes that on, and nothing from then on: neither side hears that
   * the other has closed. Resolves when it has come to that.
   */
  silenceAfter(text: string): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#last_words = { text, spoken: resolve }
    return promise
  }

  #silence(pair: [Socket, Socket]): void {
    this.#last_words?.spoken()
    this.#last_words = undefined
    this.#pairs.delete(pair)
    for (const socket of pair) {
      socket.unpipe().removeAllListeners('close').removeAllListeners('error')
      socket.on('error', () => {}).pause()
      this.#silent.add(socket)
    }
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
    for (const socket of this.#silent) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

function targetOf(url: string): { host: string; port: number } {
  const { hostname, port } = new URL(url)
  return { host: hostname, port: Number(port) }
}

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'

/** What befalls a request on its way: its answer is lost, it is answered by the front itself, or never. */
export type Fate =
  | 'pass'
  | 'lose'
  | 'hang'
  | { status: number; headers?: Record<string, string>; body?: string }

/** Stands before a server as a proxy does, and does to each request what it was told; then it passes them on. */
export class LossyFront {
  readonly #server: Server
  readonly #target: string
  readonly #fates: Fate[] = []
  /** The requests that came, in their order. */
  readonly seen: { method: string; path: string; headers: IncomingMessage['headers'] }[] = []

  private constructor(target: string) {
    this.#target = target
    this.#server = createServer((request, response) => {
      this.#handle(request, response).catch(() => response.destroy())
    })
  }

  static async to(target: string): Promise<LossyFront> {
    const front = new LossyFront(target)
    await new Promise<void>((resolve) => front.#server.listen(0, '127.0.0.1', resolve))
    return front
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Forgets what was seen. */
  plan(...fates: Fate[]): void {
    this.seen.length = 0
    this.#fates.splice(0, Infinity, ...fates)
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url = '', headers } = request
    this.seen.push({ method, path: url, headers })
    const fate = this.#fates.shift() ?? 'pass'
    if (fate === 'hang') return
    if (typeof fate === 'object') {
      response.writeHead(fate.status, fate.headers).end(fate.body)
      return
    }
    const { host: _, connection: __, ...sent } = headers
    const body = method === 'GET' ? undefined : await buffer(request)
    const answer = await fetch(this.#target + url, { method, headers: sent as Record<string, string>, body })
    const text = await answer.text()
    if (fate === 'lose') response.destroy()
    else response.writeHead(answer.status, { 'content-type': 'application/json' }).end(text)
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

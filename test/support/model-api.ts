import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

type Call = { path: string | undefined; headers: IncomingHttpHeaders; body: string }

/** Stands for a provider's API of models: answers a stream, whose second part waits for `finish`. */
export class ModelApi {
  readonly calls: Call[] = []
  readonly #server: Server
  #waiting: ServerResponse[] = []

  private constructor() {
    this.#server = createServer(async (request, response) => {
      const { url: path, headers } = request
      this.calls.push({ path, headers, body: await text(request) })
      if (path === '/v1/refused') {
        response.writeHead(403, { 'content-type': 'application/json' })
        return response.end('{"error":"quota"}')
      }
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write('data: one\n\n')
      this.#waiting.push(response)
      return undefined
    })
  }

  static async start(): Promise<ModelApi> {
    const api = new ModelApi()
    api.#server.listen(0, '127.0.0.1')
    await once(api.#server, 'listening')
    return api
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  finish(): void {
    for (const response of this.#waiting) response.end('data: two\n\n')
    this.#waiting = []
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }
}

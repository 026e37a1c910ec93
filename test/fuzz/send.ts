import { Agent, type IncomingHttpHeaders, request } from 'node:http'

const agent = new Agent({ keepAlive: true, maxSockets: 32 })
const MAX_WAIT_MS = 5_000

export type Sent = {
  method: string
  path: string
  headers: Record<string, string>
  body?: string | Buffer | undefined
}
export type Received = { status: number; headers: IncomingHttpHeaders; text: string; ms: number }

/** Sends a request as it is, which `fetch` would not: nothing in the path is made tidy. Fails after 5 s. */
export function send(origin: string, { method, path, headers, body }: Sent): Promise<Received> {
  const { hostname, port } = new URL(origin)
  const started = performance.now()
  return new Promise((resolve, reject) => {
    // Node gives a body of GET, HEAD and DELETE no length by itself.
    const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }
    const options = { hostname, port, method, path, headers: { ...headers, ...length }, agent }
    const outgoing = request(options, (response) => {
      const chunks: Buffer[] = []
      const done = () => {
        clearTimeout(timer)
        const text = Buffer.concat(chunks).toString()
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text,
          ms: performance.now() - started,
        })
      }
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', done)
      response.on('error', reject)
      // A refusal of what is no HTTP may follow a HEAD with a body: who knows what was asked.
      if (method === 'HEAD') done()
      // A stream has no end: that it has begun is enough.
      if (response.headers['content-type'] === 'text/event-stream') {
        outgoing.on('error', () => {})
        done()
        response.removeListener('error', reject).on('error', () => {})
        outgoing.destroy()
      }
    })
    const timer = setTimeout(
      () => outgoing.destroy(new Error(`no answer within ${MAX_WAIT_MS} ms`)),
      MAX_WAIT_MS,
    )
    outgoing.on('error', (error: NodeJS.ErrnoException) => {
      clearTimeout(timer)
      // The server ended a kept connection just as it was used again.
      if (outgoing.reusedSocket && error.code === 'ECONNRESET')
        resolve(send(origin, { method, path, headers, body }))
      else reject(new Error(`${error.message}${outgoing.reusedSocket ? ' on a kept connection' : ''}`))
    })
    outgoing.end(body)
  })
}

import { createServer, type Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { getRequestListener, RequestError } from '@hono/node-server'
import type { Hono } from 'hono'
import { errorCodes } from '#src/domain/errors.ts'
import { answerSocket, bareRefusal, refuseNotHttp } from './bare-answers.ts'
import type { HttpEnv } from './env.ts'
import { webSocketTarget } from './websocket-target.ts'

/** How long a peer may take: for the headers, for the whole request, and between two requests. */
const HEADERS_TIMEOUT_MS = 10_000
const REQUEST_TIMEOUT_MS = 30_000
const KEEP_ALIVE_MS = 65_000
const TIMEOUT_CHECK_MS = 1_000
const MAX_HEADER_BYTES = 16 * 1024
/** An answer of which its peer reads nothing for so long is cut off, since it holds its memory. */
const STALL_MS = 60_000
/** How long requests under way may take once the server drains. */
const REQUEST_GRACE_MS = 8_000

const refusals: Record<string, { status: number; message: string }> = {
  HPE_HEADER_OVERFLOW: { status: 431, message: `The headers are larger than ${MAX_HEADER_BYTES} bytes` },
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, message: 'The request took too long to arrive' },
}

/** Node's server, with bounds on what a slow or rude peer can hold, and answers of the contract's shape. */
export function createHttpServer(app: Hono<HttpEnv>, { stall_ms = STALL_MS } = {}): Server {
  const listener = getRequestListener(app.fetch, { errorHandler: refuseRequest })
  const server = createServer(
    {
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      connectionsCheckingInterval: TIMEOUT_CHECK_MS,
      maxHeaderSize: MAX_HEADER_BYTES,
      // Refused by the listener all the same, in the contract's shape.
      requireHostHeader: false,
      // Clients that offer HTTP/2 (`Upgrade: h2c`) get HTTP/1.1, with their body and all.
      shouldUpgradeCallback: ({ headers, url }) =>
        headers.upgrade?.toLowerCase() === 'websocket' && webSocketTarget(url) !== undefined,
    },
    listener,
  )
  // A socket whose write makes progress is not idle, nor is one that a stream's keep-alives are read from; `ws` ends this.
  server.timeout = stall_ms
  // An expectation that nobody knows is none: the request is answered as any other.
  server.on('checkExpectation', listener)
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
    if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
    const refusal = refusals[error.code ?? '']
    void answerSocket(socket, refusal ? bareRefusal(refusal) : refuseNotHttp())
  })
  return server
}

/** What cannot be made a request of: a host or a target that is none. */
function refuseRequest(error: unknown): Response {
  if (error instanceof RequestError) return refuseNotHttp()
  return bareRefusal({ status: 500, message: 'Internal server error', code: errorCodes.internal })
}

/** Takes no new connections; requests under way have time to finish. */
export async function closeServer(server: Server): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve))
  server.closeIdleConnections()
  const idle = setInterval(() => server.closeIdleConnections(), 100)
  const end = setTimeout(() => server.closeAllConnections(), REQUEST_GRACE_MS)
  await closed
  clearInterval(idle)
  clearTimeout(end)
}

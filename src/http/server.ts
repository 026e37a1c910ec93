import { createServer, type Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { getRequestListener, RequestError } from '@hono/node-server'
import type { Hono } from 'hono'
import { errorCodes } from '#src/domain/errors.ts'
import {
  HEADERS_TIMEOUT_MS,
  KEEP_ALIVE_MS,
  MAX_HEADER_BYTES,
  REQUEST_GRACE_MS,
  REQUEST_TIMEOUT_MS,
  STALL_MS,
  TIMEOUT_CHECK_MS,
} from './bounds.ts'
import type { HttpEnv } from './env.ts'
import { answerSocket, bareRefusal, refuseNotHttp } from './raw-responses.ts'
import { webSocketTarget } from './websocket.ts'

const refusals: Record<string, { status: number; message: string }> = {
  HPE_HEADER_OVERFLOW: { status: 431, message: `The headers are larger than ${MAX_HEADER_BYTES} bytes` },
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, message: 'The request took too long to arrive' },
}

/** Node's server with bounds for slow and rude peers. Its own refusals have the contract's shape. */
export function createHttpServer(app: Hono<HttpEnv>, { stall_ms = STALL_MS } = {}): Server {
  const listener = getRequestListener(app.fetch, { errorHandler: refuseRequest })
  const server = createServer(
    {
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      connectionsCheckingInterval: TIMEOUT_CHECK_MS,
      maxHeaderSize: MAX_HEADER_BYTES,
      // The listener refuses a missing host in the contract's shape.
      requireHostHeader: false,
      // A client that offers HTTP/2 (`Upgrade: h2c`) is served over HTTP/1.1, its body included.
      shouldUpgradeCallback: ({ headers, url }) =>
        headers.upgrade?.toLowerCase() === 'websocket' && webSocketTarget(url) !== undefined,
    },
    listener,
  )
  // Progress of a write, a stream's keep-alives included, resets this timer; `ws` removes it from its sockets.
  server.timeout = stall_ms
  // A socket with nothing to write still waits for its answer, and an order for a fleet may take longer.
  server.on('timeout', (socket) => {
    if (socket.writableLength > 0) socket.destroy()
  })
  // Unknown expectations are ignored.
  server.on('checkExpectation', listener)
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
    if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
    const refusal = refusals[error.code ?? '']
    void answerSocket(socket, refusal ? bareRefusal(refusal) : refuseNotHttp())
  })
  return server
}

/** Answers what Hono cannot make a Request of, such as an invalid host or target. */
function refuseRequest(error: unknown): Response {
  if (error instanceof RequestError) return refuseNotHttp()
  return bareRefusal({ status: 500, message: 'Internal server error', code: errorCodes.internal })
}

/** Takes no new connections, and gives running requests time to finish. */
export async function closeServer(server: Server): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve))
  server.closeIdleConnections()
  const idle = setInterval(() => server.closeIdleConnections(), 100)
  const end = setTimeout(() => server.closeAllConnections(), REQUEST_GRACE_MS)
  await closed
  clearInterval(idle)
  clearTimeout(end)
}

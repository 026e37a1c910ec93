import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Hono } from 'hono'
import { errorCodes } from '#src/domain/errors.ts'
import type { HttpEnv, UpgradeTicket } from '#src/http/env.ts'
import { answerSocket, bareRefusal, refuseNotHttp } from '#src/http/raw-responses.ts'
import { webSocketTarget } from '#src/http/websocket.ts'
import type { SocketServer } from '#src/realtime/sessions/socket-server.ts'

/** Handles the HTTP server's `upgrade` event: the route decides, then the socket server takes over. */
export function createUpgradeHandler(
  app: Hono<HttpEnv>,
  realtime: SocketServer,
  onError: (error: unknown) => void,
) {
  const upgrade = async (incoming: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> => {
    if (realtime.isDraining) return answerSocket(socket, drainingResponse())
    const ticket: UpgradeTicket = {}
    const request = toRequest(incoming)
    if (!request) return answerSocket(socket, refuseNotHttp())
    const response = await app.fetch(request, { incoming, upgrade: ticket })
    if (socket.destroyed) return void response.body?.cancel()
    // A drain that has begun during the await closes only the sockets that it found.
    if (realtime.isDraining) return answerSocket(socket, drainingResponse())
    if (ticket.accepted) realtime.accept(incoming, socket, { head, ...ticket.accepted })
    else await answerSocket(socket, response)
  }
  return (incoming: IncomingMessage, socket: Duplex, head: Buffer): void => {
    // Before the first await: an unhandled error of a peer that leaves would end the process.
    socket.on('error', () => socket.destroy())
    upgrade(incoming, socket, head).catch((error: unknown) => {
      onError(error)
      socket.destroy()
    })
  }
}

function drainingResponse(): Response {
  const headers = { 'Retry-After': '1' }
  return bareRefusal({
    status: 503,
    message: 'The server is draining',
    code: errorCodes.unavailable,
    headers,
  })
}

/** Undefined for other targets, which `shouldUpgradeCallback` does not let through. */
function toRequest(incoming: IncomingMessage): Request | undefined {
  const url = webSocketTarget(incoming.url)
  if (!url) return undefined
  const headers = new Headers()
  for (let index = 0; index < incoming.rawHeaders.length; index += 2) {
    headers.append(incoming.rawHeaders[index] as string, incoming.rawHeaders[index + 1] as string)
  }
  return new Request(url, { headers, method: incoming.method === 'GET' ? 'GET' : 'POST' })
}

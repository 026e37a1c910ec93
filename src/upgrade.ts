import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Hono } from 'hono'
import { errorCodes } from './domain/errors.ts'
import { answerSocket, bareRefusal, refuseNotHttp } from './http/bare-answers.ts'
import type { HttpEnv, UpgradeTicket } from './http/env.ts'
import { webSocketTarget } from './http/websocket-target.ts'
import type { Realtime } from './realtime/realtime.ts'

/** The handler of the HTTP server's `upgrade` event: the routes decide, the real-time side takes over. */
export function createUpgradeHandler(
  app: Hono<HttpEnv>,
  realtime: Realtime,
  onError: (error: unknown) => void,
) {
  const upgrade = async (incoming: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> => {
    if (realtime.isDraining) return answerSocket(socket, drainingResponse())
    const ticket: UpgradeTicket = {}
    const request = toRequest(incoming)
    if (!request) return answerSocket(socket, refuseNotHttp())
    const response = await app.fetch(request, { incoming, upgrade: ticket })
    if (socket.destroyed) return void response.body?.cancel()
    // The drain may have begun meanwhile: it closes only those that it has found.
    if (realtime.isDraining) return answerSocket(socket, drainingResponse())
    if (ticket.accepted) realtime.accept(incoming, socket, { head, ...ticket.accepted })
    else await answerSocket(socket, response)
  }
  return (incoming: IncomingMessage, socket: Duplex, head: Buffer): void => {
    // Before anything is awaited: a peer that goes away meanwhile must not end the process.
    socket.on('error', () => socket.destroy())
    // Nor must one whose request nobody foresaw.
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

/** Undefined where it leads elsewhere: the server lets none of those through. */
function toRequest(incoming: IncomingMessage): Request | undefined {
  const url = webSocketTarget(incoming.url)
  if (!url) return undefined
  const headers = new Headers()
  for (let index = 0; index < incoming.rawHeaders.length; index += 2) {
    headers.append(incoming.rawHeaders[index] as string, incoming.rawHeaders[index + 1] as string)
  }
  return new Request(url, { headers, method: incoming.method === 'GET' ? 'GET' : 'POST' })
}

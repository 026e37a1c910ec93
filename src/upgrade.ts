import { type IncomingMessage, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Hono } from 'hono'
import { errorCodes } from './domain/errors.ts'
import type { HttpEnv, UpgradeTicket } from './http/env.ts'
import type { Realtime } from './realtime/realtime.ts'

/** The handler of the HTTP server's `upgrade` event: the routes decide, the real-time side takes over. */
export function createUpgradeHandler(app: Hono<HttpEnv>, realtime: Realtime) {
  return async (incoming: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> => {
    // Before anything is awaited: a peer that goes away meanwhile must not end the process.
    socket.on('error', () => socket.destroy())
    if (realtime.isDraining) return refuseUpgrade(socket, drainingResponse())
    const ticket: UpgradeTicket = {}
    const response = await app.fetch(toRequest(incoming), { incoming, upgrade: ticket })
    if (socket.destroyed) return
    if (ticket.accepted) realtime.accept(incoming, socket, { head, ...ticket.accepted })
    else await refuseUpgrade(socket, response)
  }
}

function drainingResponse(): Response {
  const error = { code: errorCodes.unavailable, message: 'The server is draining', field: null }
  return Response.json({ success: false, errors: [error] }, { status: 503, headers: { 'Retry-After': '1' } })
}

function toRequest(incoming: IncomingMessage): Request {
  const headers = new Headers()
  for (let index = 0; index < incoming.rawHeaders.length; index += 2) {
    headers.append(incoming.rawHeaders[index] as string, incoming.rawHeaders[index + 1] as string)
  }
  const host = incoming.headers.host ?? 'localhost'
  const base = URL.canParse(`http://${host}`) ? `http://${host}` : 'http://localhost'
  const url = URL.canParse(incoming.url ?? '/', base) ? new URL(incoming.url ?? '/', base) : new URL(base)
  return new Request(url, { headers, method: incoming.method === 'GET' ? 'GET' : 'POST' })
}

async function refuseUpgrade(socket: Duplex, response: Response): Promise<void> {
  const body = Buffer.from(await response.arrayBuffer())
  const headers = new Headers(response.headers)
  headers.set('Content-Length', String(body.length))
  headers.set('Connection', 'close')
  const lines = [...headers].map(([name, value]) => `${name}: ${value}\r\n`).join('')
  socket.write(`HTTP/1.1 ${response.status} ${STATUS_CODES[response.status] ?? ''}\r\n${lines}\r\n`)
  socket.end(body)
}

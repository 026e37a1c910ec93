import { STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { v7 as uuid } from 'uuid'
import { type ErrorCode, errorCodes } from '#src/domain/errors.ts'

type Refusal = { status: number; message: string; code?: ErrorCode; headers?: Record<string, string> }

/** An answer of the contract's shape to what never gets as far as a route. */
export function bareRefusal({
  status,
  message,
  code = errorCodes.not_json,
  headers = {},
}: Refusal): Response {
  const errors = [{ code, message, field: null }]
  return Response.json(
    { success: false, errors },
    { status, headers: { 'X-Request-Id': uuid(), ...headers } },
  )
}

/** The answer to what is no HTTP, or asks for what is no URL. */
export function refuseNotHttp(): Response {
  return bareRefusal({ status: 400, message: 'The request is not valid HTTP' })
}

/** Writes an answer to a socket that has no response of Node's, and ends it. */
export async function answerSocket(socket: Duplex, response: Response): Promise<void> {
  const body = Buffer.from(await response.arrayBuffer())
  const headers = new Headers(response.headers)
  headers.set('Content-Length', String(body.length))
  headers.set('Connection', 'close')
  const lines = [...headers].map(([name, value]) => `${name}: ${value}\r\n`).join('')
  socket.write(`HTTP/1.1 ${response.status} ${STATUS_CODES[response.status] ?? ''}\r\n${lines}\r\n`)
  socket.end(body)
}

import { STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Context } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { v7 as uuid } from 'uuid'
import { type ErrorCode, errorCodes, SignalboxError } from '#src/domain/errors.ts'
import { RETRY_SECONDS, SMALL_ANSWER_CHARACTERS } from './bounds.ts'
import type { HttpEnv } from './env.ts'

type Refusal = { status: number; message: string; code?: ErrorCode; headers?: Record<string, string> }

/** A refusal of the contract's shape for a request that never reaches a route. */
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

export function refuseNotHttp(): Response {
  return bareRefusal({ status: 400, message: 'The request is not valid HTTP' })
}

/** Writes an answer to a socket for which Node has no response object, and ends the socket. */
export async function answerSocket(socket: Duplex, response: Response): Promise<void> {
  const body = Buffer.from(await response.arrayBuffer())
  const headers = new Headers(response.headers)
  headers.set('Content-Length', String(body.length))
  headers.set('Connection', 'close')
  const lines = [...headers].map(([name, value]) => `${name}: ${value}\r\n`).join('')
  socket.write(`HTTP/1.1 ${response.status} ${STATUS_CODES[response.status] ?? ''}\r\n${lines}\r\n`)
  socket.end(body)
}

/** An answer whose body is JSON already. Refuses with `rate_limited` a read whose user has left too much unread. */
export function jsonText(c: Context<HttpEnv>, json: string, status: ContentfulStatusCode = 200): Response {
  return answerText(c, json, 'application/json', status)
}

/** The same with CSV. */
export function csvText(c: Context<HttpEnv>, csv: string): Response {
  return answerText(c, csv, 'text/csv; charset=utf-8')
}

function answerText(
  c: Context<HttpEnv>,
  text: string,
  type: string,
  status: ContentfulStatusCode = 200,
): Response {
  if (text.length > SMALL_ANSWER_CHARACTERS) countUntilSent(c, Buffer.byteLength(text))
  return c.body(text, status, { 'Content-Type': type })
}

function countUntilSent(c: Context<HttpEnv>, bytes: number): void {
  const [account, answer] = [c.get('account'), c.env.outgoing]
  if (!account || !answer || answer.closed) return
  // A write has been done, so it is always answered.
  const isRead = c.req.method === 'GET' || c.req.method === 'HEAD'
  if (isRead && !account.fits(bytes)) {
    const message = 'Too many of your answers are unread: read or close them first'
    throw new SignalboxError('rate_limited', [{ message, field: null }], RETRY_SECONDS)
  }
  answer.once('close', account.hold(bytes))
}

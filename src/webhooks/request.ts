import http, { type IncomingMessage } from 'node:http'
import https from 'node:https'
import type { Attempt } from '#src/domain/webhook.ts'
import { AddressRefused, type AddressRule, createLookup, literalAddress } from './addresses.ts'
import { resolveName } from './names.ts'

/** As much of an answer is read, and dropped; a longer one loses its connection. */
const MAX_ANSWER_BYTES = 16 * 1024

export type WebhookRequest = {
  url: string
  headers: Record<string, string>
  body: string
  timeout_ms: number
  /** Ends the request, which then rejects. */
  signal: AbortSignal
}

/**
 * Sends one POST on a connection of its own, to an address that the rule lets through. Redirects are not
 * followed: they are refusals. Never rejects but for its signal.
 */
export async function sendWebhook(isAllowed: AddressRule, request: WebhookRequest): Promise<Attempt> {
  const deadline = AbortSignal.timeout(request.timeout_ms)
  try {
    const status = await post(isAllowed, request, AbortSignal.any([deadline, request.signal]))
    if (status >= 200 && status <= 299) return { kind: 'delivered', status }
    return { kind: 'refused', status, error: `Answered ${status}` }
  } catch (error) {
    request.signal.throwIfAborted()
    const reason = deadline.aborted ? `No answer within ${request.timeout_ms / 1000} s` : describe(error)
    return { kind: 'failed', status: null, error: reason }
  }
}

function post(isAllowed: AddressRule, request: WebhookRequest, signal: AbortSignal): Promise<number> {
  const url = new URL(request.url)
  const literal = literalAddress(url)
  if (literal !== undefined && !isAllowed(literal)) return Promise.reject(new AddressRefused())
  const { request: open } = url.protocol === 'https:' ? https : http
  const length = String(Buffer.byteLength(request.body))
  return new Promise((resolve, reject) => {
    const sent = open(url, {
      method: 'POST',
      agent: false,
      lookup: createLookup(isAllowed, (name) => resolveName(name, { signal })),
      signal,
      headers: { ...request.headers, 'content-type': 'application/json', 'content-length': length },
    })
    let status: number | undefined
    sent.on('response', (response) => {
      status = response.statusCode
      drop(response)
    })
    // Another protocol is no answer; nobody else would end its socket's request.
    sent.on('upgrade', (response, socket) => {
      status = response.statusCode
      socket.destroy()
    })
    sent.on('error', (error) => status === undefined && reject(error))
    // With the connection, so that no more of them are open than there are requests under way.
    sent.on('close', () => (status === undefined ? reject(brokenOff()) : resolve(status)))
    sent.end(request.body)
  })
}

const brokenOff = () => Object.assign(new Error('no answer'), { code: 'ECONNRESET' })

/** Reads an answer to its end, so that a receiver is not cut off, as far as it is short and in time. */
function drop(response: IncomingMessage): void {
  let bytes = 0
  response.on('error', () => {})
  response.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes > MAX_ANSWER_BYTES) response.destroy()
  })
}

const reasons: Record<string, string> = {
  ADDRESS_REFUSED: 'The address is not allowed',
  NAME_UNRESOLVED: 'The name cannot be resolved',
  ECONNREFUSED: 'The connection was refused',
  ECONNRESET: 'The connection was broken',
  EPIPE: 'The connection was broken',
  ETIMEDOUT: 'The connection timed out',
  EHOSTUNREACH: 'The host cannot be reached',
  ENETUNREACH: 'The host cannot be reached',
}

/** Never the error's own message, which has addresses in it. */
function describe(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
  return reasons[code] ?? `The connection failed (${code.slice(0, 64)})`
}

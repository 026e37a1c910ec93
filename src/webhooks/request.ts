import http, { type IncomingMessage } from 'node:http'
import https from 'node:https'
import type { Attempt } from '#src/domain/webhook.ts'
import { AddressRefused, type AddressRule, createLookup, literalAddress } from './addresses.ts'
import { resolveName } from './dns.ts'

/** An answer is read and dropped up to here; a longer one loses its connection. */
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
 * Sends one POST on its own connection, to an address that the rule allows. A redirect counts as a refusal. Rejects only
 * when its signal aborts.
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
      headers: { ...request.headers, 'content-length': length },
    })
    let status: number | undefined
    sent.on('response', (response) => {
      status = response.statusCode
      drop(response)
    })
    // A change of protocol is a refusal, and leaves its socket to this handler.
    sent.on('upgrade', (response, socket) => {
      status = response.statusCode
      socket.destroy()
    })
    sent.on('error', (error) => status === undefined && reject(error))
    // Resolves when the connection closes, so that there are no more connections than running requests.
    sent.on('close', () => (status === undefined ? reject(brokenOff()) : resolve(status)))
    sent.end(request.body)
  })
}

const brokenOff = () => Object.assign(new Error('no answer'), { code: 'ECONNRESET' })

/** Reads a short answer to its end, so that its receiver is not cut off. */
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

/** The error's own message would reveal addresses. */
function describe(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
  return reasons[code] ?? `The connection failed (${code.slice(0, 64)})`
}

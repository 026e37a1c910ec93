import type { Context, Hono } from 'hono'
import type { Authenticate } from '#src/auth/authenticate.ts'
import { refuse } from '#src/domain/errors.ts'
import type { HttpEnv } from './env.ts'
import { errorResponse } from './errors.ts'
import { toLimitKey } from './limit-key.ts'
import { isFromHere } from './origin.ts'
import { limits } from './route.ts'
import { type RouterParts, readBearer } from './router.ts'
import { WEBSOCKET_PATH } from './websocket-target.ts'

/**
 * `GET /ws`: decides on an upgrade as on any request (limit, origin, credentials), so that a refusal is an
 * ordinary answer. Where it may go on, it says so in the ticket; the socket is upgraded by the caller.
 */
export function addWebSocketRoute(app: Hono<HttpEnv>, parts: RouterParts): void {
  const limit = parts.rateLimits('websocket', limits.upgrade)
  app.get(WEBSOCKET_PATH, async (c) => {
    await limit(c, c.get('address'))
    const ticket = c.env.upgrade
    if (!ticket) {
      c.header('Upgrade', 'websocket')
      return errorResponse(c, refuse('invalid', 'This is a WebSocket endpoint: ask for an upgrade'))
    }
    const wrong = findWrongHandshake(c)
    if (wrong) {
      c.header('Sec-WebSocket-Version', VERSION)
      return errorResponse(c, refuse('invalid', 'This is not a WebSocket handshake', wrong))
    }
    if (!isOriginAllowed(c, parts.allowed_origins)) {
      return errorResponse(c, refuse('forbidden', 'This origin is not allowed'))
    }
    const authentication = await readAuthentication(c, parts.authenticate)
    ticket.accepted = { authentication, address: toLimitKey(c.get('address')) }
    return c.body(null, 204)
  })
}

const VERSION = '13'
const key = /^[+/0-9A-Za-z]{22}==$/
const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/

/** The header for which the WebSocket library would refuse the handshake, in words that are not ours. */
function findWrongHandshake(c: Context<HttpEnv>): string | undefined {
  if (c.req.header('sec-websocket-version') !== VERSION) return 'Sec-WebSocket-Version'
  if (!key.test(c.req.header('sec-websocket-key') ?? '')) return 'Sec-WebSocket-Key'
  const offered =
    c.req
      .header('sec-websocket-protocol')
      ?.split(',')
      .map((name) => name.trim()) ?? []
  const names = new Set(offered.filter((name) => token.test(name)))
  return names.size < offered.length ? 'Sec-WebSocket-Protocol' : undefined
}

async function readAuthentication(c: Context<HttpEnv>, authenticate: Authenticate) {
  const token = readBearer(c)
  return token === undefined ? undefined : authenticate(token)
}

/** A browser names its origin: it must be this server, or one that the operator allowed. */
function isOriginAllowed(c: Context<HttpEnv>, allowed: readonly string[]): boolean {
  return allowed.includes(c.req.header('origin') ?? '') || isFromHere(c)
}

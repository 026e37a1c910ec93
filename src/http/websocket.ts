import type { Context, Hono } from 'hono'
import type { Authenticate } from '#src/auth/authenticate.ts'
import { refuse } from '#src/domain/errors.ts'
import { limits } from './bounds.ts'
import { toLimitKey } from './client-address.ts'
import type { HttpEnv } from './env.ts'
import { errorResponse } from './errors.ts'
import { isOriginAllowed } from './origin.ts'
import { API_BASE, type RouterParts, readBearer } from './router.ts'

const WEBSOCKET_PATH = `${API_BASE}/ws`

/** The URL of a handshake for the WebSocket, whichever host it names. Undefined: the server answers it as an ordinary request. */
export function webSocketTarget(target = '/'): URL | undefined {
  const absolute = target.startsWith('/') ? `http://localhost${target}` : target
  if (!URL.canParse(absolute)) return undefined
  const url = new URL(absolute)
  // A Request refuses a URL with credentials.
  url.username = ''
  url.password = ''
  return url.pathname === WEBSOCKET_PATH ? url : undefined
}

/**
 * `GET /ws` checks an upgrade like any request (limit, origin, credentials), so that a refusal is an ordinary answer.
 * Otherwise it accepts by filling the ticket, and its caller upgrades the socket.
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
    if (!isOriginAllowed(c, parts.allowedOrigins)) {
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

/** The header for which the WebSocket library would refuse the handshake, without the contract's shape of errors. */
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

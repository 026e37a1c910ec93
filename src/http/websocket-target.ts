import { API_BASE } from './router.ts'

export const WEBSOCKET_PATH = `${API_BASE}/ws`

/**
 * Where a handshake leads, if it leads to the WebSocket: which host is asked for plays no part. Whatever else wants to
 * upgrade is an ordinary request, and answered as one.
 */
export function webSocketTarget(target = '/'): URL | undefined {
  const absolute = target.startsWith('/') ? `http://localhost${target}` : target
  if (!URL.canParse(absolute)) return undefined
  const url = new URL(absolute)
  // With these it is no URL of a Request.
  url.username = ''
  url.password = ''
  return url.pathname === WEBSOCKET_PATH ? url : undefined
}

import type { ClosedError, ClosedReason } from './errors.ts'

/** Times are milliseconds since 1970. `offline` lasts until the server is back, through each attempt. */
type Broken =
  | { kind: 'offline'; since: number; retry_at: number }
  | { kind: 'closed'; reason: ClosedReason; error: ClosedError }

/** How a socket stands. */
export type ConnectionState = { kind: 'connecting' } | { kind: 'open' } | Broken

/** How a watch or an agent stands. `live`: what it shows is what is. */
export type LinkState = { kind: 'connecting' } | { kind: 'catching_up' } | { kind: 'live' } | Broken

/** What the socket's state makes of that of something on it, which is live once it `isCurrent`. */
export function linkState(connection: ConnectionState, isCurrent: boolean): LinkState {
  if (connection.kind !== 'open') return connection
  return { kind: isCurrent ? 'live' : 'catching_up' }
}

export function isSameState(left: LinkState, right: LinkState): boolean {
  if (left.kind === 'offline' && right.kind === 'offline') {
    return left.since === right.since && left.retry_at === right.retry_at
  }
  return left.kind === right.kind
}

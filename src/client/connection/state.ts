import type { ClosedError, ClosedReason, OfflineError } from './errors.ts'

/**
 * Times are milliseconds since 1970. `offline` lasts through all attempts until the connection is open again; `error` says
 * why the newest attempt failed.
 */
type Broken =
  | { kind: 'offline'; since: number; retry_at: number; error: OfflineError }
  | { kind: 'closed'; reason: ClosedReason; error: ClosedError }

/** The state of a connection. */
export type ConnectionState = { kind: 'connecting' } | { kind: 'open' } | Broken

/** The state of a watch or an agent. `live`: it is up to date with the server. */
export type LinkState = { kind: 'connecting' } | { kind: 'catching_up' } | { kind: 'live' } | Broken

/** The state of a watch or an agent on a connection; it is live once it `isCurrent`. */
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

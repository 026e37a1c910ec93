/** The bounds of both sides of a socket. Apart from the schemas, which a client does not bundle. */

export const SUBPROTOCOL = 'signalbox.v1'
/** The largest message that a client may send, in bytes; a larger one closes with 1009. */
export const MAX_MESSAGE_BYTES = 128 * 1024
export const HEARTBEAT_MS = 15_000
/** Projects that one socket may watch; one more is refused, and closes with 4429. */
export const MAX_SUBSCRIPTIONS = 100
/** Agents that one socket may hold; one more is refused. */
export const MAX_AGENTS = 1_000
/** The longest `wait` of a long poll, below the 30 s after which common clients and proxies give up. */
export const MAX_WAIT_SECONDS = 25

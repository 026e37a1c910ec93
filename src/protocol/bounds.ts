/** What both sides of a socket keep to. Apart from the schemas, so that a client has it without them. */

export const SUBPROTOCOL = 'signalbox.v1'
/** The largest message that a client may send, in bytes; a larger one closes with 1009. */
export const MAX_MESSAGE_BYTES = 128 * 1024
export const HEARTBEAT_MS = 15_000
/** Projects that one socket may watch; one more is refused, and closes with 4429. */
export const MAX_SUBSCRIPTIONS = 100
/** Agents that one socket may hold; one more is refused. */
export const MAX_AGENTS = 1_000

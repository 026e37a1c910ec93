/** The bounds of the bus: why each is there, and what happens when it is reached. News that is lost comes from the log. */

/** Publishes under way on one connection. News beyond it is dropped, so that a Redis that hangs costs no memory. */
export const MAX_PUBLISHES = 10_000
/** Characters of one message: more than any event has. A longer one is another program's, and is dropped unread. */
export const MAX_NEWS_LENGTH = 1024 * 1024
/** A subscription waits this long for its first news. Then it counts as made, and the log brings what is missed. */
export const SUBSCRIBE_WAIT_MS = 250

/** A connection that cannot be opened in this time is given up and tried again. */
export const CONNECT_TIMEOUT_MS = 2_000
/** The longest wait between two attempts to connect. */
export const MAX_RECONNECT_WAIT_MS = 1_000
/** A connection that owes an answer for this long is closed and opened again. */
export const SOCKET_TIMEOUT_MS = 2_000

/**
 * The limiter's command fails after this long, and the process counts by itself. Its connection is closed a little
 * earlier, so that the next command of the same request fails at once. A process that itself stalls for as long also
 * reconnects, and counts by itself until then.
 */
export const LIMITER_TIMEOUT_MS = 150
export const LIMITER_SOCKET_TIMEOUT_MS = 120

/** How often the connections are checked: do they lead to a master, and does the subscriber hear the publisher? */
export const MASTER_CHECK_MS = 1_000
/** Checks in a row whose message the subscriber has not heard. Then it is on another server, and subscribes again. */
export const MAX_UNHEARD = 2
/** The key that a check writes, to see whether it may, expires after this long. */
export const ROLE_KEY_MS = 10_000

/** How often a cluster is asked for its slots, and each connection for a sign of life. */
export const SLOTS_CHECK_MS = 1_000
/** After a slot has moved, the cluster is asked this soon, once for all who notice. */
export const SLOTS_CHECK_SOON_MS = 100
/** How often the limiter's own client asks a cluster for its slots. */
export const LIMITER_SLOTS_REFRESH_MS = 2_000

/**
 * The bounds of `commands/`: how many changes are under way, waiting, or in memory at a time, and for how long. Each says
 * what happens when it is reached.
 */

/** Requests that one transaction of the write queue takes. More wait for the next one. */
export const MAX_JOINED = 64
/** Transactions of the write queue under way at once, of different projects, without those that wait patiently. */
export const MAX_UNDER_WAY = 4
/** After this long, a running transaction counts as held up, by a lock or the network, and a second one may start. */
export const HELD_UP_MS = 10

/** A request that has waited for locks this long in all is refused with `unavailable`. */
export const LOCK_WAIT_MS = 10_000
/** After waiting this long for a lock, a transaction gives its place to other projects and waits patiently. */
export const QUICK_LOCK_MS = 50
/**
 * Connections of a process that may wait for a lock for longer, one a project. With more projects locked than there are
 * places, these wait for each other.
 */
export const MAX_PATIENT = 2
/** Transactions outside of the write queue that are under way at once. More wait for a connection. */
export const MAX_DIRECT = 4
/** Those of one project. More would wait for its lock one after the other anyway. */
export const MAX_DIRECT_OF_ONE = 2
/** Requests of one project that wait for those. The next one is refused with `unavailable`. */
export const MAX_WAITING_OF_ONE = 1_000

/** A round of timed work stops waiting for a project after this long, and later rounds leave the project out. */
export const PROJECT_WAIT_MS = 1_000
/** Changes of one project that timed work hands to the write queue at once. More follow when these are done. */
export const MAX_PROJECT_CHANGES = 1_000

/** Agents of a fleet that are decided at a time; two such slices are in memory. The next slice takes the rest. */
export const SLICE_AGENTS = 500
/** A slice ends with the agent whose long texts reach this. As JSON a byte may become six. */
export const SLICE_BYTES = 512 * 1024

/**
 * Agents of one transaction that settles a hold, below the 1,000 of the contract: it has the project's lock for some tens of
 * milliseconds, so that others get their turn in between.
 */
export const HELD_AGENTS = 150
/** Projects that a hold of all projects is placed or released in at a time. The next page follows. */
export const HELD_PROJECTS = 50
/** How long a request waits for another replica that settles its hold, before it looks again, and in all. */
export const SETTLE_CHECK_MS = 100
export const SETTLE_WAIT_MS = 10 * 60_000

/** Requests of terminated agents that are read and ended at a time. The next page takes the rest. */
export const ENDINGS_A_PAGE = 100

/** Events that one transaction publishes. Of more, only the newest of each project; readers take the rest from the log. */
export const MAX_PUBLISHED_EVENTS = 512
/** The same for the length of their text. */
export const MAX_PUBLISHED_CHARACTERS = 1024 * 1024

/** From when a webhook is due until its request begins, on a busy server. A longer time does not count as failing. */
export const WEBHOOK_ATTEMPT_MARGIN_MS = 10_000
/** Tests of webhooks that run at once on a replica, as long as their receivers take. One more is refused. */
export const MAX_WEBHOOK_TESTS = 16
/** When one that was refused may be tried again. */
export const WEBHOOK_TEST_RETRY_SECONDS = 10
/** Webhooks whose secrets are resealed at a time; the next page follows. */
export const RESEAL_PAGE = 500

/** This long, a spent refresh token gets its successor again, since the answer may have been lost. Later it ends the session. */
export const REPEAT_SECONDS = 10

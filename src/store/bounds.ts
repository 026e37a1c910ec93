/**
 * The bounds of `store/`: what limits a thing that a peer or a fleet can make large, and how long the server waits for the
 * database. Each says what happens when it is reached.
 */

/** Milliseconds; 0: no limit. */
export type Limits = {
  /** A connection without an answer for this long is dropped. It is above `statement`, so the network has gone silent. */
  client: number
  /** PostgreSQL cancels a statement that runs for longer. */
  statement: number
  /** A statement that waits for a lock for longer fails. */
  lock: number
  /** PostgreSQL ends a transaction whose client is silent for longer, which frees its locks. */
  idle_transaction: number
}

/** A project whose locks are held by a silent connection takes writes again within 20 s. */
export const servingLimits: Limits = {
  client: 16_000,
  statement: 14_000,
  lock: 10_000,
  idle_transaction: 10_000,
}
/** A migration may take as long as its tables are large, and the other replicas wait for it. */
export const migrationLimits: Limits = { client: 0, statement: 0, lock: 0, idle_transaction: 10_000 }

/** An attempt to connect fails after this long. */
export const CONNECT_MS = 5_000
/** A server that stops waits this long for the database to close its connections. Then it stops without that. */
export const CLOSE_MS = 1_000
/** Node probes a connection after this long without traffic, each second; ten probes without an answer end it. */
export const KEEPALIVE_MS = 10_000
/** The check for an unnamed pooler fails, and with it the start, where a statement takes longer. */
export const POOLER_ANSWER_MS = 10_000

/** Connections of a migration: one for the transaction, one for what the migrator looks up beside it. */
export const MIGRATION_POOL_SIZE = 2
/** After waiting this long for a table, a migration is undone, so that the statements behind it get their turn. */
export const TABLE_WAIT = '5s'
/** A migration that is undone starts again after this long. */
export const TABLE_PAUSE_MS = 1_000

/** A transaction that loses a deadlock or a race this often fails with that error. */
export const TRANSACTION_ATTEMPTS = 3
/** A refusal because of other work, or of the database, tells the client to come back after this long. */
export const UNAVAILABLE_RETRY_SECONDS = 1

/** Reads that one connection carries at once, the last waiting for those before it. More take another connection. */
export const MAX_SHARED_READS = 32

/** One reading of the log ends with the event that reaches this; readers then read on. A frame may have some 200 KB. */
export const MAX_READ_BYTES = 1024 * 1024

/** Events that one question to the log looks at, since a filter may leave all of them out. The asker then goes on from there. */
export const MAX_SEARCHED_EVENTS = 5_000

/** Events of one webhook request. The next request has the rest. */
export const MAX_WEBHOOK_EVENTS = 100
/** Events that are looked at for one webhook request, where its filter leaves most of them out. */
export const MAX_WEBHOOK_SCANNED = 1_000
/** Bytes of all events of one webhook request. A single larger event goes alone. */
export const MAX_WEBHOOK_BYTES = 256 * 1024

/** Bytes of the open requests that one attach answers with. Of the later ones it has only what tells them apart. */
export const MAX_LISTED_BYTES = 256 * 1024

/** Open signals that the metrics look at. Beyond this, their counts are too low. */
export const MAX_COUNTED_SIGNALS = 100_000
/** The same for open requests. */
export const MAX_COUNTED_REQUESTS = 100_000
/** The same for budgets that are used up. */
export const MAX_COUNTED_BUDGETS = 100_000
/** The same for holds that stand. */
export const MAX_COUNTED_HOLDS = 100_000

/** A replica that has not been seen for this long, by the database's clock, counts as gone, and its links as lost. */
export const REPLICA_LEASE_SECONDS = 20
/** The row of a replica that is gone for this long, and holds no link, is deleted. */
export const REPLICA_KEPT_SECONDS = 24 * 60 * 60
/** A hold that no replica has worked on for this long is taken over by another: with the check each half second, within 5 s. */
export const HOLD_LEASE_SECONDS = 3
/** Holds that were released longer ago are deleted. */
export const HOLDS_KEPT_DAYS = 365
/** Older entries of the audit trail are deleted. */
export const AUDIT_KEPT_DAYS = 365
/** An Idempotency-Key with an older answer may be used again, and the answer is deleted. */
export const ANSWER_KEPT_HOURS = 24

/** Rows of one answer on usage; a question with more is refused. */
export const MAX_USAGE_ROWS = 10_000

import type { SnapshotRest } from '#src/store/snapshots.ts'

/** A page of a snapshot that counts against its user's budget until `release` is called. */
export type CountedPage = { page: Buffer; release: () => void }

/**
 * The states of one watcher's reading of one project.
 *
 *                         ┌────┐ next part
 *     starting ────────► snapshot ◄──────► log ──────────────────► live
 *        │                                 ▲ │ ▲                   ▲ │
 *        └─────────────────────────────────┘ │ └────────────┬──────┼─┘
 *                     resumed                └───────────► ahead ──┘
 *
 * From `log` back to `snapshot`: the next event has expired, or the project has a new epoch.
 * From `ahead` or `live` back to `log`: the socket is full, or the feed has lost its place in the log.
 *     every state ────► ended
 */
export type SubscriptionState =
  /** Finds out whether the reader can resume, or reads its first snapshot. */
  | { name: 'starting' }
  /** Writes the pages of a snapshot as the socket takes them. `rest`: where the snapshot continues after them. */
  | { name: 'snapshot'; pages: CountedPage[]; rest: SnapshotRest | undefined }
  /** Reads the log from its position, page by page as the socket takes them, up to what the feed has accepted. */
  | { name: 'log' }
  /** Its snapshot was newer than the feed: it skips events until the feed has caught up. */
  | { name: 'ahead' }
  /** The feed writes each batch to its socket at once, and keeps its position. */
  | { name: 'live' }
  | { name: 'ended' }

type Name = SubscriptionState['name']

/** For each state, the states that may follow it. */
export const subscriptionSuccessors: Readonly<Record<Name, readonly Name[]>> = {
  starting: ['snapshot', 'log', 'ended'],
  /** Another snapshot follows where it has a next part, or the project's epoch has changed. */
  snapshot: ['snapshot', 'log', 'ended'],
  log: ['snapshot', 'ahead', 'live', 'ended'],
  ahead: ['live', 'log', 'ended'],
  live: ['log', 'ended'],
  ended: [],
}

/**
 * The states of a link, by what happens to its signals. Only a `live` link sends a signal the moment it is issued. Every
 * other link first reads its lease and its open signals from the database.
 *
 *     attached ─────────────┐
 *                           ▼
 *     stalled ◄─────────► queued ────► reading ────► live
 *       socket full,        ▲             │            │
 *       then drained        └─────────────┴────────────┘
 *                             more to read, an event missed, a full socket, another attach
 *
 *     every state ────► ended
 */
export type LinkState = 'attached' | 'queued' | 'reading' | 'stalled' | 'live' | 'ended'

/** For each state, the states that may follow it. */
export const linkSuccessors: Readonly<Record<LinkState, readonly LinkState[]>> = {
  /** The attach is committed; nothing has been read yet. */
  attached: ['queued', 'ended'],
  /** Waits for the next read. */
  queued: ['reading', 'stalled', 'ended'],
  /** The read is under way. */
  reading: ['live', 'queued', 'ended'],
  /** Waits until its socket has drained. */
  stalled: ['queued', 'ended'],
  live: ['queued', 'ended'],
  ended: [],
}

import { FIRST_EPOCH } from '#src/domain/events.ts'
import type { ServerMessage } from '#src/protocol/frames.ts'
import type { SnapshotRest } from '#src/store/snapshots.ts'
import type { EventBatch } from './event-batch.ts'
import type { Hub } from './hub.ts'
import type { FrameSink, Watcher } from './live-sockets.ts'
import type { ProjectFeed } from './project-feed.ts'
import type { Snapshots } from './snapshots.ts'

/** What a subscription needs of a socket. */
export type Outlet = {
  readonly isOpen: boolean
  /** More is unsent than a live reader may have. */
  readonly isFull: boolean
  readonly sink: FrameSink
  send(message: ServerMessage): void
  write(frames: Buffer): void
  drained(): Promise<void>
}

type Parts = {
  connection: Outlet
  hub: Pick<Hub, 'release' | 'checkTails' | 'nextTailCheck'>
  snapshots: Pick<Snapshots, 'read'>
}
type Start = { after: number | undefined; epoch: number | undefined; id: string | undefined }

/**
 * One watcher's reading of one project. Its life:
 *
 * - **backfill**: a snapshot, or the log after `after`; then the log, page by page, as the socket takes it.
 * - **cutover**: once it has what the feed has accepted, it joins the feed's live readers, in one step.
 * - **live**: the feed writes each batch to the socket at once. A socket with more than PARK_BYTES unsent is
 *   parked: live no more, it goes back to backfill from where it was when it has drained.
 *
 * `position` is the last seq written before it was live, in `epoch`; only the next one is ever written after it. A feed
 * whose epoch is another has nothing to go on with: then there is a snapshot.
 */
export class Subscription implements Watcher {
  readonly project_id: string
  readonly sink: FrameSink
  readonly #parts: Parts
  readonly #feed: ProjectFeed
  readonly #onDeleted: () => void
  /** Pages of a snapshot that have yet to be written; then `position` is the snapshot's seq. */
  #backlog: readonly Buffer[] = []
  /** Where the snapshot goes on after those, which is read when they are written. */
  #rest: SnapshotRest | undefined
  #position = 0
  /** The seq of the last snapshot that was sent. */
  #snapshot: number | undefined
  #epoch: number
  #ended = false

  constructor(feed: ProjectFeed, parts: Parts, onDeleted: () => void) {
    this.project_id = feed.project_id
    this.sink = parts.connection.sink
    this.#feed = feed
    this.#epoch = feed.epoch
    this.#parts = parts
    this.#onDeleted = onDeleted
  }

  /** Answers with `subscribed`, then backfills. Rejects only where the database fails before the answer. */
  async start({ after, epoch = FIRST_EPOCH, id }: Start): Promise<void> {
    const found = after === undefined ? 'none' : await this.#locate(after, epoch)
    if (this.#ended) return
    if (found === 'known') {
      this.#position = after ?? 0
      const seq = Math.max(this.#feed.last, this.#position)
      this.#send({ type: 'subscribed', id, seq, epoch: this.#epoch, resumed: true })
    } else await this.#sendSnapshot({ id, ...(found !== 'none' && { reason: found }) })
    void this.#run()
  }

  stop(): void {
    this.#ended = true
    this.#feed.leave(this)
    this.#parts.hub.release(this.#feed)
  }

  /** Only while it is ahead of the bus, as a snapshot may be: then its socket is not one of those that stand at the same seq. */
  receive(batch: EventBatch): void {
    if (this.#parts.connection.isFull) {
      this.#feed.leave(this)
      void this.#run()
      return
    }
    this.#write(batch)
    this.#feed.watch(this, this.#position)
  }

  parked(position: number): void {
    this.#position = position
    void this.#run()
  }

  lost(): void {
    void this.#run()
  }

  deleted(): void {
    this.#onDeleted()
  }

  /** Whether the log still goes on from `after`; one ahead of the feed may be ahead of the bus only. */
  async #locate(after: number, epoch: number): Promise<'known' | 'expired' | 'unknown'> {
    // Before the first event every history is the same.
    const isElsewhere = () => after > this.#feed.last || (after > 0 && epoch !== this.#feed.epoch)
    if (isElsewhere()) await this.#parts.hub.checkTails()
    if (isElsewhere()) return 'unknown'
    this.#epoch = this.#feed.epoch
    if (after === this.#feed.last) return 'known'
    const next = await this.#feed.read(after)
    return next?.first === after + 1 ? 'known' : 'expired'
  }

  async #sendSnapshot(answer: { id?: string | undefined; reason?: 'expired' | 'unknown' }): Promise<void> {
    const snapshot = await this.#parts.snapshots.read(this.project_id)
    // The socket may have a new subscription to this project by now.
    if (this.#ended) return
    if (!snapshot) return this.#onDeleted()
    const { seq, epoch, pages, rest } = snapshot
    const isElsewhere = answer.reason !== undefined && epoch !== this.#epoch
    const reason = isElsewhere ? { reason: 'unknown' as const } : {}
    this.#send({ type: 'subscribed', ...answer, ...reason, seq, epoch, resumed: false })
    this.#backlog = pages
    this.#rest = rest
    this.#position = this.#snapshot = seq
    this.#epoch = epoch
  }

  /** Backfill and cutover. A database that fails is asked again by and by: the reader has lost nothing. */
  async #run(): Promise<void> {
    const { connection } = this.#parts
    while (!this.#ended && connection.isOpen) {
      try {
        if (connection.isFull) {
          await connection.drained()
          continue
        }
        if (this.#epoch !== this.#feed.epoch) {
          await this.#parts.hub.checkTails()
          if (this.#epoch !== this.#feed.epoch) await this.#sendSnapshot({ reason: 'unknown' })
          continue
        }
        const [page, ...backlog] = this.#backlog
        if (page) {
          connection.write(page)
          this.#backlog = backlog
          continue
        }
        if (this.#rest) {
          await this.#readOn(this.#rest)
          continue
        }
        if (this.#feed.watch(this, this.#position)) return
        const batch = await this.#feed.read(this.#position)
        if (this.#ended) return
        // The socket's other subscriptions were woken with this one.
        if (this.#epoch !== this.#feed.epoch || connection.isFull) continue
        if (batch?.first === this.#position + 1) this.#write(batch)
        else {
          // The log ends before the feed: a backup that was restored, and whose epoch is bumped by and by.
          if (this.#position === this.#snapshot) await this.#parts.hub.nextTailCheck()
          await this.#sendSnapshot({ reason: 'expired' })
        }
      } catch {
        await this.#parts.hub.nextTailCheck()
      }
    }
  }

  async #readOn(rest: SnapshotRest): Promise<void> {
    const part = await this.#parts.snapshots.read(this.project_id, rest)
    if (this.#ended) return
    if (!part) return this.#onDeleted()
    if (part.epoch !== this.#epoch) return this.#sendSnapshot({ reason: 'unknown' })
    this.#backlog = part.pages
    this.#rest = part.rest
  }

  #write(batch: EventBatch): void {
    const fresh = batch.after(this.#position)
    if (!fresh) return
    this.#parts.connection.write(fresh.frames)
    this.#position = fresh.last
  }

  #send(message: Omit<Extract<ServerMessage, { type: 'subscribed' }>, 'project_id'>): void {
    this.#parts.connection.send({ ...message, project_id: this.project_id })
  }
}

import { FIRST_EPOCH } from '#src/domain/events.ts'
import { SMALLEST_WRITE_BYTES, type UnsentAccount } from '#src/domain/unsent-budget.ts'
import type { ServerMessage } from '#src/protocol/messages/down.ts'
import type { SnapshotPart } from '#src/store/snapshots.ts'
import type { EventBatch } from './event-batch.ts'
import type { Hub } from './hub.ts'
import type { FrameSink, Watcher } from './live-sockets.ts'
import type { ProjectFeed } from './project-feed.ts'
import type { Snapshots } from './snapshots.ts'
import { type SubscriptionState, subscriptionSuccessors } from './subscription-state.ts'

/** The side of a socket that a subscription uses. */
export type Outlet = {
  readonly isOpen: boolean
  /** Has more unsent bytes than a live reader may have. */
  readonly isFull: boolean
  readonly sink: FrameSink
  send(message: ServerMessage): void
  /** The frames count against the user's budget until they are sent. */
  write(frames: Buffer): void
  drained(): Promise<void>
}

export type SubscriptionServices = {
  connection: Outlet
  /** The budget of the connection's user. */
  account: UnsentAccount
  hub: Pick<Hub, 'release' | 'checkTails' | 'nextTailCheck'>
  snapshots: Pick<Snapshots, 'read' | 'readStops'>
}
type Start = { after: number | undefined; epoch: number | undefined; id: string | undefined }

/**
 * One watcher's reading of one project: first from a snapshot or the log, then live (subscription-state.ts). Events go out
 * in order: after `#position`, in `#epoch`, only the next number is ever written.
 */
export class Subscription implements Watcher {
  readonly project_id: string
  readonly sink: FrameSink
  readonly #services: SubscriptionServices
  readonly #feed: ProjectFeed
  readonly #onDeleted: () => void
  #state: SubscriptionState = { name: 'starting' }
  /** The number of the last event that was written, or of the snapshot. While live, the feed keeps it. */
  #position = 0
  /** The number of the last snapshot that was sent. */
  #snapshotSeq: number | undefined
  #epoch: number

  constructor(feed: ProjectFeed, services: SubscriptionServices, onDeleted: () => void) {
    this.project_id = feed.project_id
    this.sink = services.connection.sink
    this.#feed = feed
    this.#epoch = feed.epoch
    this.#services = services
    this.#onDeleted = onDeleted
  }

  get state(): SubscriptionState['name'] {
    return this.#state.name
  }

  get #hasEnded(): boolean {
    return this.#state.name === 'ended'
  }

  /** Answers with `subscribed`, then backfills. Rejects only where the database fails before the answer. */
  async start({ after, epoch = FIRST_EPOCH, id }: Start): Promise<void> {
    const history = after === undefined ? 'none' : await this.#locate(after, epoch)
    if (this.#hasEnded) return
    if (history === 'known') {
      // As of a moment after `after`: the events in between, which follow, say the rest, some of it once more.
      const stops = await this.#services.snapshots.readStops(this.project_id)
      if (this.#hasEnded) return
      this.#position = after ?? 0
      const seq = Math.max(this.#feed.last, this.#position)
      this.#send({ type: 'subscribed', id, seq, epoch: this.#epoch, resumed: true, ...stops })
      this.#enter({ name: 'log' })
    } else await this.#sendSnapshot({ id, ...(history !== 'none' && { reason: history }) })
    void this.#backfill()
  }

  stop(): void {
    if (this.#hasEnded) return
    this.#enter({ name: 'ended' })
    this.#feed.leave(this)
    this.#services.hub.release(this.#feed)
  }

  /** Called only while it is ahead: a live subscription's socket is written to by the feed. */
  receive(batch: EventBatch): void {
    if (this.#services.connection.isFull) {
      this.#feed.leave(this)
      return this.#fallBehind()
    }
    this.#write(batch)
    const place = this.#feed.watch(this, this.#position)
    if (place === 'behind') this.#fallBehind()
    else if (place === 'live') this.#enter({ name: 'live' })
  }

  parked(position: number): void {
    this.#position = position
    this.#fallBehind()
  }

  lost(): void {
    this.#fallBehind()
  }

  deleted(): void {
    this.#onDeleted()
  }

  #fallBehind(): void {
    this.#enter({ name: 'log' })
    void this.#backfill()
  }

  /** The only place that changes the state. Pages of a snapshot that will not be written stop counting here. */
  #enter(state: SubscriptionState): void {
    if (!subscriptionSuccessors[this.state].includes(state.name)) {
      throw new Error(`A subscription cannot go from ${this.state} to ${state.name}`)
    }
    if (this.#state.name === 'snapshot') for (const { release } of this.#state.pages) release()
    this.#state = state
  }

  /** Whether the log continues after `after`. A reader ahead of the feed may only be ahead of the bus. */
  async #locate(after: number, epoch: number): Promise<'known' | 'expired' | 'unknown'> {
    // Before the first event all histories are the same.
    const isElsewhere = () => after > this.#feed.last || (after > 0 && epoch !== this.#feed.epoch)
    if (isElsewhere()) await this.#services.hub.checkTails()
    if (isElsewhere()) return 'unknown'
    this.#epoch = this.#feed.epoch
    if (after === this.#feed.last) return 'known'
    const next = await this.#feed.read(after)
    return next?.first === after + 1 ? 'known' : 'expired'
  }

  /** Reads and writes until the feed takes over, the subscription ends or its socket closes. One runs at a time. */
  async #backfill(): Promise<void> {
    const { connection, hub } = this.#services
    while (connection.isOpen) {
      try {
        if (this.#state.name !== 'snapshot' && this.#state.name !== 'log') return
        if (connection.isFull) await connection.drained()
        else if (this.#epoch !== this.#feed.epoch) await this.#leaveEpoch()
        else if (this.#state.name === 'snapshot') await this.#continueSnapshot(this.#state)
        // In one step with the return: a feed that parks the socket starts the next backfill.
        else if (this.#joinFeed()) return
        else await this.#readLog()
      } catch {
        // The database failed. The reader has lost nothing and waits.
        await hub.nextTailCheck()
      }
    }
  }

  async #leaveEpoch(): Promise<void> {
    await this.#services.hub.checkTails()
    if (this.#epoch !== this.#feed.epoch) await this.#sendSnapshot({ reason: 'unknown' })
  }

  async #sendSnapshot(answer: { id?: string | undefined; reason?: 'expired' | 'unknown' }): Promise<void> {
    const { connection, snapshots, account } = this.#services
    // A snapshot is read only when its socket can take it.
    if (connection.isFull) await connection.drained()
    if (this.#hasEnded || !connection.isOpen) return
    const snapshot = await snapshots.read(this.project_id, { account })
    // The client may have subscribed to this project again, which ends this subscription.
    if (this.#hasEnded) return
    if (!snapshot) return this.#onDeleted()
    const { seq, epoch, stops = { holds: [], budgets: [] } } = snapshot
    const isElsewhere = answer.reason !== undefined && epoch !== this.#epoch
    const reason = isElsewhere ? { reason: 'unknown' as const } : {}
    this.#send({ type: 'subscribed', ...answer, ...reason, seq, epoch, resumed: false, ...stops })
    this.#position = this.#snapshotSeq = seq
    this.#epoch = epoch
    this.#enterSnapshot(snapshot)
  }

  #enterSnapshot({ pages, rest }: SnapshotPart<Buffer>): void {
    const { account } = this.#services
    const counted = pages.map((page) => ({ page, release: account.hold(page) }))
    this.#enter({ name: 'snapshot', pages: counted, rest })
  }

  /** Writes the next page, or reads the next part, or ends the snapshot. */
  async #continueSnapshot({ pages, rest }: Extract<SubscriptionState, { name: 'snapshot' }>): Promise<void> {
    const { connection, snapshots, account } = this.#services
    const next = pages.shift()
    if (next) {
      connection.write(next.page)
      return next.release()
    }
    if (!rest) return this.#enter({ name: 'log' })
    const part = await snapshots.read(this.project_id, { account, rest })
    if (this.#hasEnded) return
    if (!part) return this.#onDeleted()
    if (part.epoch !== this.#epoch) return this.#sendSnapshot({ reason: 'unknown' })
    this.#enterSnapshot(part)
  }

  /** False: there is more to read first. */
  #joinFeed(): boolean {
    const place = this.#feed.watch(this, this.#position)
    if (place === 'behind') return false
    this.#enter({ name: place })
    return true
  }

  async #readLog(): Promise<void> {
    const { connection, account, hub } = this.#services
    const room = Math.max(account.room(), SMALLEST_WRITE_BYTES)
    const batch = (await this.#feed.read(this.#position))?.after(this.#position)?.upTo(room)
    if (this.#hasEnded) return
    // Another subscription of the same socket may have filled it during the read.
    if (this.#epoch !== this.#feed.epoch || connection.isFull) return
    if (batch?.first === this.#position + 1) return this.#write(batch)
    // The log ends before the feed does: a backup was restored, and its epoch is about to be bumped.
    if (this.#position === this.#snapshotSeq) await hub.nextTailCheck()
    await this.#sendSnapshot({ reason: 'expired' })
  }

  #write(batch: EventBatch): void {
    const unseen = batch.after(this.#position)
    if (!unseen) return
    this.#services.connection.write(unseen.frames)
    this.#position = unseen.last
  }

  #send(message: Omit<Extract<ServerMessage, { type: 'subscribed' }>, 'project_id'>): void {
    this.#services.connection.send({ ...message, project_id: this.project_id })
  }
}

import { FIRST_EPOCH } from '#src/domain/events.ts'
import { SMALLEST_WRITE_BYTES, type UnsentAccount } from '#src/domain/unsent-budget.ts'
import { KEEP_ALIVE_MS } from '#src/realtime/bounds.ts'
import type { EventBatch } from '#src/realtime/feed/event-batch.ts'
import type { Hub } from '#src/realtime/feed/hub.ts'
import type { ProjectFeed } from '#src/realtime/feed/project-feed.ts'
import type { FeedReader } from '#src/realtime/feed/reader.ts'
import type { LoggedEvent } from '#src/store/events.ts'

/** The last event that a client has. Without an epoch it is in the first. */
export type Position = { seq: number; epoch?: number | undefined }

type Wakening = 'events' | 'lost' | 'end' | 'quiet'

/**
 * A project's events as server-sent events (REST contract: `/events/stream`). The consumer pulls, so nothing is queued for
 * a slow one: when it asks again, it gets the next events from the log.
 */
export class EventStream implements FeedReader {
  readonly #feed: ProjectFeed
  readonly #hub: Hub
  readonly #account: UnsentAccount
  #position: number
  #epoch: number
  #wake: ((wakening: Wakening) => void) | undefined
  #ended = false

  constructor(feed: ProjectFeed, hub: Hub, account: UnsentAccount) {
    this.#account = account
    this.#feed = feed
    this.#hub = hub
    this.#position = feed.last
    this.#epoch = feed.epoch
  }

  /** Blocks of text, until the project or the stream ends. */
  async *read(after: Position | undefined): AsyncGenerator<string> {
    // The headers go out with the first block.
    yield ': signalbox\n\n'
    if (after !== undefined && !(await this.#canResume(after))) yield this.#reset()
    while (!this.#ended) {
      if (this.#epoch !== this.#feed.epoch) yield this.#reset()
      if (this.#feed.join(this, this.#position)) {
        const wakening = await this.#sleep()
        this.#feed.leave(this)
        if (wakening === 'quiet') yield ': alive\n\n'
        continue
      }
      const room = Math.max(this.#account.room(), SMALLEST_WRITE_BYTES)
      const batch = (await this.#feed.read(this.#position))?.after(this.#position)?.upTo(room)
      if (this.#epoch !== this.#feed.epoch) continue
      if (batch?.first === this.#position + 1) {
        this.#position = batch.last
        yield* this.#counted(batch.events.map(toServerSentEvent).join(''))
      } else yield this.#reset()
    }
  }

  /** Counts the block until the consumer asks for the next one, since it is in memory until then. */
  *#counted(block: string): Generator<string> {
    const release = this.#account.hold(block.length)
    try {
      yield block
    } finally {
      release()
    }
  }

  /** Ends the stream: the server drains, or the reader's credentials or right to watch are gone. */
  end(): void {
    this.#ended = true
    this.#wake?.('end')
  }

  receive(_batch: EventBatch): void {
    this.#wake?.('events')
  }

  lost(): void {
    this.#wake?.('lost')
  }

  deleted(): void {
    this.end()
  }

  async #canResume({ seq: after, epoch = FIRST_EPOCH }: Position): Promise<boolean> {
    // Before the first event all histories are the same.
    const isElsewhere = () => after > this.#feed.last || (after > 0 && epoch !== this.#feed.epoch)
    if (isElsewhere()) await this.#hub.checkTails()
    if (isElsewhere()) return false
    this.#epoch = this.#feed.epoch
    const next = after === this.#feed.last ? undefined : await this.#feed.read(after)
    if (after < this.#feed.last && next?.first !== after + 1) return false
    this.#position = after
    return true
  }

  #reset(): string {
    const { epoch, last: seq } = this.#feed
    this.#position = seq
    this.#epoch = epoch
    const data = JSON.stringify({ seq, ...(epoch !== FIRST_EPOCH && { epoch }) })
    return `id: ${toEventId({ seq, epoch })}\nevent: reset\ndata: ${data}\n\n`
  }

  #sleep(): Promise<Wakening> {
    const { promise, resolve } = Promise.withResolvers<Wakening>()
    const timer = setTimeout(() => resolve('quiet'), KEEP_ALIVE_MS)
    this.#wake = resolve
    return promise.finally(() => {
      clearTimeout(timer)
      this.#wake = undefined
    })
  }
}

/** `SEQ`, and `SEQ.EPOCH` once the project has left its first epoch. */
function toEventId({ seq, epoch }: Pick<LoggedEvent, 'seq' | 'epoch'>): string {
  return epoch === FIRST_EPOCH ? `${seq}` : `${seq}.${epoch}`
}

function toServerSentEvent({ seq, epoch, name, frame }: LoggedEvent): string {
  return `id: ${toEventId({ seq, epoch })}\nevent: ${name}\ndata: ${frame}\n\n`
}

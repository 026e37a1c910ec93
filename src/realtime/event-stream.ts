import type { Authentication } from '#src/auth/authenticate.ts'
import type { Principal, ProjectOperation } from '#src/domain/access.ts'
import { FIRST_EPOCH } from '#src/domain/events.ts'
import type { LoggedEvent } from '#src/store/events.ts'
import type { AccessWatch, Guarded } from './access-watch.ts'
import { type EventBatch, nameOf } from './event-batch.ts'
import type { Hub } from './hub.ts'
import type { FeedReader, ProjectFeed } from './project-feed.ts'
import { callAt } from './timer.ts'

/** The last event that a client has. Without an epoch it is of the first. */
export type Position = { seq: number; epoch?: number | undefined }

const KEEP_ALIVE_MS = 15_000

type Wakening = 'events' | 'lost' | 'end' | 'quiet'

/**
 * A project's events as server-sent events (REST contract: `/events/stream`). The consumer pulls: a slow one
 * just asks later, and is caught up from the log; nothing is queued for it.
 */
export class EventStream implements FeedReader {
  readonly #feed: ProjectFeed
  readonly #hub: Hub
  #position: number
  #epoch: number
  #wake: ((wakening: Wakening) => void) | undefined
  #ended = false

  constructor(feed: ProjectFeed, hub: Hub) {
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
      const batch = await this.#feed.read(this.#position)
      if (this.#epoch !== this.#feed.epoch) continue
      if (batch?.first === this.#position + 1) {
        this.#position = batch.last
        yield batch.events.map(toServerSentEvent).join('')
      } else yield this.#reset()
    }
  }

  /** Ends the stream: the server drains, or its reader's credentials are no longer good. */
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
    // Before the first event every history is the same.
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

function toServerSentEvent({ seq, epoch, frame }: LoggedEvent): string {
  return `id: ${toEventId({ seq, epoch })}\nevent: ${nameOf(frame)}\ndata: ${frame}\n\n`
}

/** A stream and whose it is: it ends with its credentials, and with the right to watch. */
class GuardedStream implements Guarded {
  readonly #stream: EventStream
  readonly #project_id: string
  authentication: Authentication

  constructor(stream: EventStream, project_id: string, authentication: Authentication) {
    this.#stream = stream
    this.#project_id = project_id
    this.authentication = authentication
  }

  uses(): { project_id: string; operation: ProjectOperation }[] {
    return [{ project_id: this.#project_id, operation: 'watch_project' }]
  }

  refresh(principal: Principal): void {
    this.authentication = { ...this.authentication, principal }
  }

  credentialLost(): void {
    this.#stream.end()
  }

  accessLost(): void {
    this.#stream.end()
  }
}

/** All streams of a server. */
export class EventStreams {
  readonly #hub: Hub
  readonly #guards: AccessWatch
  readonly #open = new Set<EventStream>()

  constructor(hub: Hub, guards: AccessWatch) {
    this.#hub = hub
    this.#guards = guards
  }

  get size(): number {
    return this.#open.size
  }

  /** Undefined: no such project. The stream ends by itself with its reader's credentials. */
  async open(
    project_id: string,
    { after, authentication }: { after: Position | undefined; authentication: Authentication },
  ): Promise<AsyncIterable<string> | undefined> {
    const feed = await this.#hub.acquire(project_id)
    if (!feed) return undefined
    const stream = new EventStream(feed, this.#hub)
    const guarded = new GuardedStream(stream, project_id, authentication)
    this.#open.add(stream)
    this.#guards.add(guarded)
    const { expires_at } = authentication
    const cancel = expires_at === null ? () => {} : callAt(expires_at, () => stream.end())
    return withEnd(stream.read(after), () => {
      if (!this.#open.delete(stream)) return
      cancel()
      stream.end()
      this.#guards.delete(guarded)
      feed.leave(stream)
      this.#hub.release(feed)
    })
  }

  close(): void {
    for (const stream of this.#open) stream.end()
  }
}

/** Calls `done` at the end of a generator, also of one that is given up before it was begun: it never runs. */
function withEnd(blocks: AsyncGenerator<string>, done: () => void): AsyncIterable<string> {
  const iterator: AsyncIterator<string> = {
    async next() {
      const result = await blocks.next().catch((error: unknown) => {
        done()
        throw error
      })
      if (result.done) done()
      return result
    },
    async return() {
      done()
      return blocks.return(undefined)
    },
  }
  return { [Symbol.asyncIterator]: () => iterator }
}

import type { Authentication } from '#src/auth/authenticate.ts'
import type { Principal, ProjectOperation } from '#src/domain/access.ts'
import type { AccessWatch, Guarded } from './access-watch.ts'
import { EventStream, type Position } from './event-stream.ts'
import type { Hub } from './hub.ts'
import type { ProjectFeed } from './project-feed.ts'
import { type Place, placesOf, type SocketCounts, tooMany } from './socket-counts.ts'
import { callAt } from './timer.ts'

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

type Parts = { hub: Hub; guards: AccessWatch; counts: SocketCounts }
type Reader = { after: Position | undefined; authentication: Authentication; address: string }

/** All streams of a server. Each lives as long as its reader's credentials, so it counts as a socket does. */
export class EventStreams {
  readonly #parts: Parts
  readonly #open = new Set<EventStream>()
  #isClosed = false

  constructor(parts: Parts) {
    this.#parts = parts
  }

  get size(): number {
    return this.#open.size
  }

  /** Undefined: no such project. Refuses with `rate_limited` who has too many sockets and streams. */
  async open(
    project_id: string,
    { after, authentication, address }: Reader,
  ): Promise<AsyncIterable<string> | undefined> {
    const { hub, counts } = this.#parts
    const places: Place[] = [...placesOf(authentication.principal), ['address', address]]
    if (!counts.takeAll(places)) throw tooMany()
    let feed: ProjectFeed | undefined
    try {
      feed = await hub.acquire(project_id)
    } finally {
      if (!feed) counts.releaseAll(places)
    }
    return feed && this.#start(feed, { after, authentication, places })
  }

  #start(
    feed: ProjectFeed,
    { after, authentication, places }: Omit<Reader, 'address'> & { places: readonly Place[] },
  ): AsyncIterable<string> {
    const { hub, guards, counts } = this.#parts
    const stream = new EventStream(feed, hub)
    const guarded = new GuardedStream(stream, feed.project_id, authentication)
    this.#open.add(stream)
    guards.add(guarded)
    // It was closed while this was opened: whoever reads ends, and comes back elsewhere.
    if (this.#isClosed) stream.end()
    const { expires_at } = authentication
    const cancel = expires_at === null ? () => {} : callAt(expires_at, () => stream.end())
    return withEnd(stream.read(after), () => {
      if (!this.#open.delete(stream)) return
      cancel()
      stream.end()
      guards.delete(guarded)
      feed.leave(stream)
      hub.release(feed)
      counts.releaseAll(places)
    })
  }

  /** Ends what is open, and whatever is opened from now on. */
  close(): void {
    this.#isClosed = true
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

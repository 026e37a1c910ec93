import type { Authentication } from '#src/auth/authenticate.ts'
import { type Principal, type ProjectOperation, userBehind } from '#src/domain/access.ts'
import type { UnsentBudget } from '#src/domain/unsent-budget.ts'
import type { AccessRecheck, Guarded } from '#src/realtime/access/access-recheck.ts'
import { type Quota, quotasOf, type SocketCounts, tooMany } from '#src/realtime/access/socket-counts.ts'
import { callAt } from '#src/realtime/access/timer.ts'
import type { Hub } from '#src/realtime/feed/hub.ts'
import type { ProjectFeed } from '#src/realtime/feed/project-feed.ts'
import type { DatabaseClock } from '#src/store/clock.ts'
import { EventStream, type Position } from './event-stream.ts'

/** A stream with its credentials: it ends with them, or with the right to watch. */
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

type Services = {
  hub: Hub
  guards: AccessRecheck
  counts: SocketCounts
  budget: UnsentBudget
  clock: DatabaseClock
}
type Reader = { after: Position | undefined; authentication: Authentication; address: string }

/** All event streams of a server. A stream can stay open as long as its credentials, so it counts as a socket does. */
export class EventStreams {
  readonly #services: Services
  readonly #open = new Set<EventStream>()
  #isClosed = false

  constructor(services: Services) {
    this.#services = services
  }

  get size(): number {
    return this.#open.size
  }

  /** Undefined: no such project. Refuses with `rate_limited` where a quota of sockets and streams is used up. */
  async open(
    project_id: string,
    { after, authentication, address }: Reader,
  ): Promise<AsyncIterable<string> | undefined> {
    const { hub, counts } = this.#services
    const quotas: Quota[] = [...quotasOf(authentication.principal), ['address', address]]
    if (!counts.takeAll(quotas)) throw tooMany()
    let feed: ProjectFeed | undefined
    try {
      feed = await hub.acquire(project_id)
    } finally {
      if (!feed) counts.releaseAll(quotas)
    }
    return feed && this.#start(feed, { after, authentication, quotas })
  }

  #start(
    feed: ProjectFeed,
    { after, authentication, quotas }: Omit<Reader, 'address'> & { quotas: readonly Quota[] },
  ): AsyncIterable<string> {
    const { hub, guards, counts, budget, clock } = this.#services
    const account = budget.account(userBehind(authentication.principal))
    const stream = new EventStream(feed, hub, account)
    const guarded = new GuardedStream(stream, feed.project_id, authentication)
    this.#open.add(stream)
    guards.add(guarded)
    // The server closed its streams while this one opened. The reader reconnects to another replica.
    if (this.#isClosed) stream.end()
    const { expires_at } = authentication
    const cancel = expires_at === null ? () => {} : callAt(expires_at, clock.now, () => stream.end())
    return withEnd(stream.read(after), () => {
      if (!this.#open.delete(stream)) return
      cancel()
      stream.end()
      guards.delete(guarded)
      feed.leave(stream)
      hub.release(feed)
      counts.releaseAll(quotas)
    })
  }

  /** Ends all open streams, and those that are opened from now on. */
  close(): void {
    this.#isClosed = true
    for (const stream of this.#open) stream.end()
  }
}

/** Calls `done` when a generator ends, even if the consumer leaves before it starts and so never runs it. */
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

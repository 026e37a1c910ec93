import type { Bus } from '#src/bus/bus.ts'
import type { Database } from '#src/store/database.ts'
import { readLogHeads } from '#src/store/events.ts'
import { LogPages } from './log-pages.ts'
import { type FeedParts, ProjectFeed } from './project-feed.ts'

/** How often the log is asked for what the bus lost at its end: one statement for all watched projects. */
export const TAIL_CHECK_MS = 2_000

type Entry = { feed: Promise<ProjectFeed | undefined>; users: number }

/** The feeds of all projects that somebody in this process reads. */
export class Hub {
  readonly #database: Database
  readonly #bus: Bus
  readonly #entries = new Map<string, Entry>()
  readonly #feeds = new Map<string, ProjectFeed>()
  readonly #timer: NodeJS.Timeout
  readonly pages: LogPages
  /** For metrics; `subscriptions` are those that are open. */
  readonly counts = { filled: 0, repeated: 0, lost: 0, delivered: 0, subscriptions: 0 }
  readonly #onWritten: FeedParts['onWritten']
  #checking: Promise<void> | undefined
  readonly #waiting: (() => void)[] = []

  constructor(database: Database, bus: Bus, onWritten?: FeedParts['onWritten']) {
    this.#onWritten = onWritten
    this.#database = database
    this.#bus = bus
    this.pages = new LogPages(database)
    this.#timer = setInterval(() => {
      void this.checkTails().then(() => {
        for (const resolve of this.#waiting.splice(0)) resolve()
      })
    }, TAIL_CHECK_MS)
    bus.onReconnected(() => void this.checkTails())
  }

  /** The feed of a project, which stays until each of its users has released it; undefined: no such project. */
  async acquire(project_id: string): Promise<ProjectFeed | undefined> {
    const entry = this.#entries.get(project_id) ?? { feed: this.#open(project_id), users: 0 }
    this.#entries.set(project_id, entry)
    entry.users++
    try {
      const feed = await entry.feed
      if (!feed) this.#release(project_id, entry)
      return feed
    } catch (error) {
      this.#release(project_id, entry)
      throw error
    }
  }

  release(feed: ProjectFeed): void {
    const entry = this.#entries.get(feed.project_id)
    if (entry) this.#release(feed.project_id, entry)
  }

  #release(project_id: string, entry: Entry): void {
    entry.users--
    if (entry.users > 0 || this.#entries.get(project_id) !== entry) return
    this.#entries.delete(project_id)
    this.#feeds.get(project_id)?.close()
    this.#feeds.delete(project_id)
    this.#bus.unsubscribe(project_id)
  }

  async #open(project_id: string): Promise<ProjectFeed | undefined> {
    // Listen first, then look where the log stands: what commits in between is heard, or seen, or both.
    const early: Parameters<ProjectFeed['accept']>[0][] = []
    let feed: ProjectFeed | undefined
    await this.#bus.subscribe(project_id, (event) => {
      if (feed) feed.accept(event)
      else if (early.length < 1_024) early.push(event)
    })
    const head = (await readLogHeads(this.#database, [project_id])).get(project_id)
    if (!head) return undefined
    const { pages, counts } = this
    const onAhead = () => void this.checkTails()
    feed = new ProjectFeed(project_id, head, { pages, counts, onAhead, onWritten: this.#onWritten })
    this.#feeds.set(project_id, feed)
    for (const event of early) feed.accept(event)
    return feed
  }

  /** Resolves after the next tail check, whether it found the database or not. */
  nextTailCheck(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#waiting.push(resolve)
    return promise
  }

  /** Compares every watched project with its log; failures are left to the next time. */
  checkTails(): Promise<void> {
    this.#checking ??= this.#checkTails()
      .catch(() => {})
      .finally(() => {
        this.#checking = undefined
      })
    return this.#checking
  }

  async #checkTails(): Promise<void> {
    const feeds = [...this.#feeds.values()]
    if (feeds.length === 0) return
    const heads = await readLogHeads(
      this.#database,
      feeds.map((feed) => feed.project_id),
    )
    await Promise.all(
      feeds.map(async (feed) => {
        const head = heads.get(feed.project_id)
        if (head) await feed.catchUpTo(head)
        else feed.end()
      }),
    )
  }

  /** The feeds that are open, for metrics. */
  feeds(): readonly ProjectFeed[] {
    return [...this.#feeds.values()]
  }

  close(): void {
    clearInterval(this.#timer)
    for (const feed of this.#feeds.values()) feed.close()
    this.#feeds.clear()
    this.#entries.clear()
  }
}

import type { Bus } from '#src/bus/bus.ts'
import { MAX_EARLY_EVENTS, TAIL_CHECK_MS } from '#src/realtime/bounds.ts'
import type { Database } from '#src/store/database.ts'
import type { LogPlace } from '#src/store/epochs.ts'
import { readLogHeads } from '#src/store/events.ts'
import { LogPages } from './log-pages.ts'
import { type FeedServices, ProjectFeed } from './project-feed.ts'

export type HubHooks = Pick<FeedServices, 'onWritten'> & {
  /** Gives a project a new epoch if its log was set back to before this place. */
  renewSetBack: (place: LogPlace) => Promise<unknown>
}

type Entry = { feed: Promise<ProjectFeed | undefined>; users: number }

/** The feeds of all projects that have a reader in this process. */
export class Hub {
  readonly #database: Database
  readonly #bus: Bus
  readonly #entries = new Map<string, Entry>()
  readonly #feeds = new Map<string, ProjectFeed>()
  readonly #timer: NodeJS.Timeout
  readonly pages: LogPages
  /** For metrics. `subscriptions` counts the open ones. */
  readonly counts = { filled: 0, repeated: 0, lost: 0, delivered: 0, subscriptions: 0 }
  readonly #hooks: HubHooks
  readonly #renewing = new Set<string>()
  #tailCheck: Promise<void> | undefined
  readonly #waiters: (() => void)[] = []

  constructor(database: Database, bus: Bus, hooks: HubHooks) {
    this.#hooks = hooks
    this.#database = database
    this.#bus = bus
    this.pages = new LogPages(database)
    this.#timer = setInterval(() => {
      void this.checkTails().then(() => {
        for (const resolve of this.#waiters.splice(0)) resolve()
      })
    }, TAIL_CHECK_MS)
    bus.onReconnected(() => void this.checkTails())
  }

  /** The feed of a project, which stays open until every caller has released it. Undefined: no such project. */
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
    // Subscribe first, then read the end of the log: an event committed in between is heard, read, or both.
    const early: Parameters<ProjectFeed['accept']>[0][] = []
    let feed: ProjectFeed | undefined
    await this.#bus.subscribe(project_id, (event) => {
      if (feed) feed.accept(event)
      else if (early.length < MAX_EARLY_EVENTS) early.push(event)
    })
    const head = (await readLogHeads(this.#database, [project_id])).get(project_id)
    if (!head) return undefined
    const { pages, counts } = this
    const onAhead = () => void this.checkTails()
    const onSetBack = (place: LogPlace) => void this.#renew(place)
    const { onWritten } = this.#hooks
    feed = new ProjectFeed(project_id, head, { pages, counts, onAhead, onSetBack, onWritten })
    this.#feeds.set(project_id, feed)
    for (const event of early) feed.accept(event)
    return feed
  }

  /** Resolves after the next tail check, whether it succeeded or not. */
  nextTailCheck(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#waiters.push(resolve)
    return promise
  }

  /** Compares every watched project with its log. The next check makes up for a failure. */
  checkTails(): Promise<void> {
    this.#tailCheck ??= this.#checkTails()
      .catch(() => {})
      .finally(() => {
        this.#tailCheck = undefined
      })
    return this.#tailCheck
  }

  async #checkTails(): Promise<void> {
    const feeds = [...this.#feeds.values()].map((feed) => ({ feed, before: feed.place }))
    if (feeds.length === 0) return
    const heads = await readLogHeads(
      this.#database,
      feeds.map(({ before }) => before.project_id),
    )
    await Promise.all(
      feeds.map(async ({ feed, before }) => {
        const head = heads.get(feed.project_id)
        if (head) await feed.catchUpTo(head, before)
        else feed.end()
      }),
    )
  }

  /** Tail checks do not wait for it, since it needs the project's locks. The next check makes up for a failure. */
  async #renew(place: LogPlace): Promise<void> {
    if (this.#renewing.has(place.project_id)) return
    this.#renewing.add(place.project_id)
    await this.#hooks.renewSetBack(place).catch(() => {})
    this.#renewing.delete(place.project_id)
    await this.checkTails()
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

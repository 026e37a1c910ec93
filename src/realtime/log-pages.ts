import type { Database } from '#src/store/database.ts'
import { readEvents } from '#src/store/events.ts'
import { EventBatch } from './event-batch.ts'

const PAGE_SIZE = 256
const MAX_CACHED_BYTES = 32 * 1024 * 1024

/** Whose log, and in which epoch. */
export type Log = { readonly project_id: string; readonly epoch: number }
type Page = { batch: EventBatch; bytes: number }

/**
 * The log as pages that many readers share. Page k holds the events k·256+1 … (k+1)·256, so that readers at
 * different places ask for the same pages. The log only grows at its end: what a page holds stays true, and
 * an unfinished page is read again only by a reader that it has nothing new for. Another epoch is another log.
 */
export class LogPages {
  readonly #database: Database
  readonly #cached = new Map<string, Page>()
  readonly #reading = new Map<string, Promise<EventBatch | undefined>>()
  #bytes = 0
  /** Queries of the log made so far. */
  queries = 0

  constructor(database: Database) {
    this.#database = database
  }

  /**
   * Events after `after`, at least the next one if it is in the log; undefined when there is none yet, or the project
   * has another epoch by now.
   */
  async read({ project_id, epoch }: Log, after: number): Promise<EventBatch | undefined> {
    // Of now: what a feed's epoch is may change while this waits.
    const log = { project_id, epoch }
    const index = Math.floor(after / PAGE_SIZE)
    const key = `${keyOf(log)}${index}`
    const cached = this.#cached.get(key)?.batch.after(after)
    if (cached) return cached

    // A read under way may have begun before the event that is wanted was committed: then read once more.
    const joined = await this.#reading.get(key)
    if (joined && joined.last > after) return joined.after(after)

    let reading = this.#reading.get(key)
    if (!reading) {
      reading = this.#query(key, log, index * PAGE_SIZE).finally(() => this.#reading.delete(key))
      this.#reading.set(key, reading)
    }
    return (await reading)?.after(after)
  }

  async #query(key: string, { project_id, epoch }: Log, after: number): Promise<EventBatch | undefined> {
    this.queries++
    const events = await readEvents(this.#database, { project_id, after, limit: PAGE_SIZE })
    const consecutive = events.filter((event, index) => event.seq === (events[0]?.seq ?? 0) + index)
    if (consecutive.length === 0 || consecutive[0]?.epoch !== epoch) return undefined
    const batch = new EventBatch(consecutive)
    // The text is kept, and the frames once a reader has asked for them.
    const bytes = consecutive.reduce((sum, event) => sum + 2 * event.frame.length, 0)
    this.#keep(key, { batch, bytes })
    return batch
  }

  /** Lets the pages of a log go that nobody will read again. */
  forget(log: Log): void {
    const prefix = keyOf(log)
    for (const [key, { bytes }] of this.#cached) {
      if (!key.startsWith(prefix)) continue
      this.#cached.delete(key)
      this.#bytes -= bytes
    }
  }

  #keep(key: string, page: Page): void {
    this.#bytes += page.bytes - (this.#cached.get(key)?.bytes ?? 0)
    this.#cached.delete(key)
    this.#cached.set(key, page)
    for (const [oldest, { bytes }] of this.#cached) {
      if (this.#bytes <= MAX_CACHED_BYTES) break
      this.#cached.delete(oldest)
      this.#bytes -= bytes
    }
  }
}

function keyOf({ project_id, epoch }: Log): string {
  return `${project_id} ${epoch} `
}

import { LRUCache } from 'lru-cache'
import { MAX_LOG_PAGES_BYTES, PAGE_EVENTS } from '#src/realtime/bounds.ts'
import { MAX_READ_BYTES } from '#src/store/bounds.ts'
import type { Database } from '#src/store/database.ts'
import { readEvents } from '#src/store/events.ts'
import { EventBatch } from './event-batch.ts'

/** One project's log in one epoch. */
export type Log = { readonly project_id: string; readonly epoch: number }
/** `bytes`: the size of its frames. */
type Page = { batch: EventBatch; bytes: number }

/**
 * The log in pages that many readers share. Page k holds the events k·256+1 … (k+1)·256, so that readers at different
 * places ask for the same pages. A page stays true, since the log only grows at its end; an unfinished one is read again
 * for a reader that already has all of it. Large events can fill a page before its last number: a reader beyond them
 * reads from its own place. Another epoch is another log.
 */
export class LogPages {
  readonly #database: Database
  readonly #maxPageBytes: number
  readonly #cached = new LRUCache<string, Page>({
    maxSize: MAX_LOG_PAGES_BYTES,
    sizeCalculation: ({ bytes }) => bytes,
  })
  readonly #reading = new Map<string, Promise<Page | undefined>>()
  /** Queries of the log made so far. */
  queries = 0

  constructor(database: Database, maxPageBytes = MAX_READ_BYTES) {
    this.#database = database
    this.#maxPageBytes = maxPageBytes
  }

  /**
   * Events after `after`, at least the next one if the log has it. Undefined: the log has none, or the project has another
   * epoch now.
   */
  async read({ project_id, epoch }: Log, after: number): Promise<EventBatch | undefined> {
    // A copy, since a feed's epoch may change during the read.
    const log = { project_id, epoch }
    const page = await this.#read(log, { start: after - (after % PAGE_EVENTS), after })
    if (!page || page.batch.last > after || !this.#isFull(page)) return page?.batch.after(after)
    return (await this.#read(log, { start: after, after }))?.batch.after(after)
  }

  /** The page that begins at `start`, with events after `after` if the log has them. */
  async #read(log: Log, { start, after }: { start: number; after: number }): Promise<Page | undefined> {
    const key = `${keyOf(log)}${start}`
    const serves = (page: Page | undefined) => page && (page.batch.last > after || this.#isFull(page))
    const cached = this.#cached.get(key)
    if (serves(cached)) return cached

    // A read under way may have begun before the wanted event was committed. Then one more read is needed.
    const joined = await this.#reading.get(key)
    if (serves(joined)) return joined

    let reading = this.#reading.get(key)
    if (!reading) {
      reading = this.#query(key, log, start).finally(() => this.#reading.delete(key))
      this.#reading.set(key, reading)
    }
    return reading
  }

  async #query(key: string, { project_id, epoch }: Log, after: number): Promise<Page | undefined> {
    this.queries++
    const limit = PAGE_EVENTS - (after % PAGE_EVENTS)
    const events = await readEvents(this.#database, {
      project_id,
      after,
      limit,
      max_bytes: this.#maxPageBytes,
    })
    const consecutive = events.filter((event, index) => event.seq === (events[0]?.seq ?? 0) + index)
    if (consecutive.length === 0 || consecutive[0]?.epoch !== epoch) return undefined
    const bytes = consecutive.reduce((sum, event) => sum + Buffer.byteLength(event.frame), 0)
    const page = { batch: new EventBatch(consecutive), bytes }
    this.#cached.set(key, page)
    return page
  }

  /** Frames never shrink when they get the current epoch, so a page that the statement cut short always counts as full. */
  #isFull({ bytes }: Page): boolean {
    return bytes >= this.#maxPageBytes
  }

  /** Frees the pages of a log that no reader will read again. */
  forget(log: Log): void {
    const prefix = keyOf(log)
    for (const key of this.#cached.keys()) if (key.startsWith(prefix)) this.#cached.delete(key)
  }
}

function keyOf({ project_id, epoch }: Log): string {
  return `${project_id} ${epoch} `
}

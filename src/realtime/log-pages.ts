import type { Database } from '#src/store/database.ts'
import { MAX_READ_BYTES, readEvents } from '#src/store/events.ts'
import { EventBatch } from './event-batch.ts'

const PAGE_SIZE = 256
/** Of the frames of all pages that are kept: as text, and once more when readers have asked for the bytes. */
const MAX_CACHED_BYTES = 16 * 1024 * 1024

/** Whose log, and in which epoch. */
export type Log = { readonly project_id: string; readonly epoch: number }
/** `bytes`: of the frames. */
type Page = { batch: EventBatch; bytes: number }

/**
 * The log as pages that many readers share. Page k holds the events k·256+1 … (k+1)·256, so that readers at
 * different places ask for the same pages. The log only grows at its end: what a page holds stays true, and
 * an unfinished page is read again only by a reader that it has nothing new for. One that large events have made full
 * before its end is not: a reader beyond it reads on from its own place. Another epoch is another log.
 */
export class LogPages {
  readonly #database: Database
  readonly #max_bytes: number
  readonly #cached = new Map<string, Page>()
  readonly #reading = new Map<string, Promise<Page | undefined>>()
  #bytes = 0
  /** Queries of the log made so far. */
  queries = 0

  constructor(database: Database, max_bytes = MAX_READ_BYTES) {
    this.#database = database
    this.#max_bytes = max_bytes
  }

  /**
   * Events after `after`, at least the next one if it is in the log; undefined when there is none yet, or the project
   * has another epoch by now.
   */
  async read({ project_id, epoch }: Log, after: number): Promise<EventBatch | undefined> {
    // Of now: what a feed's epoch is may change while this waits.
    const log = { project_id, epoch }
    const page = await this.#read(log, { start: after - (after % PAGE_SIZE), after })
    if (!page || page.batch.last > after || !this.#isFull(page)) return page?.batch.after(after)
    return (await this.#read(log, { start: after, after }))?.batch.after(after)
  }

  /** What begins at `start` and has more than `after`, or is full. */
  async #read(log: Log, { start, after }: { start: number; after: number }): Promise<Page | undefined> {
    const key = `${keyOf(log)}${start}`
    const serves = (page: Page | undefined) => page && (page.batch.last > after || this.#isFull(page))
    const cached = this.#cached.get(key)
    if (serves(cached)) return cached

    // A read under way may have begun before the event that is wanted was committed: then read once more.
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
    const limit = PAGE_SIZE - (after % PAGE_SIZE)
    const events = await readEvents(this.#database, {
      project_id,
      after,
      limit,
      max_bytes: this.#max_bytes,
    })
    const consecutive = events.filter((event, index) => event.seq === (events[0]?.seq ?? 0) + index)
    if (consecutive.length === 0 || consecutive[0]?.epoch !== epoch) return undefined
    const bytes = consecutive.reduce((sum, event) => sum + Buffer.byteLength(event.frame), 0)
    const page = { batch: new EventBatch(consecutive), bytes }
    this.#keep(key, page)
    return page
  }

  /** A frame that is given the epoch of now gets no shorter by it, so this is never false of one that was cut. */
  #isFull({ bytes }: Page): boolean {
    return bytes >= this.#max_bytes
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

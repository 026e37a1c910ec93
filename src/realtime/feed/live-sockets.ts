import { PARK_BYTES } from '#src/realtime/bounds.ts'
import type { EventBatch } from './event-batch.ts'
import type { FeedReader } from './reader.ts'

/** The TCP or TLS socket of a connection, which takes whole frames. */
export type FrameSink = {
  readonly writable: boolean
  readonly writableLength: number
  write(frames: Buffer): unknown
}

export type Watcher = FeedReader & {
  readonly sink: FrameSink
  /** Its socket is full, so it is no longer live. `position`: the number of the last event that was written. */
  parked(position: number): void
}

/**
 * The sockets of a project's live watchers, all at the same position. A delivery touches the socket and no other object:
 * with hundreds of watchers, each further object is a cache miss, which had been a third of the cost.
 */
export class LiveSockets {
  readonly #watchers = new Map<FrameSink, Watcher>()

  get size(): number {
    return this.#watchers.size
  }

  add(watcher: Watcher): void {
    this.#watchers.set(watcher.sink, watcher)
  }

  delete(watcher: Watcher): void {
    if (this.#watchers.get(watcher.sink) === watcher) this.#watchers.delete(watcher.sink)
  }

  write(batch: EventBatch): void {
    if (this.#watchers.size === 0) return
    const { frames } = batch
    for (const sink of this.#watchers.keys()) {
      if (sink.writableLength <= PARK_BYTES && sink.writable) sink.write(frames)
      else this.#park(sink, batch.first - 1)
    }
  }

  parkAll(position: number): void {
    for (const sink of this.#watchers.keys()) this.#park(sink, position)
  }

  #park(sink: FrameSink, position: number): void {
    const watcher = this.#watchers.get(sink)
    this.#watchers.delete(sink)
    watcher?.parked(position)
  }

  watchers(): readonly Watcher[] {
    return [...this.#watchers.values()]
  }

  clear(): void {
    this.#watchers.clear()
  }
}

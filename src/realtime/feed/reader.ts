import type { EventBatch } from './event-batch.ts'

/** A reader of a feed: a watcher, the runtimes of a project, or an event stream. */
export type FeedReader = {
  /** Takes the next events. The first ones may be events that the reader already has. */
  receive(batch: EventBatch): void
  /** The reader has to start over: events that it needs are no longer in the log, or the project has another epoch. */
  lost(): void
  /** The project was deleted. */
  deleted(): void
}

import type { LoggedEvent } from '#src/store/events.ts'

export type NewsListener = (event: LoggedEvent) => void

/**
 * Carries the news of committed events to every process. It may lose, repeat, delay and reorder news: the log is the
 * truth, and readers make up for the bus from it. Listeners in the publishing process hear an event at once.
 */
export type Bus = {
  /** Never throws and never waits. */
  publish(event: LoggedEvent): void
  /** Resolves once the subscription is made, or after SUBSCRIBE_WAIT_MS. One listener a project. */
  subscribe(project_id: string, listener: NewsListener): Promise<void>
  unsubscribe(project_id: string): void
  /** The listener is called once a lost connection is back: news may have been missed. */
  onReconnected(listener: () => void): void
  state(): 'none' | 'up' | 'down'
  close(): Promise<void>
}
